//! Odd values of the cluster's options, jobs, HA, mappings, metric servers, ACME and notifications. With the real
//! provider, each of them failed a plan or changed something before it was treated so.

use std::collections::BTreeSet;

use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use super::oracle::ignored;
use super::schema::Schema;
use crate::support::clusters::{Memory, fixture, generated, terraform};

/// Code of the recorded cluster with other answers. The schema allows the code, and every key has a fate, whatever
/// they are.
fn with(answers: &[(&str, Value)]) -> Generated {
    let mut memory: Memory = fixture("pve-9.1");
    for (path, data) in answers {
        memory.insert(ApiPath::parse(path), Answer::ok(data.clone()));
    }
    let made = generated(&memory);
    let schema = Schema::read();
    for (path, text) in terraform(&made.files) {
        assert_eq!(schema.check(text).1, Vec::<String>::new(), "{path}: {answers:?}");
    }
    for (identity, object) in &made.coverage.objects {
        assert!(!object.keys.values().any(|fate| *fate == Fate::NotCovered), "{identity}: {:?}", object.keys);
    }
    made
}

/// Outcome of an object: `code` with the attributes that it ignores, or the place where it went.
fn outcome(made: &Generated, identity: &Identity) -> String {
    match made.coverage.objects.get(identity).map(|object| &object.outcome) {
        Some(Outcome::Terraform { address }) => {
            let ignored: BTreeSet<String> = ignored(made).remove(address).unwrap();
            let ignored: Vec<String> = ignored.into_iter().collect();
            if ignored.is_empty() { "code".to_owned() } else { format!("code but {}", ignored.join(", ")) }
        }
        Some(Outcome::Ansible { .. }) => "Ansible".to_owned(),
        Some(Outcome::NotImportable { .. }) => "aside".to_owned(),
        Some(Outcome::BuiltIn) => "as it came".to_owned(),
        Some(Outcome::Fact) => "fact".to_owned(),
        Some(Outcome::Excluded) => "excluded".to_owned(),
        None => "unread".to_owned(),
    }
}

#[test]
fn datacenter_options() {
    let check = |options: Value, expected: &str| {
        let made = with(&[("cluster/options", options.clone())]);
        assert_eq!(outcome(&made, &Identity::new("cluster-options", "cluster")), expected, "{options}");
    };
    check(json!({"allowed-tags": []}), "unread");
    check(json!({"tag-style": {"shape": "full"}}), "code");
    check(json!({"description": "\n", "email_from": "", "next-id": {}}), "code");
    check(json!({"language": "nl"}), "code but language");
    check(json!({"language": "pt_BR", "keyboard": "pt-br"}), "code");
    check(json!({"next-id": {"upper": "1000000000"}}), "code but next_id");
    check(json!({"next-id": {"lower": "100", "upper": "999999999"}}), "code");
    check(json!({"crs": {"ha": "static", "ha-auto-rebalance-margin": 0.1}}), "code but crs_ha_auto_rebalance_margin");
    check(json!({"migration": {"network": "10.0.0.0"}}), "code but migration_cidr");
    check(json!({"notify": {"fencing": "never", "target-fencing": " x"}}), "code but notify");
    check(json!({"http_proxy": "http://ada:x@proxy:1/"}), "code but http_proxy");
    check(json!({"http_proxy": "http://proxy:1/"}), "code");
    check(json!({"bwlimit": "default=0.5"}), "Ansible");
    check(json!({"tag-style": "shape=full"}), "Ansible");
}

/// A login that may not audit the system gets four keys, which become no code.
#[test]
fn a_part_of_the_options_is_not_the_options() {
    let mut memory = fixture("pve-9.1");
    let part = json!({"console": "html5", "tag-style": {"shape": "full"}, "allowed-tags": ["dev"]});
    memory.insert(ApiPath::parse("cluster/options"), Answer::ok(part));
    memory.insert(ApiPath::parse("access/permissions"), Answer::ok(json!({"/vms": {"VM.Audit": 1}})));
    let made = generated(&memory);
    assert!(!made.files.contains_key("terraform/cluster.tf"));
    let unread: Vec<_> = made.unread.iter().filter(|unread| unread.identity.prefix() == "cluster-options").collect();
    assert_eq!(unread.len(), 2, "the list is not complete, and the object not read: {unread:?}");
}

