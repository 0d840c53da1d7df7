//! The state store on both databases: what is recorded comes back, two processes write at once, and stores that are newer,
//! older, damaged or somebody else's.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use proxmox_mpc_engine::operation::fault::{Fault as _, sentence};
use proxmox_mpc_engine::store::{
    Change, CommitRecord, Decision, Location, Observation, Owner, Run, RunEnd, RunOutcome, Store, StoreError,
};
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::workspace::Workspace;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::postgresql::{self, GUEST};
use crate::support::program::ran_in;
use crate::support::tools::{or_skip, skip};
use crate::support::{self};

/// An empty place for a store, as the variables of a process name it.
struct Place {
    location: Location,
    /// The URL by which the test itself connects.
    url: String,
    /// The variable of another process, and its value.
    variable: (&'static str, String),
}

const FILE: &str = "PROXMOX_MPC_TEST_STORE_FILE";
const URL: &str = "PROXMOX_MPC_TEST_STORE_URL";

fn file(folder: &Path) -> Place {
    let workspace = Workspace::at(folder);
    let url = format!("sqlite://{}", workspace.state().display());
    Place { location: Location::file(&workspace), url, variable: (FILE, folder.display().to_string()) }
}

fn server(url: String) -> Place {
    Place { location: Location::server(url.clone().into()).unwrap(), variable: (URL, url.clone()), url }
}

/// Does the same with an empty SQLite file and an empty PostgreSQL database.
fn on_both(test: &str, check: impl Fn(&Runtime, &Place)) {
    let (runtime, folder) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    check(&runtime, &file(folder.path()));
    match postgresql::server() {
        Ok(running) => check(&runtime, &server(running.new_url())),
        Err(missing) => skip(test, &missing),
    }
}

fn owner() -> Owner {
    Owner { workspace: "0a1b2c".to_owned(), cluster: Some("lab".to_owned()) }
}

async fn open(place: &Place) -> Store {
    Store::open(&place.location, &owner()).await.unwrap()
}

/// Changes a store behind its back.
async fn behind(place: &Place, statement: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&place.url).await.unwrap();
    if place.variable.0 == URL {
        connection.execute("SET search_path TO proxmox_mpc").await.unwrap();
    }
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

fn observation(object: &str, content: Option<&str>, changes: Vec<Change>) -> Observation {
    Observation { object: object.to_owned(), content: content.map(str::to_owned), changes }
}

fn change(key: &str, before: Option<&str>, after: Option<&str>) -> Change {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (time, actor) = (Some("2026-11-23T00:49:00Z".to_owned()), Some("alice@pve".to_owned()));
    Change { key: key.to_owned(), before: text(before), after: text(after), time, actor }
}

fn commit(id: &str, hour: u32, observations: Vec<Observation>) -> CommitRecord {
    let time = format!("2026-11-23T{hour:02}:50:00Z");
    CommitRecord { id: id.to_owned(), time, author: "alice <a@x>".to_owned(), observations }
}

/// A new guest and two alike, a change, an object that goes.
fn commits() -> Vec<CommitRecord> {
    let changes = vec![change("memory", Some("4096"), Some("8192")), change("tags", None, Some("a"))];
    vec![
        commit(
            "c1",
            0,
            vec![
                observation("qemu/101", Some("{\"memory\": 4096}"), Vec::new()),
                observation("pool/B", Some("{}"), Vec::new()),
                observation("pool/a", Some("{}"), Vec::new()),
            ],
        ),
        commit("c2", 1, vec![observation("qemu/101", Some("{\"memory\": 8192, \"tags\": \"ä\"}"), changes)]),
        commit("c3", 2, vec![observation("pool/a", None, Vec::new())]),
    ]
}

/// Everything that a store has from git, as text.
async fn contents(store: &Store) -> String {
    let mut text = format!("{:?} {:#?}", store.tip().await.unwrap(), store.latest().await.unwrap());
    for object in ["qemu/101", "pool/a", "pool/B"] {
        for entry in store.history(object).await.unwrap() {
            let content = match &entry.digest {
                Some(digest) => store.content(digest).await.unwrap(),
                None => None,
            };
            writeln!(text, "{object} {entry:#?} {content:?}").unwrap();
        }
    }
    text
}

#[test]
fn observations_and_changes_come_back_and_are_recorded_once() {
    on_both(module_path!(), |runtime, place| {
        runtime.block_on(async {
            let store = open(place).await;
            assert_eq!(store.tip().await.unwrap(), None);
            assert_eq!(store.latest().await.unwrap(), []);
            for commit in commits() {
                store.record_commit(&commit).await.unwrap();
            }
            store.record_sightings("2026-11-23T05:00:00Z", ["qemu/101", "pool/B", "qemu/101"]).await.unwrap();
            store.record_sightings("2026-11-23T04:00:00Z", ["qemu/101"]).await.unwrap();
            let latest = store.latest().await.unwrap();
            let seen: Vec<_> = latest
                .iter()
                .map(|latest| (&*latest.object, &*latest.commit, latest.digest.is_some(), latest.seen.as_deref()))
                .collect();
            let five = Some("2026-11-23T05:00:00Z");
            let expected =
                [("pool/B", "c1", true, five), ("pool/a", "c3", false, None), ("qemu/101", "c2", true, five)];
            assert_eq!(seen, expected);
            let history = store.history("qemu/101").await.unwrap();
            assert_eq!(history.iter().map(|entry| &*entry.commit).collect::<Vec<_>>(), ["c2", "c1"]);
            assert_eq!(history[0].changes, commits()[1].observations[0].changes);
            assert_eq!(history[0].time, "2026-11-23T01:50:00Z");
            let content = store.content(history[0].digest.as_ref().unwrap()).await.unwrap();
            assert_eq!(content, commits()[1].observations[0].content);
            let before = contents(&store).await;
            let again = commit("c2", 9, vec![observation("pool/a", Some("other"), Vec::new())]);
            store.record_commit(&again).await.unwrap();
            assert_eq!(contents(&store).await, before, "a commit is recorded once");
            store.close().await.unwrap();
            assert_eq!(contents(&open(place).await).await, before, "it is there when the store is opened again");
        });
    });
}

#[test]
fn a_rebuild_from_git_gives_the_same_store_as_often_as_it_is_done() {
    on_both(module_path!(), |runtime, place| {
        runtime.block_on(async {
            let store = open(place).await;
            for commit in commits() {
                store.record_commit(&commit).await.unwrap();
            }
            let run = run("o1", 0);
            store.record_run(&run).await.unwrap();
            let before = contents(&store).await;
            for _ in 0..2 {
                store.rebuild(commits()).await.unwrap();
                assert_eq!(contents(&store).await, before);
            }
            assert_eq!(store.runs(9).await.unwrap().len(), 1, "git does not know the runs");
            store.rebuild(commits().into_iter().take(1)).await.unwrap();
            assert_eq!(store.tip().await.unwrap().as_deref(), Some("c1"));
            assert_eq!(store.history("qemu/101").await.unwrap().len(), 1);
            let twice = vec![observation("pool/x", None, Vec::new()); 2];
            store.rebuild([commit("c9", 9, twice)]).await.unwrap_err();
            assert_eq!(store.tip().await.unwrap().as_deref(), Some("c1"), "one that fails changes nothing");
        });
    });
}

fn run(operation: &str, hour: u32) -> Run {
    let started = format!("2026-11-23T{hour:02}:00:00Z");
    let (command, actor) = ("sync".to_owned(), "alice@laptop".to_owned());
    Run { operation: operation.to_owned(), command, actor, started }
}

#[test]
fn runs_and_decisions_come_back_latest_first() {
    on_both(module_path!(), |runtime, place| {
        runtime.block_on(async {
            let store = open(place).await;
            for (operation, hour) in [("o1", 1), ("o3", 3), ("o2", 2)] {
                store.record_run(&run(operation, hour)).await.unwrap();
            }
            let summary = serde_json::json!({"new": 2, "text": "ä\u{0}"});
            let end = RunEnd { time: "2026-11-23T02:01:00Z".to_owned(), outcome: RunOutcome::Differences, summary };
            store.record_run_end("o2", &end).await.unwrap();
            let runs = store.runs(2).await.unwrap();
            assert_eq!(runs.iter().map(|record| &*record.run.operation).collect::<Vec<_>>(), ["o3", "o2"]);
            assert_eq!((&runs[0].end, &runs[1].end), (&None, &Some(end)));
            let decision = |object: &str, decision: &str| Decision {
                object: object.to_owned(),
                decision: decision.to_owned(),
                actor: "alice@laptop".to_owned(),
                time: "2026-11-23T02:01:00Z".to_owned(),
                reason: "no longer needed".to_owned(),
            };
            let all = [decision("pool/a", "block deleted"), decision("pool/B", "conflict resolved")];
            for decision in &all {
                store.record_decision(decision).await.unwrap();
            }
            assert_eq!(store.decisions(None).await.unwrap(), [all[1].clone(), all[0].clone()]);
            assert_eq!(store.decisions(Some("pool/a")).await.unwrap(), all[..1]);
        });
    });
}

#[test]
fn workspaces_on_one_server_do_not_mix() {
    on_both(module_path!(), |runtime, place| {
        runtime.block_on(async {
            let store = open(place).await;
            store.record_commit(&commits()[0]).await.unwrap();
            let other = Owner { workspace: "other".to_owned(), cluster: None };
            let second = Store::open(&place.location, &other).await.unwrap();
            assert_eq!(second.tip().await.unwrap(), None);
            second.record_commit(&commits()[0]).await.unwrap();
            second.rebuild([]).await.unwrap();
            assert_eq!(store.latest().await.unwrap().len(), 3);
            let named = Owner { cluster: Some("lab 2".to_owned()), ..owner() };
            let error = Store::open(&place.location, &named).await.unwrap_err();
            let expected = "has the history of the cluster `lab`, and this is `lab 2`";
            assert!(error.to_string().ends_with(expected), "{error}");
            behind(place, "DELETE FROM workspaces WHERE name = '0a1b2c'").await;
            let error = store.record_commit(&commits()[1]).await.unwrap_err();
            assert!(matches!(error, StoreError::Gone { .. }), "{error}");
        });
    });
}

/// Started by the test below as another process; alone it does nothing.
#[test]
fn another_process_writes() {
    let Some(name) = support::variable("PROXMOX_MPC_TEST_STORE_NAME") else { return };
    let place = match (support::variable(FILE), support::variable(URL)) {
        (Some(folder), _) => file(Path::new(&folder)),
        (_, url) => server(url.unwrap()),
    };
    Runtime::new().unwrap().block_on(async {
        let store = open(&place).await;
        for number in 0..20 {
            let object = observation(&format!("qemu/{name}{number}"), Some("{}"), Vec::new());
            store.record_commit(&commit(&format!("{name}{number}"), 0, vec![object])).await.unwrap();
            store.record_run(&run(&format!("{name}{number}"), 0)).await.unwrap();
        }
    });
}

#[test]
fn two_processes_make_a_store_and_write_to_it_at_once() {
    on_both(module_path!(), |runtime, place| {
        let other = |name: &str| {
            let (variable, value) = &place.variable;
            let program = Invocation::new(std::env::current_exe().unwrap());
            let program = program.env(*variable, value).env("PROXMOX_MPC_TEST_STORE_NAME", name);
            let ran = ran_in(program, &["--exact", "store::another_process_writes"]);
            assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
            assert!(ran.output.contains("1 passed"), "{}", ran.output);
        };
        std::thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                scope.spawn(move || other(name));
            }
        });
        runtime.block_on(async {
            let store = open(place).await;
            assert_eq!(store.latest().await.unwrap().len(), 60);
            assert_eq!(store.runs(99).await.unwrap().len(), 60);
        });
    });
}

