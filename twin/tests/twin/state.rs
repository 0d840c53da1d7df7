//! The state of the twin: it survives a restart and a crash, and clients at once do not harm it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use proxmox_mpc_model::schema::{Verb, schema};
use proxmox_mpc_model::{Answer, Answers, ApiPath};
use proxmox_mpc_twin::State;
use proxmox_mpc_twin::call::{Call, Login, Refusal, Request};
use proxmox_mpc_twin::state::{JournalError, Row, Transaction, broadcast, task_answers};
use proxmox_mpc_twin::writes::perform;
use serde_json::{Value, json};

/// A cluster of one node and no more.
fn cluster(node: &str) -> Arc<dyn Answers + Send + Sync> {
    let answers = [
        ("version", json!({"version": "9.1.9"})),
        ("nodes", json!([{ "node": node, "status": "online", "type": "node" }])),
        ("cluster/resources", json!([{ "node": node, "type": "node", "id": format!("node/{node}") }])),
        ("cluster/resources?type=node", json!([{ "node": node, "type": "node" }])),
        ("cluster/mapping/dir", json!([])),
        ("nodes/pve1/qemu/100/config", json!({"cores": 1})),
        ("nodes/pve1/qemu/100/pending", json!([])),
        ("nodes/pve1/qemu/1000/config", json!({"cores": 1})),
    ];
    let answers: BTreeMap<ApiPath, Answer> =
        answers.into_iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data))).collect();
    Arc::new(answers)
}

/// The data of a path; null where it is not there.
fn read(state: &State, path: &str) -> Value {
    let answer = state.view().get(&ApiPath::parse(path)).unwrap();
    answer.and_then(|answer| answer.data().cloned()).unwrap_or_default()
}

fn change(state: &State, write: impl FnOnce(&mut Transaction)) {
    let run = |transaction: &mut Transaction| {
        write(transaction);
        Ok(())
    };
    state.write(0, run).unwrap();
}

fn set(state: &State, path: &str, data: &Value) {
    let path = ApiPath::parse(path);
    change(state, |transaction| transaction.set(&path, data.clone()));
}

fn call(path: &str) -> Call {
    let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = schema().find(Verb::Post, &words).unwrap().method;
    let login = Login::parse("root@pam!iac");
    let path = ApiPath::parse(path);
    let (parameters, captured) = (serde_json::Map::new(), Vec::new());
    Call { method, path, segments, parameters, captured, uploaded: None, login, duration: 0, checked: false }
}

#[test]
fn what_is_written_is_seen_at_once_and_what_is_refused_is_not() {
    let state = State::new(cluster("pve1"));
    let before = state.view();
    set(&state, "nodes/pve1/qemu/100/config", &json!({"cores": 2}));
    assert_eq!(read(&state, "nodes/pve1/qemu/100/config"), json!({"cores": 2}));
    assert_eq!(
        before.get(&ApiPath::parse("nodes/pve1/qemu/100/config")).unwrap(),
        Some(Answer::ok(json!({"cores": 1})))
    );
    let refused: Result<(), Refusal> = state.write(0, |transaction| {
        transaction.set(&ApiPath::parse("nodes/pve1/qemu/100/config"), json!({"cores": 3}));
        assert_eq!(transaction.object(&ApiPath::parse("nodes/pve1/qemu/100/config"))?["cores"], 3);
        Err(Refusal::failed("no"))
    });
    assert!(refused.is_err());
    assert_eq!(read(&state, "nodes/pve1/qemu/100/config"), json!({"cores": 2}));
}