#[test]
fn backup_jobs() {
    let check = |keys: Value, expected: &str| {
        let mut job = json!({"id": "job", "type": "vzdump", "storage": "local", "schedule": "daily"});
        for (key, value) in keys.as_object().unwrap() {
            job[key] = value.clone();
        }
        job.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let made = with(&[("cluster/backup", json!([job]))]);
        let id = job["id"].as_str().unwrap();
        assert_eq!(outcome(&made, &Identity::new("backup-job", id)), expected, "{keys}");
    };
    check(json!({"all": 0, "vmid": "100"}), "code");
    check(json!({"all": 1, "vmid": "100"}), "code");
    check(json!({"pool": "prod", "vmid": "100"}), "code but vmid");
    check(json!({"vmid": ""}), "code");
    check(json!({"mode": "weird", "compress": "lz9"}), "code but compress, mode");
    check(json!({"ionice": 9, "bwlimit": 5}), "code but ionice");
    check(json!({"bwlimit": "5"}), "Ansible");
    check(json!({"exclude-path": ["/tmp/?*"]}), "Ansible");
    check(json!({"exclude-path": "/tmp/?*"}), "code");
    check(json!({"fleecing": "enabled=1"}), "Ansible");
    check(json!({"fleecing": {"enabled": 0}, "performance": {"max-workers": "8"}}), "code");
    check(json!({"prune-backups": "keep-last=3"}), "code");
    check(json!({"storage": null, "dumpdir": "/backup"}), "Ansible");
    check(json!({"schedule": null, "starttime": "02:00", "dow": "sun,mon"}), "Ansible");
    check(json!({"comment": "x", "exclude": "100", "notification-mode": "auto"}), "code");
    check(json!({"id": "96707d26:1", "enabled": "1", "type": null}), "aside");
}

#[test]
fn replication_jobs() {
    let check = |job: Value, expected: &str| {
        let made = with(&[("cluster/replication", json!([job]))]);
        let id = job["id"].as_str().unwrap();
        assert_eq!(outcome(&made, &Identity::new("replication", id)), expected, "{job}");
    };
    check(json!({"id": "101-0", "type": "local", "target": "pve2", "guest": 101, "jobnum": 0, "rate": 1.5}), "code");
    check(json!({"id": "9999-0", "type": "local", "target": "pve2", "guest": 9999, "jobnum": 0}), "code");
    check(json!({"id": "101-0", "type": "local", "target": "pve2", "rate": "2"}), "Ansible");
    check(json!({"id": "101-0", "type": "local", "target": "pve2", "remove_job": "full"}), "fact");
    check(json!({"id": "101-0", "type": "other", "target": "pve2"}), "Ansible");
}

#[test]
fn high_availability() {
    let check = |list: &str, key: &str, prefix: &str, row: Value, expected: &str| {
        let made = with(&[(list, json!([row]))]);
        let id = row[key].as_str().unwrap();
        assert_eq!(outcome(&made, &Identity::new(prefix, id)), expected, "{row}");
    };
    let resource = |row, expected: &str| check("cluster/ha/resources", "sid", "ha-resource", row, expected);
    resource(json!({"sid": "vm:101", "type": "vm", "state": "enabled", "failback": 1}), "code");
    resource(json!({"sid": "vm:101", "type": "vm", "state": "weird"}), "Ansible");
    resource(
        json!({"sid": "vm:101", "type": "vm", "comment": " x", "max_restart": 20}),
        "code but comment, max_restart",
    );
    resource(json!({"sid": "vm:101", "type": "vm", "group": "x"}), "code but group");
    resource(json!({"sid": "fa:1", "type": "fa"}), "Ansible");
    let rule = |row, expected: &str| check("cluster/ha/rules", "rule", "ha-rule", row, expected);
    rule(json!({"rule": "ab", "type": "node-affinity", "resources": "vm:104", "nodes": "pve1,pve2:0"}), "code");
    rule(json!({"rule": "ab", "type": "node-affinity", "resources": "vm:104", "nodes": "pve1:2000"}), "Ansible");
    rule(json!({"rule": "a", "type": "node-affinity", "resources": "vm:104", "nodes": "pve1"}), "aside");
    rule(json!({"rule": "ab", "type": "node-affinity", "resources": "", "nodes": "pve1"}), "Ansible");
    rule(json!({"rule": "ab", "type": "resource-affinity", "resources": "vm:1000", "affinity": "positive"}), "code");
    rule(json!({"rule": "ab", "type": "resource-affinity", "resources": "vm:104", "affinity": "maybe"}), "Ansible");
    rule(json!({"rule": "ab", "type": "later", "resources": "vm:104"}), "Ansible");
    let group = |row, expected: &str| check("cluster/ha/groups", "group", "ha-group", row, expected);
    group(json!({"group": "only23", "type": "group", "nodes": "pve2,pve3", "restricted": 1}), "code");
    group(json!({"group": "a-", "type": "group", "nodes": "pve2"}), "Ansible");
}

