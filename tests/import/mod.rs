//! Imports of a cluster into a recording, from a server with the answers of a real cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_engine::client::Client;
use proxmox_mpc_engine::import::ImportError;
use proxmox_mpc_engine::import::fetch::{FetchOptions, Fetched, record};
use proxmox_mpc_engine::operation::fault::Fault;
use proxmox_mpc_engine::operation::{Context, EventKind, StepId, StepKind};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::redact::Redactor;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Cluster};
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};
use serde_json::json;

use crate::client::{LIMITS, client_of};
use crate::server::{Reply, Request, Server};
use crate::support;

mod blind;
mod etc_pve;
mod twin;

/// A recording of a real cluster that ships with the project.
fn fixture(name: &str) -> Arc<Recording> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    Arc::new(Recording::open(&path).unwrap())
}

/// Answer of the recorded cluster; 501 for a request that is not on record.
fn recorded(recording: &Recording, request: &Request) -> Reply {
    match recording.text(&ApiPath::parse(&request.target)).unwrap() {
        Some(answer) => Reply::json(&format!("{} {}", answer.status, answer.reason), &answer.body),
        None => Reply::json("501 unrecorded", r#"{"data":null}"#),
    }
}

/// Serves a recording; `other` may replace answers.
async fn serve(
    recording: &Arc<Recording>,
    other: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, Client) {
    let recording = Arc::clone(recording);
    let server =
        Server::start(move |_, request| other(&request.target).unwrap_or_else(|| recorded(&recording, request))).await;
    let client = client_of(&server, LIMITS);
    (server, client)
}

async fn import(client: &Client, place: &Path, concurrency: usize, context: &Context) -> Result<Fetched, ImportError> {
    let writer = RecordingWriter::create(place).unwrap();
    let options = FetchOptions { concurrency, ask_guests: true, recorded_at: "2026-11-23T00:50:00Z".to_owned() };
    record(client, KINDS, writer, &options, context).await
}

/// Every file below the folder with its text.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    files
}

