//! Operations that are stopped from outside, at every stage: each leaves things as they were, or finished.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proxmox_mpc_engine::coverage::CoverageRequest;
use proxmox_mpc_engine::demo::DemoRequest;
use proxmox_mpc_engine::import::ImportRequest;
use proxmox_mpc_engine::init::InitRequest;
use proxmox_mpc_engine::operation::fault::{Failure, FaultKind};
use proxmox_mpc_engine::operation::report::Document;
use proxmox_mpc_engine::operation::{Cancel, Cause, Event, EventKind, Report, Request, Sink, run};
use proxmox_mpc_engine::rehearse::RehearseRequest;
use proxmox_mpc_engine::settings::Connection;
use proxmox_mpc_engine::sync::SyncRequest;
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process;
use proxmox_mpc_engine::twins::{ServeRequest, SynthesizeRequest};
use proxmox_mpc_engine::verify::VerifyRequest;
use proxmox_mpc_judges::tools::{Missing, Tool};
use proxmox_mpc_twin::server::{Options, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use secrecy::ExposeSecret as _;

use crate::support;
use crate::support::clusters::place;
use crate::support::program::ran_in;
use crate::support::tools::or_skip;
use crate::support::workspaces::{bytes, edit, imported};

/// Counts the events of an operation, and stops it at one of them.
struct Stopper {
    at: usize,
    seen: AtomicUsize,
    cancel: Cancel,
    kinds: Mutex<Vec<EventKind>>,
}

impl Sink for Stopper {
    fn event(&self, event: &Event) {
        self.kinds.lock().unwrap().push(event.kind.clone());
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            self.cancel.request(Cause::Caller);
        }
    }
}

type Outcome = Result<Box<dyn Report>, Failure>;

/// Runs a request, and stops it at its `at`th event. A server is stopped as soon as it serves.
fn stopped<R: Request>(request: R, at: usize) -> (Outcome, Vec<EventKind>) {
    let cancel = Cancel::default();
    let stopper = Arc::new(Stopper { at, seen: AtomicUsize::new(0), cancel: cancel.clone(), kinds: Mutex::default() });
    let face = support::face(Arc::clone(&stopper) as Arc<dyn Sink>);
    let context = face.operation(cancel.clone());
    let runtime = face.runtime.clone();
    let outcome = runtime.block_on(async {
        let mut outcome = run(&context, request).await;
        if let Some(service) = outcome.as_mut().ok().and_then(|report| report.service()) {
            cancel.request(Cause::Caller);
            service.await;
        }
        outcome
    });
    let kinds = stopper.kinds.lock().unwrap().clone();
    (outcome, kinds)
}

/// The events at which to stop: each that is no progress, and of the progress of each step the first, the middle and the
/// last.
fn stages(kinds: &[EventKind]) -> Vec<usize> {
    let mut progress: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut stages = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        match kind {
            EventKind::Progress { step, .. } => progress.entry(step.0).or_default().push(index),
            EventKind::Text { .. } | EventKind::Diagnostic(_) | EventKind::Log { .. } => {}
            _ => stages.push(index),
        }
    }
    for indexes in progress.values() {
        stages.extend([indexes[0], indexes[indexes.len() / 2], indexes[indexes.len() - 1]]);
    }
    stages.sort_unstable();
    stages.dedup();
    stages
}

/// Stops an operation at each of its stages, each time in a folder of its own, and looks at what it left.
fn check<R: Request>(name: &str, request: impl Fn(&Path) -> R, left: impl Fn(&Path, bool)) {
    let whole = tempfile::tempdir().unwrap();
    let (outcome, kinds) = stopped(request(whole.path()), usize::MAX);
    outcome.unwrap_or_else(|failure| panic!("{name}: {}", failure.fault()));
    left(whole.path(), true);
    let mut interrupted = 0;
    for stage in stages(&kinds) {
        let folder = tempfile::tempdir().unwrap();
        let (outcome, _) = stopped(request(folder.path()), stage);
        let finished = match outcome {
            Ok(_) => true,
            Err(failure) => {
                assert_eq!(failure.fault().kind(), FaultKind::Interrupted, "{name}, {:?}: {failure:?}", kinds[stage]);
                false
            }
        };
        interrupted += usize::from(!finished);
        left(folder.path(), finished);
    }
    assert!(interrupted > 0, "{name} was never interrupted at {} stages", stages(&kinds).len());
}

/// A finished workspace, or nothing at all.
fn whole_or_nothing(folder: &Path, finished: bool) {
    let names = |folder: &Path| -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    if !finished {
        assert_eq!(names(folder), [""; 0]);
        return;
    }
    assert_eq!(names(folder), ["lab"]);
    assert_eq!(names(&folder.join("lab/.proxmox-mpc")), [".gitignore", "recordings"]);
    assert!(folder.join("lab/manifest.json").is_file());
}

fn homelab() -> std::path::PathBuf {
    place("homelab.tar.zst")
}