#[test]
fn what_is_hidden_is_gone_with_all_below() {
    let state = State::new(cluster("pve1"));
    set(&state, "nodes/pve1/qemu/100/pending", &json!([1]));
    let guest = ApiPath::parse("nodes/pve1/qemu/100");
    change(&state, |transaction| transaction.hide_below(&guest));
    let check = |path: &str, expected: Value| assert_eq!(read(&state, path), expected, "{path}");
    check("nodes/pve1/qemu/100/config", Value::Null);
    check("nodes/pve1/qemu/100/pending", Value::Null);
    check("nodes/pve1/qemu/1000/config", json!({"cores": 1}));
    set(&state, "nodes/pve1/qemu/100/config", &json!({"cores": 4}));
    check("nodes/pve1/qemu/100/config", json!({"cores": 4}));
    check("nodes/pve1/qemu/100/pending", Value::Null);
    check("cluster/resources?type=node", json!([{"node": "pve1", "type": "node"}]));
    set(&state, "cluster/resources", &json!([]));
    // The recorded form with a filter is stale, and derived from then on.
    check("cluster/resources?type=node", Value::Null);
}

#[test]
fn the_state_survives_a_restart_and_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let open = || State::open(cluster("pve1"), folder.path());
    let state = open().unwrap();
    for number in 0..3 {
        set(&state, &format!("twin/{number}"), &json!(number));
    }
    change(&state, |transaction| transaction.remember("secret", "x"));
    drop(state);
    let whole = fs::read(&journal).unwrap();
    let state = open().unwrap();
    assert_eq!((read(&state, "twin/2"), state.view().recall("secret")), (json!(2), Some(Arc::new(json!("x")))));
    drop(state);
    // A crash in the middle of a line loses that line and no other, wherever it is cut.
    let lines: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for cut in (lines[2] + 1..lines[3]).step_by(9) {
        fs::write(&journal, &whole[..cut]).unwrap();
        let state = open().unwrap();
        assert_eq!((read(&state, "twin/1"), read(&state, "twin/2")), (json!(1), Value::Null), "cut at {cut}");
        set(&state, "twin/2", &json!("again"));
        assert!(matches!(open(), Err(JournalError::Taken { .. })));
        drop(state);
        assert_eq!(read(&open().unwrap(), "twin/2"), json!("again"), "cut at {cut}");
    }
    let mut damaged = whole.clone();
    damaged[lines[1] + 20] ^= 1;
    fs::write(&journal, &damaged).unwrap();
    assert!(matches!(open(), Err(JournalError::Damaged { line: 3, .. })));
    fs::write(&journal, &whole).unwrap();
    assert!(matches!(State::open(cluster("pve2"), folder.path()), Err(JournalError::Foreign { .. })));
}

/// One object of a list changes; the others are neither copied nor written down.
#[test]
fn a_long_list_is_changed_object_by_object() {
    let folder = tempfile::tempdir().unwrap();
    let open = || State::open(cluster("pve1"), folder.path()).unwrap();
    let list = ApiPath::parse("cluster/resources");
    let guest = |vmid: u32| {
        let row = json!({"id": format!("qemu/{vmid}"), "type": "qemu", "vmid": vmid, "node": "pve1"});
        row.as_object().unwrap().clone()
    };
    let state = open();
    let write = |state: &State, run: &dyn Fn(&mut Transaction) -> Result<(), Refusal>| state.write(0, run).unwrap();
    write(&state, &|transaction| (100..2000).try_for_each(|vmid| transaction.put_row(&list, "id", guest(vmid))));
    let length = || fs::metadata(folder.path().join("journal")).unwrap().len();
    let before = length();
    write(&state, &|transaction| {
        transaction.put_row(&list, "id", guest(5000))?;
        transaction.remove_row(&list, "id", "qemu/100")?;
        assert!(transaction.row(&list, "id", "qemu/100")?.is_none());
        assert_eq!(transaction.row(&list, "vmid", "5000")?, Some(guest(5000)));
        assert_eq!(transaction.rows(&list)?.len(), 1901);
        assert!(transaction.put_row(&list, "vmid", guest(1)).is_err());
        Ok(())
    });
    assert!(length() - before < 400, "{} bytes", length() - before);
    let check = |state: &State| {
        let rows = read(state, "cluster/resources");
        // The node of the recording is there as well.
        assert_eq!(rows.as_array().unwrap().len(), 1901);
        assert_eq!(state.view().text(&list).unwrap().unwrap().parsed().unwrap().body["data"], rows);
        let by_number = state.view().indexed(&list, "vmid").unwrap().unwrap();
        assert_eq!((by_number.contains_key("100"), *by_number["5000"] == guest(5000)), (false, true));
    };
    check(&state);
    // A list that is written as a whole in the same write takes the objects that follow.
    write(&state, &|transaction| {
        transaction.set_rows(&ApiPath::parse("pools"), vec![]);
        let pool = json!({"poolid": "p1"}).as_object().unwrap().clone();
        transaction.put_row(&ApiPath::parse("pools"), "poolid", pool)
    });
    assert_eq!(read(&state, "pools"), json!([{"poolid": "p1"}]));
    drop(state);
    check(&open());
}