#[tokio::test]
async fn everything_is_asked_once_and_kept_as_it_was_said() {
    let redactor = Redactor::new(KINDS);
    for (name, nodes, version) in
        [("pve-9.1.tar.zst", &["pve1", "pve2", "pve3"][..], "9.1.9"), ("homelab-auditor.tar.zst", &["pve"], "9.1.9")]
    {
        let fixture = fixture(name);
        let (server, client) = serve(&fixture, |_| None).await;
        let folder = tempfile::tempdir().unwrap();
        let fetched = import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap();
        let mut asked: Vec<ApiPath> = server.requests().iter().map(|request| ApiPath::parse(&request.target)).collect();
        asked.sort();
        let kept: Vec<ApiPath> = fetched.recording.paths().unwrap().collect();
        assert_eq!(asked, kept, "each request is sent once, and each answer kept");
        assert_eq!((fetched.asked, fetched.sent), (kept.len() as u64, kept.len() as u64));
        assert!(fetched.failures.is_empty() && server.connections() <= 8);
        for path in &kept {
            let unrecorded = || Answer { status: 501, reason: "unrecorded".to_owned(), body: json!({"data": null}) };
            let mut answer = fixture.get(path).unwrap().unwrap_or_else(unrecorded);
            answer.body.as_object_mut().unwrap().values_mut().for_each(|part| redactor.redact(path, part));
            assert_eq!(fetched.recording.get(path).unwrap(), Some(answer), "{path}");
        }
        let about = fetched.recording.about();
        assert_eq!((about.nodes.as_slice(), about.pve_version.as_deref()), (&*owned(nodes), Some(version)));
        assert_eq!(
            (about.login.as_deref(), about.recorded_at.as_str()),
            (Some("root@pam!iac"), "2026-11-23T00:50:00Z")
        );
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Every answer that the kinds want was asked for.
#[tokio::test]
async fn nothing_is_left_to_ask() {
    let (_server, client) = serve(&fixture("homelab.tar.zst"), |_| None).await;
    let folder = tempfile::tempdir().unwrap();
    let fetched = import(&client, &folder.path().join("recording"), 2, &support::context()).await.unwrap();
    let cluster = Cluster::read(&fetched.recording).unwrap();
    for kind in KINDS {
        for path in kind.requests(&cluster).unwrap() {
            assert!(fetched.recording.get(&path).unwrap().is_some(), "{path}");
        }
    }
    let images = ApiPath::parse("nodes/pve/storage/local-lvm/content");
    assert!(fetched.recording.get(&images).unwrap().is_some(), "it is known only after a second look");
}

#[tokio::test]
async fn the_order_of_answers_changes_no_byte() {
    let fixture = fixture("pve-9.1.tar.zst");
    let folder = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for concurrency in [1, 16] {
        let (_server, client) = serve(&fixture, |_| None).await;
        let place = folder.path().join(concurrency.to_string());
        import(&client, &place, concurrency, &support::context()).await.unwrap();
        made.push(files(&place));
    }
    assert!(made[0].len() > 30);
    assert_eq!(made[0], made[1]);
}

#[tokio::test]
async fn a_node_that_is_down_costs_its_guests_only() {
    let (_server, client) = serve(&fixture("pve-9.1.tar.zst"), |target| {
        let down = target.starts_with("/api2/json/nodes/pve2/");
        down.then(|| Reply::json("595 No route to host", r#"{"data":null}"#))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let fetched = import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap();
    assert_eq!((fetched.sent, fetched.failures.len()), (fetched.asked, 0), "595 is an answer, and not tried again");
    let cluster = Cluster::read(&fetched.recording).unwrap();
    for kind in &KINDS[..2] {
        for entry in kind.list(&cluster).unwrap().entries {
            let read = kind.read(&cluster, &entry).unwrap();
            assert_eq!(read.is_ok(), entry.node.as_deref() != Some("pve2"), "{}", entry.identity);
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_set_aside() {
    let (server, client) = serve(&fixture("pve-9.1.tar.zst"), |target| match target {
        "/api2/json/nodes/pve1/qemu/100/config" => Some(Reply::ok("<html>")),
        "/api2/json/nodes/pve1/lxc/200/config" => Some(Reply::Cut("{".to_owned())),
        _ => None,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let fetched = import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap();
    let failures: Vec<String> = fetched.failures.iter().map(|failure| failure.error.to_string()).collect();
    let expected = [
        "the answer to `nodes/pve1/lxc/200/config` was cut off",
        "the answer to `nodes/pve1/qemu/100/config` is not JSON",
    ];
    assert_eq!(failures, expected);
    assert_eq!(fetched.recording.paths().unwrap().count() + 2, usize::try_from(fetched.asked).unwrap());
    assert_eq!(
        server.requests().len(),
        usize::try_from(fetched.asked + 2).unwrap(),
        "a cut answer is asked for thrice"
    );
}

/// An import that ends early leaves nothing at the place of the recording, nor beside it.
#[tokio::test]
async fn what_concerns_everything_ends_the_import() {
    let check = async |path: &'static str, reply: Reply, expected: &str| {
        let target = format!("/api2/json/{path}");
        let (server, client) =
            serve(&fixture("pve-9.1.tar.zst"), move |asked| (asked == target).then(|| reply.clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let error = import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{path}");
        assert!(!error.hints().is_empty(), "{path}");
        assert_eq!(files(folder.path()), BTreeMap::new(), "{path}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{path}");
        server.requests().len()
    };
    let unauthorized = "Proxmox refused the login `root@pam!iac`: Authentication failed!";
    assert_eq!(check("version", Reply::unauthorized(), unauthorized).await, 1, "a wrong token is refused once");
    check("nodes/pve1/qemu/100/config", Reply::unauthorized(), unauthorized).await;
    let refused = "the import depends on an answer that cannot be used: `cluster/resources`: 500 no quorum";
    check("cluster/resources", Reply::json("500 no quorum", r#"{"data":null}"#), refused).await;
    let unusable = |path: &str, why: &str| {
        format!(
            "the import depends on an answer that cannot be used: `{path}`: the answer is not what Proxmox gives: {why}"
        )
    };
    let wrong = unusable("nodes", "it is an object, not a list");
    check("nodes", Reply::ok(r#"{"data":{"node":"pve1"}}"#), &wrong).await;
    check("pools", Reply::ok(r#"{"data":null}"#), &unusable("pools", "it is null, not a list")).await;
    check("pools", Reply::ok(r#"{"data":[{}]}"#), &unusable("pools", "row 1 has no `poolid`")).await;
    let guest = Reply::ok(r#"{"data":[{"type":"qemu","node":"pve1"}]}"#);
    check("cluster/resources", guest, &unusable("cluster/resources", "row 1 has no VMID")).await;
    check("storage", Reply::ok("<html>"), "the answer to `storage` is not JSON").await;
}

/// A full disk, simulated by a file in the place of the folder of the answers.
#[tokio::test]
async fn a_disk_that_refuses_ends_the_import() {
    let folder = tempfile::tempdir().unwrap();
    let parent = folder.path().to_owned();
    let (_server, client) = serve(&fixture("pve-9.1.tar.zst"), move |target| {
        if target.ends_with("/qemu/100/config") {
            let aside = fs::read_dir(&parent).unwrap().next().unwrap().unwrap().path();
            // The import writes meanwhile, and may bring the folder back before the file has its place.
            while fs::write(&aside, "").is_err() {
                fs::remove_dir_all(&aside).ok();
            }
        }
        None
    })
    .await;
    let error = import(&client, &folder.path().join("recording"), 1, &support::context()).await.unwrap_err();
    assert!(matches!(error, ImportError::Recording(_)), "{error}");
    assert!(error.to_string().starts_with("cannot write `") && !error.hints().is_empty(), "{error}");
    assert!(!folder.path().join("recording").exists());
}

#[tokio::test]
async fn an_import_that_is_stopped_leaves_nothing() {
    let (server, client) = serve(&fixture("pve-9.1.tar.zst"), |target| {
        let slow = target.ends_with("/pending");
        slow.then(|| Reply::Late(Duration::from_secs(30), Box::new(Reply::ok(r#"{"data":[]}"#))))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("recording");
    {
        let context = support::context();
        let import = import(&client, &place, 4, &context);
        tokio::pin!(import);
        while !server.requests().iter().any(|request| request.target.ends_with("/pending")) {
            assert!(tokio::time::timeout(Duration::from_millis(5), &mut import).await.is_err(), "it waits");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something is written aside");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn no_secret_is_recorded() {
    let (_server, client) = serve(&fixture("pve-9.1.tar.zst"), |target| match target {
        "/api2/json/nodes/pve1/qemu/100/config" => Some(Reply::ok(r#"{"data":{"cipassword":"CANARY","name":"web"}}"#)),
        "/api2/json/nodes/pve1/qemu/100/pending" => {
            Some(Reply::ok(r#"{"data":[{"key":"cipassword","value":"CANARY","pending":"CANARY"}]}"#))
        }
        "/api2/json/storage" => Some(Reply::ok(
            r#"{"data":[{"storage":"pbs","type":"pbs","encryption-key":"CANARY","password":"CANARY"}]}"#,
        )),
        _ => None,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    import(&client, &folder.path().join("recording"), 4, &support::context()).await.unwrap();
    let text: String = files(folder.path()).into_values().collect();
    assert!(text.contains("redacted-cipassword") && text.contains("redacted-encryption-key"));
    assert!(!text.contains("CANARY"));
}

#[tokio::test]
async fn progress_ends_where_everything_is_answered() {
    let (_server, client) = serve(&fixture("homelab.tar.zst"), |_| None).await;
    let folder = tempfile::tempdir().unwrap();
    let (context, events) = support::followed();
    let fetched = import(&client, &folder.path().join("recording"), 4, &context).await.unwrap();
    let events: Vec<EventKind> = events.lock().unwrap().iter().map(|event| event.kind.clone()).collect();
    let step = StepId(1);
    let last = EventKind::Progress { step, done: fetched.asked, total: Some(fetched.asked) };
    assert_eq!(events.first(), Some(&EventKind::Started { step, what: StepKind::ReadCluster }));
    assert_eq!(&events[events.len() - 2..], [last, EventKind::Finished { step }]);
}
