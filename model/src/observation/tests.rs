//! Changes between observations, their sentences, and the tasks behind them, as tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{Answer, ApiPath, NotRead};

/// An object with these keys. A guest's name and node are given beside them.
fn state(identity: &str, name: Option<&str>, node: Option<&str>, keys: Value) -> ObjectState {
    let (prefix, id) = identity.split_once('/').unwrap();
    ObjectState {
        identity: Identity::new(prefix, id),
        keys: serde_json::from_value(keys).unwrap(),
        name: name.map(str::to_owned),
        node: node.map(str::to_owned),
    }
}

fn vm(id: u32, name: &str, keys: Value) -> ObjectState {
    state(&format!("qemu/{id}"), Some(name), Some("pve1"), keys)
}

fn observation(objects: impl IntoIterator<Item = ObjectState>) -> Observation {
    let objects = objects.into_iter().map(|object| (object.identity.clone(), object)).collect();
    Observation { cluster: Some("lab".to_owned()), version: Some("9.1.9".to_owned()), objects, not_read: Vec::new() }
}

fn subject(before: impl IntoIterator<Item = ObjectState>, after: impl IntoIterator<Item = ObjectState>) -> String {
    Changes::between(&observation(before), &observation(after)).subject()
}

#[test]
fn settings_are_told_by_key_and_property() {
    let check = |identity: &str, before: Value, after: Value, expected: &[(&str, &str, Option<&str>, Option<&str>)]| {
        let (before, after) = (state(identity, None, None, before), state(identity, None, None, after));
        let changes = ObjectChange::between(&before, &after).map(|change| change.attributes).unwrap_or_default();
        let changes: Vec<_> = changes
            .iter()
            .map(|change| {
                let property = change.property.as_deref().unwrap_or_default();
                (change.key.as_str(), property, change.before.as_deref(), change.after.as_deref())
            })
            .collect();
        assert_eq!(changes, expected, "{identity}");
    };
    check(
        "qemu/1",
        json!({"memory": "4096"}),
        json!({"memory": "8192"}),
        &[("memory", "", Some("4096"), Some("8192"))],
    );
    check("qemu/1", json!({}), json!({"onboot": "1"}), &[("onboot", "", None, Some("1"))]);
    check("qemu/1", json!({"tags": "a"}), json!({}), &[("tags", "", Some("a"), None)]);
    check(
        "qemu/1",
        json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0", "net10": "e1000=BC:24:11:00:00:02,bridge=vmbr0"}),
        json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1,tag=5", "net2": "virtio=BC:24:11:00:00:03,bridge=vmbr0"}),
        &[
            ("net0", "bridge", Some("vmbr0"), Some("vmbr1")),
            ("net0", "tag", None, Some("5")),
            ("net2", "", None, Some("virtio=BC:24:11:00:00:03,bridge=vmbr0")),
            ("net10", "", Some("e1000=BC:24:11:00:00:02,bridge=vmbr0"), None),
        ],
    );
    check(
        "qemu/1",
        json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}),
        json!({"net0": "e1000=BC:24:11:00:00:01,bridge=vmbr0"}),
        &[("net0", "model", Some("virtio"), Some("e1000"))],
    );
    check(
        "qemu/1",
        json!({"scsi0": "local-lvm:vm-1-disk-0,size=32G", "agent": "1"}),
        json!({"scsi0": "size=64G,file=local-lvm:vm-1-disk-0", "agent": "enabled=1"}),
        &[("scsi0", "size", Some("32G"), Some("64G"))],
    );
    check(
        "cluster-options/cluster",
        json!({"migration": {"type": "secure"}}),
        json!({"migration": {"network": "10.0.0.0/24", "type": "secure"}}),
        &[("migration", "network", None, Some("10.0.0.0/24"))],
    );
    let rule = |port: &str| json!({"action": "ACCEPT", "dport": port, "type": "in"});
    let text = |port: &str| format!("action=ACCEPT dport={port} type=in");
    check(
        "firewall-rules/cluster",
        json!({"rule0": rule("22"), "rule1": rule("80"), "rule2": rule("443")}),
        json!({"rule0": rule("22"), "rule1": rule("8080"), "rule2": rule("443")}),
        &[("rule1", "dport", Some("80"), Some("8080"))],
    );
    check(
        "firewall-rules/cluster",
        json!({"rule0": rule("22"), "rule1": rule("80"), "rule2": rule("443")}),
        json!({"rule0": rule("53"), "rule1": rule("22"), "rule2": rule("80"), "rule3": rule("25"), "rule4": rule("443")}),
        &[("rule0", "", None, Some(&text("53"))), ("rule3", "", None, Some(&text("25")))],
    );
    check(
        "firewall-rules/cluster",
        json!({"rule0": rule("22"), "rule1": rule("80"), "rule2": rule("443")}),
        json!({"rule0": rule("22"), "rule1": rule("443")}),
        &[("rule1", "", Some(&text("80")), None)],
    );
}