/// What a long journal says is written anew, shorter.
#[test]
fn a_long_journal_is_made_short() {
    let folder = tempfile::tempdir().unwrap();
    let open = || State::open(cluster("pve1"), folder.path()).unwrap();
    let length = || fs::metadata(folder.path().join("journal")).unwrap().len();
    let state = open();
    for number in 0..10 {
        set(&state, "twin/large", &json!(format!("{number}{}", "x".repeat(1 << 20))));
    }
    drop(state);
    assert!(length() > 10 << 20);
    let state = open();
    assert!(length() < 2 << 20);
    set(&state, "twin/small", &json!(1));
    drop(state);
    let state = open();
    assert!(read(&state, "twin/large").as_str().unwrap().starts_with('9'));
    assert_eq!(read(&state, "twin/small"), json!(1));
}

#[test]
fn clients_at_once_do_not_harm_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(cluster("pve1"), folder.path()).unwrap();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let state = &state;
            scope.spawn(move || {
                for number in 0..6 {
                    let form = json!({"id": format!("d{client}x{number}"), "map": "node=pve1,path=/srv"});
                    let Value::Object(parameters) = form else { unreachable!() };
                    let (verb, path) = (Verb::Post, ApiPath::parse("cluster/mapping/dir"));
                    let login = Login::parse("root@pam");
                    let request = Request { verb, path, parameters, uploaded: None, login, now: 0, duration: 0 };
                    assert_eq!(perform(state, request).status, 200);
                    let seen = read(state, "cluster/mapping/dir");
                    let own = (0..=number).map(|number| format!("d{client}x{number}"));
                    let seen: Vec<&str> =
                        seen.as_array().unwrap().iter().filter_map(|row| row["id"].as_str()).collect();
                    own.into_iter().for_each(|id| assert!(seen.contains(&id.as_str()), "{id}"));
                }
            });
        }
    });
    assert_eq!(read(&state, "cluster/mapping/dir").as_array().unwrap().len(), 48);
    let seen = read(&state, "cluster/mapping/dir");
    drop(state);
    let again = State::open(cluster("pve1"), folder.path()).unwrap();
    assert_eq!(read(&again, "cluster/mapping/dir"), seen);
}