/// Proxmox VE before 9 has no HA rules, and has no HA groups after it converted them to rules. Both answer with a
/// refusal, which does not make the list incomplete.
#[test]
fn what_a_release_does_not_have_is_nothing() {
    let group = json!([{"group": "only23", "type": "group", "nodes": "pve2,pve3"}]);
    let resource = json!([{"sid": "vm:101", "type": "vm", "state": "started", "group": "only23"}]);
    let refusals =
        [(501, "Method 'GET /cluster/ha/rules' not implemented"), (500, "ha groups have not been migrated yet")];
    for (status, reason) in refusals {
        let mut memory = fixture("pve-9.1");
        memory.insert(ApiPath::parse("cluster/ha/rules"), Answer::refusal(status, reason));
        memory.insert(ApiPath::parse("cluster/ha/groups"), Answer::ok(group.clone()));
        memory.insert(ApiPath::parse("cluster/ha/resources"), Answer::ok(resource.clone()));
        let made = generated(&memory);
        assert!(!made.unread.iter().any(|unread| unread.identity.prefix().starts_with("ha-")), "{:?}", made.unread);
        let resources = &made.files["terraform/ha_resources.tf"];
        assert!(resources.contains("group       = proxmox_hagroup.only23.group"), "{resources}");
    }
    let made = generated(&fixture("pve-9.1"));
    assert!(!made.unread.iter().any(|unread| unread.identity.prefix().starts_with("ha-")), "{:?}", made.unread);
}

#[test]
fn mappings() {
    let check = |kind: &str, row: Value, expected: &str| {
        let made = with(&[(&format!("cluster/mapping/{kind}"), json!([row]))]);
        let id = row["id"].as_str().unwrap();
        assert_eq!(outcome(&made, &Identity::new(&format!("hardware-mapping-{kind}"), id)), expected, "{row}");
    };
    let one = |map: &str| json!({"id": "x1", "type": "pci", "map": [map]});
    check("pci", one("id=8086:1572,node=pve2,path=0000:03:00.0,iommugroup=-1"), "code");
    check("pci", one("id=8086:1572,node=pve2,path=0000:03:00.0;0000:03:00.1"), "Ansible");
    check("pci", one("id=8086:1572,node=pve2,path=0000:0A:00.0"), "Ansible");
    check("pci", one("id=8086:1572,node=pve2,path=0000:0a:00.0,later=1"), "Ansible");
    check("pci", one("id=8086:1572,node=pve2,path=0000:0a:00.0,description=%41"), "Ansible");
    check("pci", one("id=8086:1572,node=pve2,path=0000:0a:00.0,description=%E2%80%93"), "code");
    check("pci", one("id=8086:1572,node=pve2,path=0000:0a:00.0,description=a%2Cb"), "Ansible");
    check(
        "pci",
        json!({"id": "x1", "map": ["id=8086:1572,node=a,path=0000:03:00", "node=a,id=8086:1572,path=0000:03:00"]}),
        "Ansible",
    );
    check("pci", json!({"id": "x1", "map": []}), "Ansible");
    check("usb", json!({"id": "x1", "description": "", "map": ["id=0529:0001,node=pve1"]}), "code but comment");
    let described = |comment: &str| json!({"id": "x1", "description": comment, "map": ["id=0529:0001,node=pve1"]});
    check("usb", described("RTX %E2%80%93 x"), "code");
    check("usb", described("50% off"), "code but comment");
    check("usb", described("GrÃ¼n"), "code but comment");
    check("usb", json!({"id": "x1", "map": ["id=0529:0001,node=pve1,path=usb1"]}), "Ansible");
    check("dir", json!({"id": "x1", "map": ["node=pve1,path=/srv"]}), "code");
    check("dir", json!({"id": "x1", "map": ["node=pve1,path=/"]}), "Ansible");
}

#[test]
fn metric_servers() {
    let check = |server: Value, expected: &str| {
        let made =
            with(&[("cluster/metrics/server", json!([{"id": "m1"}])), ("cluster/metrics/server/m1", server.clone())]);
        assert_eq!(outcome(&made, &Identity::new("metric-server", "m1")), expected, "{server}");
    };
    check(json!({"type": "graphite", "server": "h", "port": 2003, "proto": "tcp", "path": ""}), "code");
    check(json!({"type": "graphite", "server": "h", "port": "2003"}), "Ansible");
    check(json!({"type": "graphite", "server": "h", "port": 2003, "mtu": 100}), "code but mtu");
    check(json!({"type": "influxdb", "server": "h", "port": 1, "influxdbproto": "https"}), "code but influx_token");
    check(json!({"type": "influxdb", "server": "h", "port": 1, "influxdbproto": "udp"}), "code");
    let headers = json!({"type": "opentelemetry", "server": "h", "port": 1, "otel-headers": "e30="});
    check(headers, "code but opentelemetry_headers");
    check(json!({"type": "later", "server": "h", "port": 1}), "Ansible");
}