#[test]
fn an_import_is_stopped_at_every_stage() {
    let request =
        |folder: &Path| ImportRequest { from: Some(homelab()), out: folder.join("lab"), ..ImportRequest::default() };
    check("import", request, whole_or_nothing);
}

/// The same over HTTPS, from a twin; an import that was stopped lets the next one in.
#[test]
fn an_import_of_a_cluster_is_stopped_at_every_stage() {
    check(
        "demo",
        |folder| DemoRequest { out: folder.join("lab") },
        |folder, finished| {
            // Of a demonstration the import is finished where the proof was stopped.
            whole_or_nothing(folder, finished || folder.join("lab").exists());
            let again = ImportRequest { from: Some(homelab()), out: folder.join("lab2"), ..ImportRequest::default() };
            assert!(stopped(again, usize::MAX).0.is_ok());
        },
    );
}

/// A set-up writes nothing until everything was tried.
#[test]
fn a_set_up_is_stopped_at_every_stage() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let credentials = Credentials::fresh();
    let token = credentials.token().unwrap();
    let twin = {
        let _inside = runtime.enter();
        serve(Arc::new(Recording::open(&homelab()).unwrap()), Options::new(credentials)).unwrap()
    };
    let request = |folder: &Path| {
        let private = folder.join("lab/.proxmox-mpc");
        fs::create_dir_all(&private).unwrap();
        fs::write(private.join("token"), token.expose_secret()).unwrap();
        let connection = Connection {
            endpoints: vec![twin.endpoint()],
            api_token_file: Some(private.join("token")),
            ..Connection::default()
        };
        InitRequest { folder: folder.join("lab"), connection, yes: true, ..InitRequest::default() }
    };
    check("init", request, |folder, finished| {
        let count = fs::read_dir(folder.join("lab")).unwrap().count();
        assert_eq!(count, if finished { 6 } else { 1 }, "all files and a repository, or nothing");
    });
    runtime.block_on(twin.stop());
}