#[test]
fn tasks_run_end_and_fail() {
    let state = State::new(cluster("pve1"));
    let call = Call { duration: 5, ..call("nodes/pve1/qemu") };
    let done = state
        .write(1000, |transaction| {
            transaction.task(&call, "pve1", "qmstart", "100", |transaction, log| {
                log.push("starting".to_owned());
                transaction.set(&ApiPath::parse("twin/done"), 1);
                Ok(())
            })
        })
        .unwrap();
    let failed = state
        .write(1001, |transaction| {
            transaction.task(&call, "pve1", "qmstop", "101", |transaction, _| {
                transaction.set(&ApiPath::parse("twin/failed"), 1);
                Err(Refusal::failed("VM is locked (backup)"))
            })
        })
        .unwrap();
    assert_eq!((read(&state, "twin/done"), read(&state, "twin/failed")), (json!(1), Value::Null));
    let (done, failed) = (done.as_str().unwrap(), failed.as_str().unwrap());
    assert_eq!(done, "UPID:pve1:00006000:00000000:000003E8:qmstart:100:root@pam!iac:");
    let ask = |path: &str, now: i64| {
        let answer = task_answers::answer(&state.view(), &ApiPath::parse(path), now).unwrap().unwrap();
        answer.data().cloned().unwrap_or(answer.body)
    };
    let status = |upid: &str, now: i64| ask(&format!("nodes/pve1/tasks/{upid}/status"), now);
    let started = json!({
        "upid": done, "node": "pve1", "pid": 0x6000, "pstart": 0, "starttime": 1000, "type": "qmstart", "id": "100",
        "user": "root@pam", "tokenid": "iac", "status": "running",
    });
    assert_eq!(status(done, 1004), started);
    assert_eq!((&status(done, 1005)["status"], &status(done, 1005)["exitstatus"]), (&json!("stopped"), &json!("OK")));
    assert_eq!(status(failed, 2000)["exitstatus"], "VM is locked (backup)");
    let log = |now: i64| ask(&format!("nodes/pve1/tasks/{done}/log"), now);
    assert_eq!(log(1004), json!([{"n": 1, "t": "starting"}]));
    assert_eq!(log(1005), json!([{"n": 1, "t": "starting"}, {"n": 2, "t": "TASK OK"}]));
    let listed = |path: &str| {
        let rows = ask(path, 2000);
        rows.as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("nodes/pve1/tasks"), ["VM is locked (backup)", "OK"]);
    assert_eq!(listed("nodes/pve1/tasks?errors=1"), ["VM is locked (backup)"]);
    assert_eq!(listed("nodes/pve1/tasks?vmid=100"), ["OK"]);
    assert_eq!(listed("cluster/tasks"), ["VM is locked (backup)", "OK"]);
    let strange = status("UPID:pve1:00000001:00000001:65000000:qmstart:100:root@pam:", 2000);
    assert_eq!(strange["errors"], json!({"upid": "no such task"}));
}

/// Lists of the whole cluster show a guest as its node told it last; that it is there, or gone, shows at once (recorded).
#[test]
fn nodes_tell_of_their_guests_every_ten_seconds() {
    const INTERVAL: i64 = 10;
    let state = State::new(cluster("pve1")).broadcasting(INTERVAL);
    let list = ApiPath::parse("cluster/resources");
    let write = |now: i64, row: Option<Value>| {
        let run = |transaction: &mut Transaction| match row.and_then(|row| row.as_object().cloned()) {
            Some(row) => transaction.put_row(&list, "id", row),
            None => transaction.remove_row(&list, "id", "qemu/7"),
        };
        state.write(now, run).unwrap();
    };
    let shown = |now: i64| -> Option<Row> {
        let mut answer = state.view().get(&list).unwrap().unwrap();
        assert!(!broadcast::is_awaited(&state.view(), &ApiPath::parse("nodes"), now, INTERVAL));
        if broadcast::is_awaited(&state.view(), &list, now, INTERVAL) {
            broadcast::apply(&state.view(), &mut answer, now, INTERVAL);
        }
        answer.list().find(|row| row["id"] == "qemu/7").cloned()
    };
    let row =
        |name: &str, tags: &str| json!({"id": "qemu/7", "vmid": 7, "name": name, "status": "stopped", "tags": tags});
    let object = |row: Value| row.as_object().cloned();
    write(100, Some(row("one", "a")));
    assert_eq!(shown(105), object(json!({"id": "qemu/7", "vmid": 7, "status": "unknown", "tags": "a"})));
    // What happens until the next broadcast is told with it.
    write(106, Some(row("two", "b")));
    assert_eq!(shown(109), object(json!({"id": "qemu/7", "vmid": 7, "status": "unknown", "tags": "b"})));
    assert_eq!(shown(110), object(row("two", "b")));
    write(120, Some(row("three", "c")));
    assert_eq!(shown(129), object(row("two", "c")));
    assert_eq!(shown(130), object(row("three", "c")));
    write(131, None);
    assert_eq!(shown(131), None);
}
