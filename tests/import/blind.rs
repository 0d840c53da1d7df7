//! A login without privileges is reported at once, and nothing is written.

use std::path::Path;

use proxmox_mpc_engine::import::removal::RemovalLimits;
use proxmox_mpc_engine::import::{ImportError, ImportJob, Source, run};
use proxmox_mpc_engine::operation::fault::{Fault as _, FaultKind};
use proxmox_mpc_generators::Selection;
use proxmox_mpc_model::{Answer, Answers as _, ApiPath};
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};
use serde_json::json;

use super::fixture;
use crate::support;

/// The recorded cluster as a login without any privilege sees it: the lists answer, and are empty
/// (docs/proxmox.md: lists are filtered, not refused).
fn unprivileged(place: &Path) -> Recording {
    let full = fixture("pve-9.1.tar.zst");
    let writer = RecordingWriter::create(place).unwrap();
    for path in ["version", "nodes"] {
        let path = ApiPath::parse(path);
        writer.put(&path, &full.get(&path).unwrap().unwrap()).unwrap();
    }
    for (path, data) in [
        ("access/permissions", json!({})),
        ("cluster/resources", json!([])),
        ("storage", json!([])),
        ("pools", json!([])),
    ] {
        writer.put(&ApiPath::parse(path), &Answer::ok(data)).unwrap();
    }
    writer.finish(full.about()).unwrap()
}

#[tokio::test]
async fn a_login_that_may_see_nothing_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lab");
    let recording = unprivileged(&folder.path().join("recording"));
    let job = ImportJob {
        out: out.clone(),
        selection: Selection::default(),
        mapping: None,
        provider: None,
        record: None,
        adopt: None,
        concurrency: 1,
        ask_guests: true,
        dry_run: false,
        force: false,
        wait: false,
        removal: RemovalLimits::default(),
        now: "2026-11-23T00:50:00Z".to_owned(),
    };
    let error = run(Source::Recording(recording), &job, &support::context()).await.unwrap_err();
    assert!(matches!(error, ImportError::Blind { .. }), "{error}");
    assert_eq!(error.kind(), FaultKind::Failed);
    assert!(error.hints().iter().any(|hint| hint.starts_with("pveum role add")), "{:?}", error.hints());
    assert!(!out.exists(), "nothing may be written");
}
