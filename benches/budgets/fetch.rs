//! Lower bound of an import: the same requests over as many connections, each body written to a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proxmox_mpc_model::ApiPath;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::program::CONNECTIONS;
use crate::twin::Twin;

/// Fetches these paths into files in `folder`, and returns the time.
pub(crate) fn fetch(twin: &Twin, paths: &[ApiPath], folder: &Path) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let started = Instant::now();
    runtime.block_on(all(twin, paths, folder))?;
    Ok(started.elapsed())
}

async fn all(twin: &Twin, paths: &[ApiPath], folder: &Path) -> Outcome {
    let client = client()?;
    let header: Arc<str> = format!("PVEAPIToken={}", twin.token).into();
    let urls: Arc<[String]> =
        paths.iter().map(|path| format!("{}{}", twin.endpoint.trim_end_matches('/'), path.target())).collect();
    let (next, folder): (_, Arc<Path>) = (Arc::new(AtomicUsize::new(0)), folder.into());
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, header, urls) = (client.clone(), Arc::clone(&header), Arc::clone(&urls));
        let (next, folder) = (Arc::clone(&next), Arc::clone(&folder));
        workers.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(url) = urls.get(index) else { return Ok::<(), String>(()) };
                let response = client.get(url).header("Authorization", &*header).send().await;
                let response = response.map_err(|error| format!("{url}: {error}"))?;
                let body = response.bytes().await.map_err(|error| format!("{url}: {error}"))?;
                std::fs::write(folder.join(index.to_string()), body).map_err(|error| error.to_string())?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

/// The library and the settings of the importer's own client, which pins the certificate instead.
fn client() -> Outcome<reqwest::Client> {
    // The second time it is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Ok(reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true) // a twin of our own on loopback
        .tcp_nodelay(true)
        .pool_max_idle_per_host(usize::MAX)
        .no_proxy()
        .build()?)
}