#[test]
fn objects_come_go_move_and_get_other_names() {
    let before = observation([
        vm(101, "web", json!({"name": "web"})),
        vm(102, "old", json!({})),
        state("pool/prod", None, None, json!({})),
    ]);
    let mut moved = vm(101, "www", json!({"name": "www"}));
    moved.node = Some("pve2".to_owned());
    let after = observation([moved, vm(103, "new", json!({})), state("pool/prod", None, None, json!({}))]);
    let changes = Changes::between(&before, &after);
    let events: Vec<_> = changes.objects.iter().map(|change| (change.identity.as_str(), change.event)).collect();
    assert_eq!(events, [("qemu/101", Event::Changed), ("qemu/102", Event::Gone), ("qemu/103", Event::New)]);
    let step =
        |before: &str, after: &str| Some(Step { before: Some(before.to_owned()), after: Some(after.to_owned()) });
    let web = &changes.objects[0];
    assert_eq!((&web.renamed, &web.moved), (&step("web", "www"), &step("pve1", "pve2")));
    assert_eq!(web.attributes, [], "the rename is told once");
}

#[test]
fn what_was_not_read_has_not_changed() {
    let offline = |identity: Identity| Unread::object(identity, NotRead::Offline { node: "pve2".to_owned() });
    let full = observation([vm(101, "web", json!({})), vm(102, "db", json!({}))]);
    let mut partial = observation([vm(101, "web", json!({}))]);
    assert_eq!(Changes::between(&full, &partial).objects.len(), 1, "a complete list says that it is gone");
    for identity in [Identity::new("qemu", 102), Identity::new("qemu", "*")] {
        partial.not_read = vec![offline(identity)];
        assert_eq!(Changes::between(&full, &partial).objects, []);
        assert_eq!(partial.clone().or_earlier(&full).objects, full.objects, "the earlier state stays");
        let events: Vec<_> = Changes::between(&partial, &full).objects.iter().map(|change| change.event).collect();
        assert_eq!(events, [Event::FirstRead], "what is seen at last is not new");
    }
    assert_eq!(partial.not_read_lines(), "list of vm objects: node pve2 is offline\n");
}