#[test]
fn a_newer_schema_is_refused_and_an_older_one_is_brought_up_to_date_by_one_of_two() {
    on_both(module_path!(), |runtime, place| {
        runtime.block_on(async {
            let store = open(place).await;
            store.record_commit(&commits()[0]).await.unwrap();
            store.close().await.unwrap();
            behind(place, "DROP TABLE runs; DROP TABLE decisions; DELETE FROM migrations WHERE version = 2").await;
            let (one, other, third) = tokio::join!(open(place), open(place), open(place));
            for store in [one, other, third] {
                assert_eq!(store.runs(1).await.unwrap(), []);
                assert_eq!(store.latest().await.unwrap().len(), 3, "nothing was lost");
                store.close().await.unwrap();
            }
            behind(place, "UPDATE migrations SET version = 7 WHERE version = 2").await;
            let error = Store::open(&place.location, &owner()).await.unwrap_err();
            let expected =
                "the state store was written by a newer version of proxmox-mpc (schema 7, this program knows 2)";
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.hints().concat().contains("it is rebuilt from git"), place.variable.0 == FILE);
            assert!(error.hints()[0].starts_with("Update this program"), "{:?}", error.hints());
        });
    });
}

#[test]
fn a_file_is_private_and_whole() {
    let (runtime, parent) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    let folder = parent.path().join("a lab?#%41");
    fs::create_dir(&folder).unwrap();
    let private = folder.join(".proxmox-mpc");
    runtime.block_on(async {
        let store = open(&file(&folder)).await;
        store.record_commit(&commits()[0]).await.unwrap();
        let mut names = Vec::new();
        for entry in fs::read_dir(&private).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("state.db") {
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            }
            names.push(name);
        }
        names.sort();
        assert_eq!(names, [".gitignore", "state.db", "state.db-shm", "state.db-wal"]);
        store.close().await.unwrap();
    });
}

