//! Runtimes that the twin runs in, and how it is stopped from elsewhere.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use proxmox_mpc_model::{Answer, ApiPath};
use proxmox_mpc_twin::Credentials;
use proxmox_mpc_twin::server::{Options, Twin, serve};
use tokio::runtime::{Builder, Runtime};

/// A twin that knows nothing but a version.
fn started() -> Twin {
    let version = (ApiPath::parse("version"), Answer::ok(serde_json::json!({ "version": "9.1.9" })));
    serve(Arc::new(BTreeMap::from([version])), Options::new(Credentials::fresh())).unwrap()
}

fn is_open(endpoint: &str) -> bool {
    TcpStream::connect(endpoint.trim_start_matches("https://").trim_end_matches('/')).is_ok()
}

fn closes(endpoint: &str) -> bool {
    let start = Instant::now();
    while is_open(endpoint) {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        Builder::new_current_thread().enable_all().build().unwrap(),
    ]
}

#[test]
fn blocking_code_starts_a_twin_without_a_runtime() {
    let twin = started();
    let endpoint = twin.endpoint();
    assert!(is_open(&endpoint));
    twin.stopper().stop();
    assert!(closes(&endpoint));

    // Dropping it is enough.
    let dropped = started();
    let endpoint = dropped.endpoint();
    drop(dropped);
    assert!(closes(&endpoint));
}

#[test]
fn a_task_starts_and_stops_a_twin() {
    for runtime in runtimes() {
        let endpoint = runtime.block_on(async {
            let twin = started();
            let endpoint = twin.endpoint();
            assert!(is_open(&endpoint));
            twin.stop().await;
            assert!(!is_open(&endpoint));
            drop(started());
            endpoint
        });
        assert!(!is_open(&endpoint));
    }
}

#[test]
fn another_thread_stops_a_twin_that_a_task_waits_for() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let mut twin = started();
            let stopper = twin.stopper();
            let elsewhere = thread::spawn(move || {
                stopper.stop();
                // Once is as good as twice.
                stopper.stop();
            });
            twin.stopped().await;
            assert!(!is_open(&twin.endpoint()));
            elsewhere.join().unwrap();
        });
    }
}

#[test]
fn a_twin_with_its_own_runtime_ends_inside_of_a_task() {
    for runtime in runtimes() {
        let (stopped, dropped) = (started(), started());
        let endpoints = [stopped.endpoint(), dropped.endpoint()];
        runtime.block_on(async {
            stopped.stop().await;
            drop(dropped);
        });
        assert!(endpoints.iter().all(|endpoint| closes(endpoint)));
    }
}

#[test]
fn blocking_code_inside_of_a_runtime_starts_a_twin() {
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let twin = tokio::task::spawn_blocking(started).await.unwrap();
        assert!(is_open(&twin.endpoint()));
        twin.stop().await;
    });
}