#[test]
fn a_subject_says_the_most_important_in_72_characters() {
    let check = |before: Vec<ObjectState>, after: Vec<ObjectState>, expected: &str| {
        let subject = subject(before, after);
        assert_eq!(subject, expected);
        assert!(subject.chars().count() <= 72, "{subject}");
    };
    let web = |memory: &str, cores: &str| vm(101, "web", json!({"memory": memory, "cores": cores}));
    let plain = |id: u32| vm(id, &format!("vm{id}"), json!({"memory": "512"}));
    let pool = |id: &str| state(&format!("pool/{id}"), None, None, json!({}));
    check(
        vec![web("4096", "2")],
        vec![web("8192", "2"), plain(102), plain(103)],
        "qemu/101 web: memory 4096 → 8192; 2 guests new",
    );
    check(vec![web("1", "2")], vec![web("1", "4"), plain(102)], "qemu/101 web: cores 2 → 4; qemu/102 vm102 new");
    check(vec![plain(104)], vec![], "qemu/104 vm104 gone");
    check(
        vec![plain(104), plain(105), pool("a")],
        vec![pool("b"), pool("c")],
        "2 guests gone; pool/a gone; 2 other objects new",
    );
    let on = |id: u32, onboot: &str| vm(id, "x", json!({"onboot": onboot}));
    check((1..=9).map(|id| on(id, "0")).collect(), (1..=9).map(|id| on(id, "1")).collect(), "9 guests: onboot 0 → 1");
    let sized = |id: u32, memory: u32| vm(id, "a-rather-long-name-of-a-guest", json!({"balloon": memory.to_string()}));
    check(
        (1..=9).map(|id| sized(id, id)).collect(),
        (1..=9).map(|id| sized(id, 10 + id)).collect(),
        "qemu/1 a-rather-long-name-of-a-guest: balloon 1 → 11; and 8 more",
    );
    let noted = |text: &str| vm(1, "n", json!({"description": text}));
    check(
        vec![noted("a")],
        vec![noted("line\n\nCo-authored-by: \u{1b}[1mx and so on until the end of it")],
        "qemu/1 n: description a → line Co-authored-by: [1…",
    );
    check(vec![noted("a\nb")], vec![noted("a\n b")], "qemu/1 n: description changed");
    let secret = |value: &str| vm(1, "n", json!({"cipassword": value}));
    check(vec![vm(1, "n", json!({}))], vec![secret("hunter2")], "qemu/1 n: cipassword set");
    check(vec![secret("a")], vec![secret("b")], "qemu/1 n: cipassword changed");
    let name = "x".repeat(300);
    let long = |memory: &str| vm(1, &name, json!({"args": memory.repeat(90)}));
    check(vec![long("a")], vec![long("b")], "qemu/1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: args aaaaaaaaaaaaaaaaa…");
    check(vec![plain(1)], vec![plain(1)], "no change of the cluster");
}

#[test]
fn a_first_sync_counts() {
    let guests = (1..=12).map(|id| vm(id, "x", json!({})));
    let others = (1..=34).map(|id| state(&format!("pool/p{id}"), None, None, json!({})));
    let mut first = observation(guests.chain(others));
    assert_eq!(Changes::first(&first).subject(), "first sync of lab: 12 guests, 34 other objects");
    assert_eq!(Changes::first(&first).body(), "");
    first.cluster = None;
    first.objects.retain(|identity, _| identity.as_str() == "qemu/1");
    assert_eq!(Changes::first(&first).subject(), "first sync of the cluster: 1 guest, 0 other objects");
}

#[test]
fn a_body_has_a_line_for_each_change() {
    let mut moved = vm(101, "www", json!({"memory": "8192", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}));
    moved.node = Some("pve2".to_owned());
    let before = observation([vm(101, "web", json!({"memory": "4096"})), state("pool/a", None, None, json!({}))]);
    let after = observation([moved, vm(102, "db", json!({}))]);
    assert_eq!(
        Changes::between(&before, &after).body(),
        "pool/a gone\n\
         qemu/101 www: renamed from web\n\
         qemu/101 www: node pve1 → pve2\n\
         qemu/101 www: memory 4096 → 8192\n\
         qemu/101 www: net0 added: virtio=BC:24:11:00:00:01,bridge=vmbr0\n\
         qemu/102 db new on pve1\n"
    );
}

/// An answer to `nodes/{node}/tasks`, in the form of the recorded ones: ids as they were recorded, `started` and `end`
/// in seconds.
fn tasks(rows: &[(&str, Option<u64>, &str)]) -> Answer {
    let row = |(upid, end, status): &(&str, Option<u64>, &str)| {
        let mut row = json!({"upid": upid, "saved": "1", "status": status});
        if let Some(end) = end {
            row["endtime"] = json!(end);
        }
        row
    };
    Answer::ok(rows.iter().map(row).collect())
}