/// Opens what is at the place of the store: it has to be refused, and to be there afterwards.
fn refused(make: impl FnOnce(&Path)) -> (String, String) {
    let (runtime, folder) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    fs::create_dir(folder.path().join(".proxmox-mpc")).unwrap();
    let path = folder.path().join(".proxmox-mpc/state.db");
    make(&path);
    let before = fs::read(&path).ok();
    let error = runtime.block_on(Store::open(&file(folder.path()).location, &owner())).unwrap_err();
    assert!(fs::symlink_metadata(&path).is_ok());
    assert_eq!(fs::read(&path).ok(), before);
    let root = folder.path().display().to_string();
    (sentence(&error).replace(&root, "W"), error.hints().join(" ").replace(&root, "W"))
}

#[test]
fn what_is_not_a_store_is_refused_and_kept() {
    let check = |make: &dyn Fn(&Path), message: &str, hint: &str| {
        let (sentence, hints) = refused(make);
        assert!(sentence.starts_with(message), "{sentence}");
        assert!(hints.starts_with(hint), "{hints}");
    };
    let damaged = "the state store `W/.proxmox-mpc/state.db` is damaged, or is not a database: ";
    let deletion = "Delete `W/.proxmox-mpc/state.db`, with `W/.proxmox-mpc/state.db-wal`";
    check(&|path| fs::write(path, "a text that is a text ".repeat(99)).unwrap(), damaged, deletion);
    let torn = |path: &Path| {
        let source = TempDir::new().unwrap();
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async { open(&file(source.path())).await.close().await.unwrap() });
        let mut bytes = fs::read(source.path().join(".proxmox-mpc/state.db")).unwrap();
        bytes[100..4096].fill(0xff);
        fs::write(path, bytes).unwrap();
    };
    check(&torn, damaged, deletion);
    let foreign = "`W/.proxmox-mpc/state.db` is not a state store of proxmox-mpc";
    let moved = "Move `W/.proxmox-mpc/state.db` out of the way";
    check(&|path| drop(fs::File::create(path).unwrap()), foreign, moved);
    let plain = "`W/.proxmox-mpc/state.db` is not a plain file";
    check(&|path| fs::create_dir(path).unwrap(), plain, moved);
    check(&|path| symlink("/etc/hostname", path).unwrap(), plain, moved);
}