#[test]
fn certificates_and_their_authority() {
    let check = |answers: &[(&str, Value)], identity: (&str, &str), expected: &str| {
        let made = with(answers);
        assert_eq!(outcome(&made, &Identity::new(identity.0, identity.1)), expected, "{answers:?}");
        made
    };
    let account = |account: Value, expected: &str| {
        check(&[("cluster/acme/account/default", account)], ("acme-account", "default"), expected)
    };
    let registered = |contact: Value| json!({"account": {"contact": contact}, "directory": "https://a/d", "location": "https://a/1"});
    let made = account(registered(json!(["mailto:a@b.c", "mailto:d@e.f"])), "code");
    assert!(made.files["terraform/acme_accounts.tf"].contains("contact   = \"a@b.c\""));
    assert!(made.files["terraform/acme_certificates.tf"].contains("account   = proxmox_acme_account.default.name"));
    account(registered(json!([])), "code");
    account(json!({"directory": "a", "location": "b"}), "aside");
    let plugin = |plugin: Value, expected: &str| {
        let id = plugin["plugin"].as_str().unwrap().to_owned();
        check(&[("cluster/acme/plugins", json!([plugin]))], ("acme-plugin", &id), expected);
    };
    plugin(json!({"plugin": "standalone", "type": "standalone"}), "as it came");
    plugin(json!({"plugin": "standalone", "type": "standalone", "nodes": "pve1"}), "Ansible");
    plugin(json!({"plugin": "own", "type": "standalone"}), "Ansible");
    plugin(json!({"plugin": "cf", "type": "dns", "api": "cf", "data": "A=b"}), "code but data");
    plugin(json!({"plugin": "cf", "type": "dns", "api": "cf", "disable": 1, "nodes": "pve1"}), "code");
    let node = |config: Value, expected: &str| {
        check(&[("nodes/pve1/config", config)], ("acme-certificate", "pve1"), expected);
    };
    node(json!({"description": "x"}), "unread");
    node(json!({"acme": "account=default,domains=a.b;c.d", "acmedomain0": "x.y,plugin=cf,alias=z.z"}), "code");
    node(json!({"acme": "account=default", "acmedomain5": "domain=a.b"}), "Ansible");
    node(json!({"acme": "domains=a.b"}), "Ansible");
    node(json!({"acmedomain0": "a.b"}), "Ansible");
}

#[test]
fn notifications() {
    let matchers = json!([
        {"name": "default-matcher", "mode": "all", "origin": "builtin", "target": ["mail-to-root"]},
        {"name": "own", "mode": "all", "origin": "user-created", "target": ["mail-to-root"]},
    ]);
    let sendmail = json!([{"name": "mail-to-root", "mailto-user": ["root@pam"], "origin": "modified-builtin"}]);
    let webhook = json!([{"name": "hook", "method": "post", "url": "https://h/", "secret": ["name=a", "name=b"]}]);
    let made = with(&[
        ("cluster/notifications/matchers", matchers),
        ("cluster/notifications/endpoints/sendmail", sendmail),
        ("cluster/notifications/endpoints/webhook", webhook),
    ]);
    assert_eq!(outcome(&made, &Identity::new("notification-matcher", "default-matcher")), "as it came");
    assert_eq!(outcome(&made, &Identity::new("notification-matcher", "own")), "Ansible");
    assert_eq!(outcome(&made, &Identity::new("notification-sendmail", "mail-to-root")), "Ansible");
    let tasks = &made.files["ansible/roles/notifications/tasks/main.yml"];
    let task = |identity: &str| tasks.split("\n\n").find(|task| task.contains(&format!("# {identity}\n"))).unwrap();
    // What came with Proxmox is changed and never made.
    assert!(!task("notification-sendmail/mail-to-root").contains("create:"));
    assert!(task("notification-matcher/own").contains("create:"));
    // No answer has the token, and the task asks for it all the same.
    assert!(task("notification-gotify/gotify1").contains("PROXMOX_MPC_NOTIFICATION_GOTIFY_GOTIFY1_TOKEN"));
    assert!(task("notification-webhook/hook").contains("NOTIFICATION_WEBHOOK_HOOK_SECRET').split() }}"));
}