#[test]
fn tasks_stand_behind_changes() {
    // 6B03FD00 is 2026-11-23 08:44:48 UTC.
    const START: u64 = 0x6B03_FD00;
    let window = Window { from: START - 60, to: START + 60 };
    let check = |identity: &str, event: Event, settings: &[(&str, &str)], task: (&str, &str), expected: &str| {
        let (task, status) = task;
        let upid = format!("UPID:pve1:000043EE:000A7C13:6B03FD00:{task}:root@pam!iac:");
        let mut log = TaskLog::default();
        log.complete_since = Some(START - 600);
        assert_eq!(log.add(&tasks(&[(&upid, Some(START + 1), status)])), 1);
        let (prefix, id) = identity.split_once('/').unwrap();
        let attributes = settings.iter().map(|(key, property)| AttributeChange {
            key: (*key).to_owned(),
            property: (!property.is_empty()).then(|| (*property).to_owned()),
            before: Some("a".to_owned()),
            after: Some("b".to_owned()),
        });
        let moved = (event == Event::Changed && settings.is_empty())
            .then(|| Step { before: Some("pve2".to_owned()), after: Some("pve1".to_owned()) });
        let change = ObjectChange {
            identity: Identity::new(prefix, id),
            name: None,
            node: Some("pve1".to_owned()),
            event,
            renamed: None,
            moved,
            attributes: attributes.collect(),
            origin: None,
        };
        let mut changes = Changes { objects: vec![change], ..Changes::default() };
        changes.attribute(&log, window);
        let body = changes.body();
        let origin = body.lines().next().unwrap().rsplit_once(", ").map_or("", |(_, origin)| origin);
        assert_eq!(origin, expected, "{identity} {event:?} {settings:?} {task}");
    };
    let by = |word: &str| format!("by root@pam!iac at 2026-11-23 08:44 UTC ({word})");
    let probably = |word: &str| format!("probably {}", by(word));
    let nothing = "not in the task log";
    let (new, gone, changed) = (Event::New, Event::Gone, Event::Changed);
    check("qemu/150", new, &[], ("qmcreate:150", "OK"), &by("qmcreate"));
    check("qemu/150", new, &[], ("qmcreate:150", "WARNINGS: 1"), &by("qmcreate"));
    check("qemu/150", new, &[], ("qmcreate:151", "OK"), nothing);
    check("qemu/150", new, &[], ("qmcreate:150", "unable to create VM 150"), nothing);
    check("qemu/150", new, &[], ("qmstart:150", "OK"), nothing);
    check("qemu/150", new, &[], ("qmclone:9000", "OK"), &probably("qmclone"));
    check("lxc/150", new, &[], ("vzcreate:150", "OK"), &by("vzcreate"));
    check("lxc/150", new, &[], ("qmcreate:150", "OK"), nothing);
    check("qemu/150", gone, &[], ("qmdestroy:150", "OK"), &by("qmdestroy"));
    check("qemu/150", gone, &[], ("qmcreate:150", "OK"), nothing);
    check("qemu/150", changed, &[], ("qmigrate:150", "OK"), &by("qmigrate"));
    check("qemu/150", changed, &[], ("qmigrate:150", "migration aborted"), nothing);
    check("qemu/150", changed, &[("memory", "current")], ("qmconfig:150", "OK"), &probably("qmconfig"));
    check("qemu/150", changed, &[("memory", "current")], ("resize:150", "OK"), nothing);
    check("lxc/150", changed, &[("rootfs", "size")], ("resize:150", "OK"), &by("resize"));
    check("qemu/150", changed, &[("scsi0", "size"), ("cores", "")], ("resize:150", "OK"), &probably("resize"));
    check("qemu/150", changed, &[("scsi0", "file")], ("qmmove:150", "OK"), &by("qmmove"));
    check("qemu/150", changed, &[("template", ""), ("scsi0", "file")], ("qmtemplate:150", "OK"), &by("qmtemplate"));
    check("snapshot/qemu/150/before", new, &[], ("qmsnapshot:150", "OK"), &probably("qmsnapshot"));
    check("snapshot/qemu/151/before", new, &[], ("qmsnapshot:150", "OK"), nothing);
    check("ha-resource/vm:100", changed, &[("state", "")], ("hastart:100", "OK"), &by("hastart"));
    check("volume/pve1/local:iso/d.iso", new, &[], ("download:d.iso", "OK"), &by("download"));
    check("volume/pve1/local:iso/d.iso", new, &[], ("imgcopy:", "OK"), &probably("imgcopy"));
    check("network/pve1/vmbr0", changed, &[("mtu", "")], ("srvreload:networking", "OK"), &probably("srvreload"));
    check("sdn-zone/z", changed, &[("mtu", "")], ("reloadnetworkall:", "OK"), &probably("reloadnetworkall"));
    check("pool/prod", changed, &[("comment", "")], ("qmconfig:150", "OK"), nothing);
}