/// An import into a workspace that is there leaves each file old or new.
#[test]
fn an_import_into_a_workspace_is_stopped_at_every_stage() {
    let recording = Recording::open(&homelab()).unwrap();
    let before = imported(&recording);
    let copy = |from: &Path, to: &Path| {
        for (name, text) in bytes(from) {
            let place = to.join(Path::new(&name).strip_prefix(from).unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
    };
    let request = |folder: &Path| {
        copy(before.path(), &folder.join("lab"));
        let out = folder.join("lab");
        ImportRequest { from: Some(place("homelab-auditor.tar.zst")), out, ..ImportRequest::default() }
    };
    check("import again", request, |folder, finished| {
        let code = |root: &Path| -> Vec<(String, Vec<u8>)> {
            let relative = |name: String| name.strip_prefix(root.to_str().unwrap()).unwrap().to_owned();
            let all = bytes(root).into_iter().map(|(name, text)| (relative(name), text));
            all.filter(|(name, _)| !name.starts_with("/.proxmox-mpc/")).collect()
        };
        if !finished {
            assert!(code(&folder.join("lab")) == code(before.path()), "nothing was changed");
        }
        assert!(!folder.join("lab/.proxmox-mpc/lock").exists());
    });
}

/// A sync leaves the repository as it was, or has merged; the next one goes on.
#[test]
fn a_sync_is_stopped_at_every_stage() {
    let git = |folder: &Path, arguments: &[&str]| {
        let ran = ran_in(Invocation::new("git").folder(folder.join("lab")), arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.errors);
        ran.output.trim().to_owned()
    };
    let sync = |folder: &Path| {
        let workspace = folder.join("lab");
        SyncRequest { workspace, from: Some(homelab()), ..SyncRequest::default() }
    };
    let request = |folder: &Path| {
        fs::create_dir(folder.join("lab")).unwrap();
        git(folder, &["init", "--quiet", "--initial-branch", "main"]);
        git(
            folder,
            &["-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "--quiet", "--allow-empty", "-m", "begin"],
        );
        sync(folder)
    };
    check("sync", request, |folder, finished| {
        let branches = || git(folder, &["for-each-ref", "--format=%(refname:short)"]);
        assert_eq!(git(folder, &["status", "--porcelain"]), "");
        assert_eq!(branches(), if finished { "main\nproxmox-mpc/generated" } else { "main" });
        assert!(stopped(sync(folder), usize::MAX).0.is_ok(), "the next one goes on");
        assert_eq!(git(folder, &["rev-list", "--count", "--merges", "main"]), "1");
        assert_eq!(git(folder, &["status", "--porcelain"]), "");
    });
}

#[test]
fn reading_and_making_up_are_stopped_at_every_stage() {
    let nothing = |folder: &Path, _: bool| assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    check("coverage", |_| CoverageRequest { from: Some(homelab()), ..CoverageRequest::default() }, nothing);
    let made = |folder: &Path, finished: bool| {
        assert_eq!(fs::read_dir(folder).unwrap().count(), usize::from(finished));
    };
    for name in ["big", "big.tar.zst"] {
        let request =
            |folder: &Path| SynthesizeRequest { recording: folder.join(name), nodes: 2, guests: 200, seed: 1 };
        check(name, request, made);
    }
}

/// A twin that serves is stopped from outside, and answers no more; one that was stopped before it served never does.
#[test]
fn a_twin_is_stopped_from_outside() {
    let listen = ([127, 0, 0, 1], 0).into();
    let request = || ServeRequest { recording: Some(homelab()), listen, ..ServeRequest::default() };
    let (outcome, _) = stopped(request(), usize::MAX);
    let report = outcome.unwrap_or_else(|failure| panic!("{:?}", failure.fault()));
    let report = serde_json::to_value(Document::of(&*report)).unwrap();
    let address = report["endpoint"].as_str().unwrap().trim_start_matches("https://").trim_end_matches('/').to_owned();
    assert!(std::net::TcpStream::connect(&address).is_err(), "{address} still answers");
    let cancel = Cancel::default();
    cancel.request(Cause::Caller);
    let face = support::face(Arc::new(Mutex::<Vec<Event>>::default()));
    let outcome = face.runtime.block_on(run(&face.operation(cancel), request()));
    assert_eq!(outcome.unwrap_err().fault().kind(), FaultKind::Interrupted);
}

/// A recorded Terraform is stopped during each of its commands.
#[test]
fn a_proof_is_stopped_at_every_stage() {
    let stage = tempfile::tempdir().unwrap();
    let program = stage.path().join("pretend");
    let lines = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform").join(name);
    let script = format!(
        "#!/bin/sh\ncase $1 in\n  version) echo 'Terraform v1.11.4' ;;\n  init) cat {}; sleep 0.2 ;;\n  \
         plan) cat {}; sleep 0.2; exit 2 ;;\nesac\n",
        lines("init.jsonl").display(),
        lines("clean.jsonl").display(),
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let request = |folder: &Path| {
        fs::create_dir(folder.join("terraform")).unwrap();
        fs::write(folder.join("terraform/main.tf"), include_str!("terraform/pools.tf")).unwrap();
        VerifyRequest {
            workspace: folder.to_owned(),
            recording: Some(place("pve-9.1.tar.zst")),
            terraform: Some(program.clone()),
            ..VerifyRequest::default()
        }
    };
    check("verify", request, |folder, _| {
        let code = bytes(folder).into_iter().filter(|(path, _)| !path.contains("/.proxmox-mpc/"));
        assert_eq!(code.count(), 1, "the workspace is as it was, but for the record of a proof");
    });
}

/// The real Terraform is stopped at the beginning of each part of a rehearsal.
#[test]
fn a_rehearsal_is_stopped_at_every_stage() {
    let recording = Recording::open(&place("pve-9.1.tar.zst")).unwrap();
    let lab = imported(&recording);
    edit(lab.path(), "terraform/virtual_machines.tf", &[("dedicated = 2048", "dedicated = 3072")]);
    let request = || RehearseRequest {
        workspace: lab.path().to_owned(),
        recording: Some(place("pve-9.1.tar.zst")),
        ..RehearseRequest::default()
    };
    let before = bytes(lab.path());
    let (outcome, kinds) = stopped(request(), usize::MAX);
    let missing = |failure: Failure| Missing::new(Tool::Provider, failure.fault().to_string());
    drop(or_skip!(outcome.map_err(missing)));
    let begins = |kind: &EventKind| matches!(kind, EventKind::Started { .. });
    let stages: Vec<usize> = (0..kinds.len()).filter(|index| begins(&kinds[*index])).collect();
    assert!(stages.len() > 4, "{kinds:?}");
    for stage in stages {
        if let Err(failure) = stopped(request(), stage).0 {
            assert_eq!(failure.fault().kind(), FaultKind::Interrupted, "{:?}: {failure:?}", kinds[stage]);
        }
        assert!(bytes(lab.path()) == before, "{:?}", kinds[stage]);
    }
}

/// A program that does not stop is killed by a second request; one that was asked before it began never starts.
#[test]
fn a_second_request_kills_a_program() {
    let (context, events) = support::followed();
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let script = format!("trap '' INT; : > {}; while :; do sleep 0.05; done", ready.display());
    let cancel = context.cancel().clone();
    let asking = std::thread::spawn(move || {
        while !ready.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        cancel.request(Cause::Caller);
        std::thread::sleep(std::time::Duration::from_millis(200));
        cancel.request(Cause::Caller);
    });
    let invocation = Invocation::new("/bin/sh").arg("-c").arg(script);
    let error = process::run(&invocation, &context, |_, _| ()).unwrap_err();
    asking.join().unwrap();
    assert_eq!(error.to_string(), "`sh` was interrupted");
    assert!(events.lock().unwrap().iter().any(|event| matches!(event.kind, EventKind::Message(_))));
    let never = Invocation::new("/bin/sh").arg("-c").arg(format!(": > {}/never", folder.path().display()));
    process::run(&never, &context, |_, _| ()).unwrap_err();
    assert!(!folder.path().join("never").exists());
}