#[test]
fn a_folder_that_may_not_be_written_is_a_clear_fault() {
    let (runtime, folder) = (Runtime::new().unwrap(), TempDir::new().unwrap());
    fs::write(folder.path().join(".proxmox-mpc"), "a file").unwrap();
    let error = runtime.block_on(Store::open(&file(folder.path()).location, &owner())).unwrap_err();
    assert!(sentence(&error).starts_with("could not open `"), "{}", sentence(&error));
    // `/proc` refuses even root.
    let error = runtime.block_on(Store::open(&file(Path::new("/proc")).location, &owner())).unwrap_err();
    assert!(sentence(&error).starts_with("could not write `/proc/.proxmox-mpc`: "), "{}", sentence(&error));
}

#[test]
fn a_server_that_refuses_is_a_clear_fault_without_the_password() {
    let running = or_skip!(postgresql::server());
    let runtime = Runtime::new().unwrap();
    let database = running.database();
    let check = |url: &str, message: &str, hint: &str| {
        let location = Location::server(url.into()).unwrap();
        let error = runtime.block_on(Store::open(&location, &owner())).unwrap_err();
        let (text, hints) = (sentence(&error), error.hints().join(" "));
        assert!(text.contains(message), "{text}");
        assert!(hints.starts_with(hint), "{hints}");
        assert!(!format!("{text} {hints} {error:?} {location:?}").contains("CANARY"), "{error:?}");
    };
    let guest = |password: &str, database: &str| running.url(&format!("{GUEST}:{password}"), database);
    check(&guest("CANARY", &database), "refused the login: password authentication failed", "Correct the user");
    check(&guest("right", "nothing"), "the server has no database for the state store", "Make it on the server");
    check(&guest("right", &database), "lacks a privilege: permission denied for database", "`GRANT CREATE");
    let nowhere = "postgres://a:CANARY@127.0.0.1:1/state";
    check(nowhere, "the state store `127.0.0.1:1/state` cannot be reached: ", "Look whether the server runs");
}