#[test]
fn only_tasks_between_the_observations_count() {
    const START: u64 = 0x6B03_FD00;
    let upid = "UPID:pve1:000043EE:000A7C13:6B03FD00:qmcreate:150:alice@pam:";
    let again = "UPID:pve1:000043EF:000A7C14:6B03FD01:qmcreate:150:bob@pve:";
    let check = |rows: &[(&str, Option<u64>, &str)], window: (u64, u64), since: Option<u64>, expected: &str| {
        let mut log = TaskLog::default();
        log.complete_since = since;
        log.add(&tasks(rows));
        let mut changes = Changes::between(&observation([]), &observation([vm(150, "db", json!({}))]));
        changes.attribute(&log, Window { from: window.0, to: window.1 });
        assert_eq!(changes.body(), format!("qemu/150 db new on pve1{expected}\n"));
    };
    let ended = [(upid, Some(START + 5), "OK")];
    check(&ended, (START - 9, START + 9), Some(0), ", by alice@pam at 2026-11-23 08:44 UTC (qmcreate)");
    check(&ended, (START + 2, START + 9), Some(0), ", by alice@pam at 2026-11-23 08:44 UTC (qmcreate)");
    check(&ended, (START + 6, START + 9), Some(0), ", not in the task log");
    check(&ended, (START - 9, START - 1), Some(0), ", not in the task log");
    check(&[], (START, START + 9), Some(START + 1), "");
    check(&[], (START, START + 9), None, "");
    check(&[(upid, None, "")], (START - 9, START + 9), Some(0), ", not in the task log");
    check(
        &[(upid, None, "RUNNING")],
        (START - 9, START + 9),
        Some(0),
        ", by alice@pam at 2026-11-23 08:44 UTC (qmcreate)",
    );
    check(
        &[ended[0], (again, Some(START + 6), "OK")],
        (START - 9, START + 9),
        Some(0),
        ", probably by bob@pve at 2026-11-23 08:44 UTC (qmcreate) or by alice@pam at 2026-11-23 08:44 UTC (qmcreate)",
    );
}

#[test]
fn files_are_read_back() {
    let mut all = observation([
        vm(101, "web", json!({"memory": "4096", "description": "a\n\"b\" é"})),
        state("pool/prod/web", None, None, json!({})),
        state("firewall-rules/cluster", None, None, json!({"rule0": {"type": "in"}})),
    ]);
    all.not_read = vec![Unread::object(
        Identity::new("lxc", 200),
        NotRead::refused(ApiPath::parse("nodes/pve1/lxc/200/config"), 403, "no".to_owned()),
    )];
    let files = all.files();
    let web = "{\n  \"identity\": \"qemu/101\",\n  \"keys\": {\n    \"description\": \"a\\n\\\"b\\\" é\",\n    \"memory\": \"4096\"\n  },\n  \
        \"name\": \"web\",\n  \"node\": \"pve1\"\n}\n";
    assert_eq!(files["observed/qemu/101.json"], web);
    assert_eq!(Observation::from_files(&files).unwrap(), all);
    let digest = all.objects[&Identity::new("qemu", 101)].digest();
    assert_eq!(digest.len(), 32);
    assert_ne!(digest, all.objects[&Identity::new("pool", "prod/web")].digest());
    let broken = BTreeMap::from([("observed/qemu/101.json", "{}"), ("terraform/vm.tf", "x")]);
    let error = Observation::from_files(broken).unwrap_err();
    assert_eq!(error.to_string(), "`observed/qemu/101.json` is not a file of an observation");
}

#[test]
fn objects_are_named_by_identity_id_or_name() {
    let all = observation([
        vm(101, "web", json!({})),
        vm(102, "web", json!({})),
        vm(103, "101", json!({})),
        state("pool/101", None, None, json!({})),
    ]);
    let check = |word: &str, expected: &[&str]| {
        let identities: Vec<_> = all.named(word).iter().map(|object| object.identity.as_str()).collect();
        assert_eq!(identities, expected, "{word}");
    };
    check("qemu/101", &["qemu/101"]);
    check("web", &["qemu/101", "qemu/102"]);
    check("101", &["qemu/101", "qemu/103"]);
    check("pool/101", &["pool/101"]);
    check("nothing", &[]);
}
