//! Recorded refusals of parameters.

use serde_json::{Map, Value, json};

use super::{Release, Verb, check, schema};

/// The complaints about the parameters of `PUT nodes/pve3/qemu/105/config`.
fn complaints(verb: Verb, path: &str, given: &Value) -> Value {
    let segments: Vec<&str> = path.split('/').collect();
    let method = schema().find(verb, &segments).unwrap();
    let mut parameters: Map<String, Value> =
        method.captured.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    parameters.extend(given.as_object().unwrap().clone());
    json!(check(&method, &mut parameters).err().unwrap_or_default())
}

#[test]
fn complaints_are_proxmoxs() {
    let check = |given: Value, expected: Value| {
        assert_eq!(complaints(Verb::Put, "nodes/pve3/qemu/105/config", &given), expected, "{given}");
    };
    let not_defined = super::NOT_DEFINED;
    check(json!({"cores": "x"}), json!({"cores": "type check ('integer') failed - got 'x'"}));
    check(json!({"cores": "0"}), json!({"cores": "value must have a minimum value of 1"}));
    check(json!({"cores": ["2", "3"]}), json!({"cores": "type check ('integer') failed - got ARRAY"}));
    check(json!({"onboot": "yes"}), json!({"onboot": "type check ('boolean') failed - got 'yes'"}));
    check(json!({"onboot": true, "cores": 2.0}), json!({}));
    check(json!({"net2": {"model": "virtio"}}), json!({"net2": "type check ('string') failed - got HASH"}));
    check(json!({"net32": "virtio"}), json!({"net32": not_defined}));
    check(json!({"delete": ["cores", "onboot"]}), json!({}));
    check(json!({"description": null}), json!({}));
    check(json!({"force": "1"}), json!({"delete": "missing property required by 'force'"}));
    check(
        json!({"boot": "foo"}),
        json!({"boot": "invalid format - format error\nboot.legacy: value does not match the regex pattern\n"}),
    );
    check(
        json!({"agent": "foo=1"}),
        json!({"agent": format!("invalid format - format error\nagent.enabled: property is missing and it is not optional\nagent.foo: {not_defined}\n")}),
    );
    check(
        json!({"ipconfig0": "gw=10.0.0.1"}),
        json!({"ipconfig0": "invalid format - format error\nipconfig0.ip: missing property required by 'ipconfig0.gw'\n"}),
    );
    check(
        json!({"scsi0": "local-lvm"}),
        json!({"scsi0": "invalid format - format error\nscsi0.file: invalid format - unable to parse volume ID 'local-lvm'\n\n"}),
    );
    check(
        json!({"numa0": "foo"}),
        json!({"numa0": "invalid format - value without key, but schema does not define a default key\n"}),
    );
    check(
        json!({"memory": "8"}),
        json!({"memory": "invalid format - format error\nmemory.current: value must have a minimum value of 16\n"}),
    );
    check(json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5"}), json!({}));
    check(json!({"tags": "bad tag!"}), json!({"tags": "invalid format - invalid characters in tag\n"}));
    // A parameter that depends on another value may be left out where that value does not need it.
    let fabric = json!({"protocol": "openfabric", "hello_interval": "5"});
    assert_eq!(complaints(Verb::Put, "cluster/sdn/fabrics/fabric/f1", &fabric), json!({}));
    check(json!({"serial0": "foo"}), json!({"serial0": "value does not match the regex pattern"}));
}

#[test]
fn other_methods_complain_alike() {
    let check = |verb: Verb, path: &str, given: Value, expected: Value| {
        assert_eq!(complaints(verb, path, &given), expected, "{path} {given}");
    };
    check(
        Verb::Post,
        "cluster/mapping/pci",
        json!({"id": "g2", "map": "foo"}),
        json!({"map[0]": "invalid format - value without key, but schema does not define a default key\n"}),
    );
    check(
        Verb::Post,
        "cluster/sdn/zones",
        json!({"zone": "toolongname", "type": "simple"}),
        json!({"zone": "value may only be 8 characters long"}),
    );
    check(
        Verb::Post,
        "access/roles",
        json!({"roleid": "R1", "privs": "Foo.Bar"}),
        json!({"privs": "invalid format - invalid privilege 'Foo.Bar'\n"}),
    );
    check(
        Verb::Post,
        "cluster/backup",
        json!({"schedule": "foo", "storage": "local", "all": "1"}),
        json!({"schedule": "invalid format - invalid calendar event 'foo' - unable to parse calendar event at 'foo' - Context(\"weekday\")\n\n"}),
    );
}

/// Complaints of Proxmox's own checks of these formats (`pve-common`, `pve-firewall`, `pve-storage`, `pve-network`,
/// `pve-ha-manager`, `pve-container`).
#[test]
fn formats_have_their_complaints() {
    let check = |path: &str, given: Value, name: &str, expected: &str| {
        let complaint = complaints(Verb::Post, path, &given);
        let complaint = complaint.get(name).and_then(Value::as_str).unwrap_or_default();
        let expected = if expected.is_empty() { String::new() } else { format!("invalid format - {expected}\n") };
        assert_eq!(complaint, expected, "{given}");
    };
    let rule = |key: &str, value: &str| {
        let mut given = json!({"type": "in", "action": "ACCEPT"});
        given[key] = json!(value);
        given
    };
    let rules = "cluster/firewall/rules";
    check(rules, rule("source", "10.0.0.0/24"), "source", "");
    check(rules, rule("source", "foo.bar"), "source", "invalid IP address: Invalid chars in IP foo.bar");
    check(rules, rule("dport", "99999"), "dport", "invalid port '99999'");
    check(rules, rule("proto", "tpc"), "proto", "unknown protocol 'tpc'");
    check(rules, rule("icmp-type", "ping"), "icmp-type", "invalid icmp-type value 'ping'");
    let alias = |cidr: &str| json!({"name": "home", "cidr": cidr});
    let complaint = "value does not look like a valid IP address or CIDR network";
    check("cluster/firewall/aliases", alias("10.0.0.x"), "cidr", complaint);
    check("cluster/firewall/ipset/blocked", alias("dc/home"), "cidr", "");
    let storage = |content: &str| json!({"type": "dir", "storage": "s1", "path": "/x", "content": content});
    check("storage", storage("iso,backup"), "content", "");
    check("storage", storage("iso,films"), "content", "invalid content type 'films'");
    let short = json!({"type": "dir", "storage": "s", "path": "/x"});
    check("storage", short, "storage", "storage ID 's' cannot be shorter than 2 characters");
    let server = json!({"type": "nfs", "storage": "s1", "server": "a b", "export": "/x"});
    check("storage", server, "server", "value does not look like a valid server name or IP address");
    check("cluster/ha/resources", json!({"sid": "VM:1"}), "sid", "value does not look like a valid ha resource id");
    let node = json!({"rule": "r1", "type": "node-affinity", "resources": "vm:100", "nodes": "pve1:x"});
    check("cluster/ha/rules", node, "nodes", "value does not look like a valid ha node");
    let migration = |pair: &str| json!({"target": "pve2", "targetstorage": pair});
    check("nodes/pve1/qemu/100/migrate", migration("local:local-lvm"), "targetstorage", "");
    check("nodes/pve1/qemu/100/migrate", migration("1"), "targetstorage", "");
}

#[test]
fn a_word_goes_before_a_placeholder() {
    let check = |verb: Verb, path: &str, expected: Option<&str>| {
        let method = schema().find(verb, &path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>());
        assert_eq!(method.as_ref().map(|method| method.method.path.as_str()), expected, "{verb} {path}");
    };
    check(Verb::Get, "/version", Some("/version"));
    check(Verb::Post, "/version", None);
    check(Verb::Get, "/nodes/pve1/qemu/100/config", Some("/nodes/{node}/qemu/{vmid}/config"));
    check(Verb::Get, "/pools/prod", Some("/pools/{poolid}"));
    check(Verb::Get, "/pools/prod/web", None);
    check(Verb::Get, "/cluster/ha/status/current", Some("/cluster/ha/status/current"));
    check(Verb::Get, "/", Some("/"));
}

#[test]
fn every_parameter_is_known() {
    for method in schema().methods() {
        for name in method.names() {
            let family = name.strip_suffix("[n]").map(|stem| format!("{stem}0"));
            let name = family.as_deref().unwrap_or(name);
            assert!(schema().parameter(method, name).is_some(), "{} {} {name}", method.verb, method.path);
        }
    }
}

/// Each release accepts its own methods and parameters, and no others.
#[test]
fn each_release_has_its_methods_and_parameters() {
    let check = |version: &str, verb: Verb, path: &str, given: Option<Value>, expected: Option<Value>| {
        let segments: Vec<&str> = path.split('/').collect();
        let method = Release::of(version).schema().find(verb, &segments);
        let complaints = method.map(|method| {
            let mut parameters = given.clone().and_then(|given| given.as_object().cloned()).unwrap_or_default();
            parameters.extend(method.captured.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
            json!(check(&method, &mut parameters).err().unwrap_or_default())
        });
        assert_eq!(complaints, expected, "{version}: {path} {given:?}");
    };
    let model = "cluster/qemu/custom-cpu-models";
    check("9.1.9", Verb::Get, model, None, None);
    check("8.4.1", Verb::Get, model, None, None);
    check("9.2.11", Verb::Get, model, None, Some(json!({})));
    check("9.3", Verb::Get, model, None, Some(json!({})));
    check("10.0~1", Verb::Get, model, None, Some(json!({})));
    check("", Verb::Get, model, None, None);
    let given = json!({"cputype": "fast", "reported-model": "EPYC", "phys-bits": "host"});
    check("9.2.11", Verb::Post, model, Some(given), Some(json!({})));
    let card = json!({"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,host-tunnel=1"});
    let refused = format!("invalid format - format error\nnet0.host-tunnel: {}\n", super::NOT_DEFINED);
    let configuration = "nodes/pve1/qemu/100/config";
    check("9.1.9", Verb::Put, configuration, Some(card.clone()), Some(json!({"net0": refused})));
    check("9.2.1", Verb::Put, configuration, Some(card), Some(json!({})));
    let place = json!({"location": "name=Haus,latitude=52.5,longitude=13.4"});
    check("9.1.9", Verb::Put, "cluster/options", Some(place.clone()), Some(json!({"location": super::NOT_DEFINED})));
    check("9.2.1", Verb::Put, "cluster/options", Some(place), Some(json!({})));
}
