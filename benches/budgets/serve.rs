//! Speed of a twin beside a bare route of the same library, the time until it serves, and 100 clients at once.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_twin::server::{self, Options, Twin};
use proxmox_mpc_twin::{Credentials, Recording};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::exchange::{Connection, bare};
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

/// Connections that ask at once, and requests on each in one turn.
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 1500;
const TURNS: usize = 7;
/// Least share of the bare route's answers that a twin gives in the same time.
const SHARE: f64 = 0.7;
const CLIENTS: usize = 100;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    for guests in [100, 10_000] {
        let scratch = twin::scratch()?;
        let folder = twin::cluster(scratch.path(), guests)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        if guests > 100 {
            starts(sheet, &runtime, &folder, scratch.path())?;
        }
        let twin = started(&runtime, &folder, scratch.path(), None)?;
        let paths = configurations(&folder)?;
        rates(sheet, &runtime, &twin, &folder, &paths, guests)?;
        runtime.block_on(twin.stop());
        together(sheet, &runtime, &folder, scratch.path(), &paths, guests)?;
    }
    Ok(())
}

fn started(runtime: &Runtime, folder: &Path, scratch: &Path, state: Option<&Path>) -> Outcome<Twin> {
    let logins = scratch.join("logins.json");
    std::fs::write(&logins, serde_json::json!({ "tokens": { twin::LOGIN: twin::SECRET } }).to_string())?;
    let options = Options { state: state.map(Path::to_owned), ..Options::new(Credentials::read(&logins)?) };
    let _inside = runtime.enter();
    Ok(server::serve(Arc::new(Recording::open(folder)?), options)?)
}

/// The requests for the guests' configurations.
fn configurations(folder: &Path) -> Outcome<Arc<[String]>> {
    let is_configuration = |path: &ApiPath| path.as_str().ends_with("/config") && path.segments().len() == 5;
    Ok(Recording::open(folder)?.paths()?.filter(is_configuration).map(|path| path.target()).collect())
}

/// The time until a twin serves, beside the time of reading its files.
fn starts(sheet: &mut Sheet, runtime: &Runtime, folder: &Path, scratch: &Path) -> Outcome {
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let reading = Instant::now();
        for path in Recording::open(folder)?.paths()? {
            drop(std::fs::read(folder.join(path.file()))?);
        }
        let reading = reading.elapsed();
        let starting = Instant::now();
        let twin = started(runtime, folder, scratch, None)?;
        let starting = starting.elapsed();
        runtime.block_on(twin.stop());
        ratios.push(starting.as_secs_f64() / reading.as_secs_f64());
    }
    sheet.budget(
        "start of a twin, 10000 guests",
        format!("reading its files, median of {TURNS}"),
        (median(ratios), 2.0),
        |ratio| format!("{ratio:.2} x"),
    );
    Ok(())
}

/// Configurations over TLS and kept connections, beside a bare route that answers the same bytes.
fn rates(
    sheet: &mut Sheet,
    runtime: &Runtime,
    twin: &Twin,
    folder: &Path,
    paths: &Arc<[String]>,
    guests: u32,
) -> Outcome {
    let first = ApiPath::parse(&paths[0]);
    let body = std::fs::read(folder.join(first.file()))?;
    let bare = bare(runtime, body)?;
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let of_bare = runtime.block_on(turn(&bare, paths))?;
        let of_twin = runtime.block_on(turn(&twin.endpoint(), paths))?;
        ratios.push(of_twin.as_secs_f64() / of_bare.as_secs_f64());
    }
    sheet.budget(
        format!("{REQUESTS} configurations on each of {CONNECTIONS} connections, {guests} guests"),
        format!("time of a bare route, median of {TURNS}"),
        (median(ratios), 1.0 / SHARE),
        |ratio| format!("{ratio:.2} x"),
    );
    Ok(())
}

async fn turn(endpoint: &str, paths: &Arc<[String]>) -> Outcome<Duration> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(endpoint).await?);
    }
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for (number, mut connection) in connections.into_iter().enumerate() {
        let paths = Arc::clone(paths);
        workers.spawn(async move {
            for index in 0..REQUESTS {
                connection.get(&paths[(number * REQUESTS + index) % paths.len()]).await?;
            }
            Ok::<(), std::io::Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(started.elapsed())
}

/// 100 clients, each of which writes an object, reads it and a configuration, and changes it.
fn together(
    sheet: &mut Sheet,
    runtime: &Runtime,
    folder: &Path,
    scratch: &Path,
    paths: &Arc<[String]>,
    guests: u32,
) -> Outcome {
    let state = scratch.join("state");
    let twin = started(runtime, folder, scratch, Some(&state))?;
    let endpoint = twin.endpoint();
    let started = Instant::now();
    let answers = runtime.block_on(async {
        let mut workers = JoinSet::new();
        for client in 0..CLIENTS {
            let (endpoint, paths) = (endpoint.clone(), Arc::clone(paths));
            workers.spawn(async move {
                let mut connection = Connection::open(&endpoint).await?;
                let single = format!("/api2/json/cluster/mapping/dir/d{client}");
                let form = format!("id=d{client}&map=node%3Dpve1%2Cpath%3D%2Fsrv");
                connection.send("POST", "/api2/json/cluster/mapping/dir", &form).await?;
                connection.get(&single).await?;
                connection.get(&paths[client % paths.len()]).await?;
                connection.send("PUT", &single, "description=x").await?;
                connection.get("/api2/json/cluster/mapping/dir").await
            });
        }
        workers.join_all().await
    });
    let took = started.elapsed();
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    let all = runtime.block_on(async {
        let mut connection = Connection::open(&endpoint).await.map_err(|error| error.to_string())?;
        connection.get("/api2/json/cluster/mapping/dir").await.map_err(|error| error.to_string())
    })?;
    runtime.block_on(twin.stop());
    let made = String::from_utf8_lossy(&all).matches("\"description\":\"x\"").count();
    #[expect(clippy::cast_precision_loss, reason = "it is 100 at most")]
    sheet.budget(
        format!("{CLIENTS} clients at once, reads and writes kept on disk, {guests} guests"),
        format!("{made} objects made and changed, in {}", seconds(took.as_secs_f64())),
        ((failed + CLIENTS - made) as f64, 0.0),
        |count| format!("{count:.0} lost"),
    );
    Ok(())
}
