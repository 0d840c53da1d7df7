//! Settings of nodes with values that few of them have: each row was compared with the real provider.

use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use crate::support::clusters::{asked, data, fixture, generated, terraform};

/// Code of the recorded cluster with these answers for paths of the node `pve1`.
fn with(changes: &[(&str, Value)]) -> Generated {
    let mut answers = asked(&fixture("pve-9.1"));
    for (path, value) in changes {
        answers.insert(ApiPath::parse(&format!("nodes/pve1/{path}")), Answer::ok(value.clone()));
    }
    let made = generated(&answers);
    let schema = super::schema::Schema::read();
    for (path, text) in terraform(&made.files) {
        assert_eq!(schema.check(text).1, Vec::<String>::new(), "{path}");
    }
    made
}

/// Attributes of the object's block in one line, or the place where it went.
fn found(made: &Generated, identity: &Identity) -> String {
    let address = match &made.coverage.objects[identity].outcome {
        Outcome::Terraform { address } => address,
        Outcome::Ansible { .. } => return "Ansible".to_owned(),
        Outcome::NotImportable { .. } => return "set aside".to_owned(),
        Outcome::BuiltIn => return "as it came".to_owned(),
        Outcome::Fact => return "fact".to_owned(),
        Outcome::Excluded => return "excluded".to_owned(),
    };
    let (resource, label) = address.split_once('.').unwrap();
    let head = format!("resource \"{resource}\" \"{label}\" {{\n");
    let text = terraform(&made.files).find_map(|(_, text)| Some(text.split_once(&head)?.1)).unwrap();
    let lines = text.split("\n}\n").next().unwrap().lines().map(|line| line.trim().replace(" = ", "="));
    let words = lines.filter(|line| !line.starts_with("node") && !line.starts_with("name ") && !line.is_empty());
    words.map(|line| line.split_whitespace().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn interface(name: &str, of_type: &str, more: &Value) -> Value {
    let mut row = json!({
        "exists": null, "families": ["inet"], "iface": name, "method": "manual", "method6": "manual", "priority": 3,
        "type": of_type,
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn an_interface_is_terraforms_where_it_shows_no_change() {
    let check = |name: &str, of_type: &str, more: Value, expected: &str| {
        let made = with(&[("network", json!([interface(name, of_type, &more)]))]);
        assert_eq!(found(&made, &Identity::new("network", format!("pve1/{name}"))), expected, "{name} {more}");
    };
    check("vmbr0", "bridge", json!({"autostart": 1, "bridge_ports": "", "bridge_fd": "0"}), "");
    check("vmbr0", "bridge", json!({"bridge_ports": "b a"}), r#"autostart=false ports=["b","a"]"#);
    check("vmbr0", "bridge", json!({"autostart": 1, "comments": " a\nb\n\n"}), "comment=chomp(<<-EOT a b EOT )");
    check("vmbr0", "bridge", json!({"autostart": 1, "comments": "\n"}), r#"comment="""#);
    check("vmbr0", "bridge", json!({"autostart": 1, "mtu": "9000"}), "mtu=9000");
    check("vmbr0", "bridge", json!({"autostart": 1, "mtu": "auto"}), "");
    check("vmbr0", "bridge", json!({"autostart": 1, "bridge_ports": "vmbr0"}), r#"ports=["vmbr0"]"#);
    let vlans = |vids: &str| json!({"autostart": 1, "bridge_vlan_aware": 1, "bridge_vids": vids});
    check("vmbr0", "bridge", vlans("2 4-9"), r#"vlan_aware=true vids="24-9""#);
    check("vmbr0", "bridge", vlans("2,4-9"), "vlan_aware=true");
    check("vmbr0", "bridge", json!({"autostart": 1, "bridge_vids": "2-4094"}), "Ansible");
    // Proxmox takes no interface of this name, and so no change of it.
    check("br-lan", "bridge", json!({"autostart": 1}), "set aside");
    check("vmbr0001234", "bridge", json!({"autostart": 1}), "Ansible");
    check("v1_2", "bridge", json!({"autostart": 1}), "");
    check("vmbr0", "bridge", json!({"cidr": "010.0.0.1/24", "address": "010.0.0.1", "method": "static"}), "Ansible");
    check("vmbr0", "bridge", json!({"autostart": 1, "cidr": "fe80::1%a/64", "method": "static"}), "Ansible");
    // Any change would take the address away.
    check("vmbr0", "bridge", json!({"autostart": 1, "method": "dhcp"}), "set aside");
    check("vmbr0", "bridge", json!({"autostart": 1, "method6": "auto"}), "set aside");
    check("vmbr0", "bridge", json!({"autostart": 1, "address": "10.0.0.1", "method": "static"}), "set aside");
    check("bond0", "bond", json!({"autostart": 1, "slaves": "b a"}), r#"slaves=["a","b"]"#);
    check("bond0", "bond", json!({"autostart": 1, "slaves": "a", "bond_mode": "odd"}), r#"slaves=["a"]"#);
    check("bond0", "bond", json!({"autostart": 1, "slaves": ""}), "Ansible");
    check("bond_0", "bond", json!({"autostart": 1, "slaves": "a"}), "Ansible");
    check("a.5", "vlan", json!({"autostart": 1, "vlan-id": "5", "vlan-raw-device": "a"}), "");
    let own = json!({"autostart": 1, "vlan-id": "5", "vlan-raw-device": "a"});
    check("vlan5", "vlan", own, r#"interface="a" vlan=5"#);
    check("a.5", "vlan", json!({"vlan-id": "5", "vlan-raw-device": "a"}), "set aside");
    check("ovsbr0", "OVSBridge", json!({"autostart": 1, "ovs_type": "OVSBridge"}), "Ansible");
    check("eno1:1", "alias", json!({"autostart": 1, "cidr": "10.0.0.1/8", "method": "static"}), "Ansible");
    check("eno1", "eth", json!({"active": 1, "exists": 1}), "as it came");
    check("eno1", "eth", json!({"active": 1, "exists": 1, "mtu": "9000"}), "Ansible");
}

/// A policy that the provider refuses, and that needs no `ignore_changes` elsewhere.
#[test]
fn a_policy_that_is_refused_is_ignored() {
    let more = json!({"autostart": 1, "slaves": "a", "bond_xmit_hash_policy": "encap3+4"});
    let made = with(&[("network", json!([interface("bond0", "bond", &more)]))]);
    let text = found(&made, &Identity::new("network", "pve1/bond0"));
    assert!(text.ends_with("ignore_changes=[bond_xmit_hash_policy] }"), "{text}");
}

#[test]
fn ports_refer_to_other_interfaces_of_the_node() {
    let bond = interface("bond0", "bond", &json!({"autostart": 1, "slaves": "a"}));
    let bridge = interface("vmbr0", "bridge", &json!({"autostart": 1, "bridge_ports": "bond0 eno5"}));
    let made = with(&[("network", json!([bridge, bond]))]);
    let expected = r#"ports=[proxmox_network_linux_bond.pve1_bond0.name,"eno5"]"#;
    assert_eq!(found(&made, &Identity::new("network", "pve1/vmbr0")), expected);
}

/// Ansible never applies a network, and keeps an address whatever else changes.
#[test]
fn what_ansible_changes_of_an_interface_waits() {
    let more = json!({"autostart": 1, "cidr": "10.0.0.1/8", "comments6": "six\n", "method": "static"});
    let made = with(&[("network", json!([interface("vmbr0", "bridge", &more)]))]);
    let tasks = &made.files["ansible/roles/node_network/tasks/main.yml"];
    let task = tasks.split("\n\n").find(|task| task.contains("network/pve1/vmbr0\n")).unwrap();
    assert!(task.contains("comments6: \"six\\n\"") && task.contains("along:\n      - cidr\n"), "{task}");
    assert!(!made.files.contains_key("ansible/roles/node_network/handlers/main.yml"));
    assert!(!task.contains("options"), "{task}");
}

#[test]
fn changes_that_wait_are_told() {
    let mut answers = asked(&fixture("pve-9.1"));
    let path = ApiPath::parse("nodes/pve1/network");
    answers.get_mut(&path).unwrap().body["changes"] = "--- a\n+++ b\n".into();
    let made = generated(&answers);
    let reported: Vec<&str> = made.notices.iter().map(|notice| notice.identity.as_str()).collect();
    assert!(reported.contains(&"network-changes/pve1") && !reported.contains(&"network-changes/pve2"), "{reported:?}");
}

#[test]
fn a_node_says_itself() {
    let check = |kind: &str, path: &str, answer: Value, expected: &str| {
        let made = with(&[(path, answer.clone())]);
        assert_eq!(found(&made, &Identity::new(kind, "pve1")), expected, "{path} {answer}");
    };
    check("node-dns", "dns", json!({"search": "a", "dns1": "1.1.1.1"}), r#"domain="a" servers=["1.1.1.1"]"#);
    check("node-dns", "dns", json!({"search": ""}), r#"domain="" servers=[]"#);
    check("node-time", "time", json!({"timezone": "UTC", "time": 1, "localtime": 1}), r#"time_zone="UTC""#);
    check("node-time", "time", json!({"timezone": "right/UTC", "time": 1, "localtime": 1}), "Ansible");
    let hosts = |data: &str| json!({"data": data, "digest": "a"});
    let two = r##"entry{ address="10.0.0.1" hostnames=["a","#b"] } entry{ address="::1" hostnames=["c\r"] }"##;
    check("node-hosts", "hosts", hosts("10.0.0.1\ta  #b\n 10.0.0.2 x\n#c\n\n::1 c\r\n"), two);
    check("node-hosts", "hosts", hosts("10.0.0.1\n"), "set aside");
    check("node-hosts", "hosts", hosts("# nothing\n"), "set aside");
    check("node-config", "config", json!({"description": "a\n b\n"}), "description=chomp(<<-EOT a b EOT )");
    check("node-config", "config", json!({"description": "a\n\n"}), "Ansible");
    check("node-config", "config", json!({"description": "\n"}), "Ansible");
    check("node-config", "config", json!({"wakeonlan": "aa:bb:cc:dd:ee:ff"}), "Ansible");
}

#[test]
fn a_repository_is_its_switch() {
    let repository = |enabled: u8| {
        json!({
            "Components": ["main"], "Enabled": enabled, "FileType": "list", "Suites": ["trixie"], "Types": ["deb"],
            "URIs": ["http://debian.example.org"],
        })
    };
    let files = json!([
        {"path": "/etc/apt/sources.list", "file-type": "list", "repositories": [repository(1), repository(0)]},
        {"path": "/etc/apt/sources.list.d/a,b.list", "file-type": "list", "repositories": [repository(1)]},
    ]);
    let standard =
        json!([{"handle": "test", "name": "Test"}, {"handle": "no-subscription", "name": "No", "status": 1}]);
    let answer = json!({"files": files, "standard-repos": standard, "infos": [], "errors": [], "digest": "a"});
    let made = with(&[("apt/repositories", answer)]);
    let check = |identity: &str, expected: &str| {
        let (prefix, id) = identity.split_once(' ').unwrap();
        assert_eq!(found(&made, &Identity::new(prefix, format!("pve1/{id}"))), expected, "{identity}");
    };
    let second = r#"file_path="/etc/apt/sources.list" index=1 enabled=false"#;
    check("apt-repository /etc/apt/sources.list,1", second);
    check("apt-repository /etc/apt/sources.list.d/a,b.list,0", "set aside");
    check("apt-standard-repository no-subscription", r#"handle="no-subscription""#);
    assert!(!made.coverage.objects.contains_key(&Identity::new("apt-standard-repository", "pve1/test")));
}

#[test]
fn a_pool_says_what_it_is_made_of() {
    let disk = |name: &str| json!({"name": name, "leaf": 1, "state": "ONLINE"});
    let group = |name: &str| json!({"name": name, "leaf": 0, "children": [disk("/dev/a"), disk("/dev/b")]});
    let check = |groups: Value, expected: &str| {
        let children = json!([{"name": "tank", "leaf": 0, "children": groups}]);
        let detail = json!({"name": "tank", "state": "ONLINE", "errors": "none", "children": children});
        let made = with(&[("disks/zfs", json!([{"name": "tank"}])), ("disks/zfs/tank", detail)]);
        let text = found(&made, &Identity::new("zfs", "pve1/tank"));
        assert_eq!(text.split(" lifecycle").next(), Some(expected), "{groups}");
    };
    check(json!([disk("/dev/a")]), r#"raidlevel="single" devices=["/dev/a"]"#);
    check(json!([group("mirror-0")]), r#"raidlevel="mirror" devices=["/dev/a","/dev/b"]"#);
    check(json!([group("raidz2-0")]), r#"raidlevel="raidz2" devices=["/dev/a","/dev/b"]"#);
    let four = r#"raidlevel="raid10" devices=["/dev/a","/dev/b","/dev/a","/dev/b"]"#;
    check(json!([group("mirror-0"), group("mirror-1")]), four);
    for other in
        [json!([disk("a"), disk("b")]), json!([group("draid1:1d:2c:0s-0")]), json!([group("mirror-0"), disk("a")])]
    {
        check(other, "set aside");
    }
}

#[test]
fn an_uploaded_certificate_is_told_of() {
    let check = |file: &str, config: Value, expected: &str| {
        let made = with(&[("certificates/info", json!([{"filename": file, "pem": "x"}])), ("config", config)]);
        assert_eq!(found(&made, &Identity::new("certificate", format!("pve1/{file}"))), expected);
    };
    check("pve-ssl.pem", json!({}), "fact");
    check("pveproxy-ssl.pem", json!({}), "set aside");
    check("pveproxy-ssl.pem", json!({"acmedomain0": "a.example"}), "fact");
}

/// Settings that are read at one path and written at another, and members of a pool, which are added one by one.
#[test]
fn ansible_reads_where_the_object_is() {
    let status = json!({"name": "rbd", "size": 3, "pg_autoscale_mode": "on", "pg_num": 32, "nodelete": 0});
    let list = json!([{"pool_name": "rbd", "type": "replicated"}]);
    let made = with(&[("ceph/pool", list), ("ceph/pool/rbd/status", status)]);
    let task = &made.files["ansible/roles/ceph/tasks/main.yml"];
    assert!(task.contains("    path: nodes/pve1/ceph/pool/rbd\n    read: nodes/pve1/ceph/pool/rbd/status\n"), "{task}");
    assert!(task.contains("size: 3\n") && !task.contains("pg_num") && !task.contains("nodelete"), "{task}");
    let member = &made.files["ansible/roles/pools/tasks/main.yml"];
    assert!(member.contains("read: \"pools?poolid=prod%2Fweb\"\n    member:\n      list: members\n"), "{member}");
}

/// Options that the provider drops are put into the value as it is, whatever Terraform makes of the rest of it.
#[test]
fn an_option_alone_is_kept_by_ansible() {
    let mut answers = asked(&fixture("pve-9.1"));
    let config = data(&mut answers, "nodes/pve2/qemu/103/config");
    config["scsi9"] = "local:103/vm-103-disk-9.raw,iothread=on,size=8G,wwn=0x5000000000000001".into();
    let made = generated(&answers);
    let keys = &made.coverage.objects[&Identity::new("qemu", 103)].keys;
    assert!(matches!(keys["scsi9.wwn"], Fate::Ansible(_)) && matches!(keys["scsi9.iothread"], Fate::NotExpressible(_)));
    let tasks = &made.files["ansible/roles/guests/tasks/main.yml"];
    let task = tasks.split("\n\n").find(|task| task.contains("# qemu/103\n")).unwrap();
    assert!(task.contains("    options:\n      scsi9:\n        wwn: \"0x5000000000000001\""), "{task}");
    assert!(!task.contains("vm-103-disk-9"), "{task}");
}
