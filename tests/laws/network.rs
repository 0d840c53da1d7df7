//! Odd values of the firewall and of the SDN, each compared with the real provider once.

use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use super::oracle::ignored;
use crate::support::clusters::{asked, data, fixture, generated};

/// Compares the outcome of an object after the answer to a request was replaced: `code`, the ignored attributes, or
/// the rule by which it is not code. After `+` come the keys that Ansible keeps although the object is code.
fn check(request: &str, answer: Value, identity: &str, expected: &str) {
    let mut answers = asked(&fixture("pve-9.1"));
    answers.insert(ApiPath::parse(request), Answer::ok(answer));
    let made = generated(&answers);
    let (prefix, id) = identity.split_once('/').unwrap();
    let object = &made.coverage.objects[&Identity::new(prefix, id)];
    assert!(!object.keys.values().any(|fate| *fate == Fate::NotCovered), "{identity}: {:?}", object.keys);
    let found = match &object.outcome {
        Outcome::Terraform { address } => {
            let ignored: Vec<String> = ignored(&made).remove(address).unwrap().into_iter().collect();
            let entrusted: Vec<&str> = object
                .keys
                .iter()
                .filter_map(|(key, fate)| matches!(fate, Fate::Ansible(_)).then_some(key.as_str()))
                .collect();
            let code = if ignored.is_empty() { "code".to_owned() } else { ignored.join(", ") };
            let words: Vec<String> = [code].into_iter().chain(entrusted.iter().map(|key| format!("+{key}"))).collect();
            words.join(" ")
        }
        Outcome::Ansible { reason, .. } => format!("Ansible {}", rule(reason)),
        Outcome::NotImportable { reason, .. } => format!("aside {}", rule(reason)),
        Outcome::BuiltIn => "built in".to_owned(),
        Outcome::Fact => "fact".to_owned(),
        Outcome::Excluded => "excluded".to_owned(),
    };
    assert_eq!(found, expected, "{identity}");
}

/// The rule that a reason cites.
fn rule(reason: &str) -> &str {
    reason.split_once("(provider rule ").map_or(reason, |(_, rule)| rule.trim_end_matches(')'))
}

#[test]
fn options_of_the_cluster() {
    let check = |options: Value, expected: &str| {
        check("cluster/firewall/options", options, "cluster-firewall/cluster", expected);
    };
    check(json!({"enable": 0, "digest": "x"}), "ebtables, forward_policy, input_policy, output_policy");
    let policies = |more: Value| {
        let mut options = json!({"policy_in": "DROP", "policy_out": "REJECT", "policy_forward": "ACCEPT"});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options
    };
    check(policies(json!({})), "ebtables");
    check(policies(json!({"ebtables": 0, "enable": 1})), "code");
    check(policies(json!({"enable": 2})), "ebtables, enabled +enable");
    check(policies(json!({"policy_forward": "REJECT"})), "ebtables, forward_policy +policy_forward");
    check(policies(json!({"log_ratelimit": "enable=0,burst=10,rate=3/hour"})), "ebtables");
    check(policies(json!({"log_ratelimit": "1,burst=10,rate=3/hour"})), "ebtables");
    for crash in ["enable=1", "", "1", "enable=1,burst=5", "enable=1,rate=1/second", "burst=5,rate=1/second"] {
        check(policies(json!({"log_ratelimit": crash})), "Ansible F7");
    }
}

#[test]
fn options_of_a_node() {
    let all = json!({
        "enable": 1, "ndp": 1, "nftables": 0, "nosmurfs": 1, "log_level_forward": "nolog", "log_level_in": "info",
        "log_level_out": "err", "smurf_log_level": "alert", "tcp_flags_log_level": "debug", "nf_conntrack_max": 32768,
        "nf_conntrack_tcp_timeout_established": 7875, "digest": "x",
    });
    let check = |edit: &dyn Fn(&mut Value), expected: &str| {
        let mut options = all.clone();
        edit(&mut options);
        check("nodes/pve2/firewall/options", options, "node-firewall/pve2", expected);
    };
    check(&|_| {}, "code");
    check(&|options| options["tcpflags"] = 1.into(), "code +tcpflags");
    check(&|options| options["tcpflags"] = 0.into(), "code");
    check(&|options| options["nf_conntrack_max"] = 1000.into(), "Ansible F8");
    check(&|options| options["log_level_in"] = "loud".into(), "Ansible F8");
    check(&|options| options["ndp"] = Value::Null, "Ansible F6");
    check(&|options| drop(options.as_object_mut().unwrap().remove("ndp")), "Ansible F6");
}

#[test]
fn options_of_a_guest() {
    let rest = "dhcp, input_policy, log_level_in, log_level_out, macfilter, ndp, output_policy, radv";
    let check = |options: Value, expected: &str| {
        check("nodes/pve2/qemu/103/firewall/options", options, "guest-firewall/qemu/103", expected);
    };
    check(json!({"enable": 1, "digest": "x"}), rest);
    check(json!({"enable": 0, "ipfilter": 1}), rest);
    check(
        json!({"log_level_in": "loud"}),
        "dhcp, enabled, input_policy, log_level_in, log_level_out, macfilter, ndp, \
          output_policy, radv +log_level_in",
    );
}

#[test]
fn what_has_no_option_is_no_object() {
    let made = generated(&asked(&fixture("pve-9.1")));
    let found = |identity: &str| made.coverage.objects.keys().any(|known| known.as_str() == identity);
    assert!(found("guest-firewall/qemu/100") && found("guest-firewall/lxc/200") && found("node-firewall/pve1"));
    for nothing in ["guest-firewall/qemu/101", "node-firewall/pve2", "vnet-firewall/lan0", "firewall-rules/qemu/101"] {
        assert!(!found(nothing), "{nothing}");
    }
}

#[test]
fn rules_that_the_provider_refuses_stop_no_plan() {
    let check = |rules: Value, expected: &str| {
        check("nodes/pve2/qemu/103/firewall/rules", rules, "firewall-rules/qemu/103", expected);
    };
    let rule = |more: Value| {
        let mut rule = json!({"pos": 0, "type": "in", "action": "ACCEPT", "enable": 1, "digest": "x"});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([rule])
    };
    check(rule(json!({"errors": {"source": "no such alias"}, "source": "nope", "ipversion": 4})), "code");
    check(rule(json!({"proto": "icmp", "icmp-type": "any"})), "code +rule0.icmp-type");
    check(rule(json!({"action": "Accept"})), "Ansible F8");
    check(rule(json!({"type": "both"})), "Ansible F8");
    check(rule(json!({"dport": 22})), "Ansible F8");
    let group = |more: Value| {
        let mut rule = rule(json!({"type": "group", "action": "webserver"}));
        rule[0].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    check(group(json!({"iface": "net0", "comment": "${x}"})), "code");
    check(group(json!({"action": "nosuch"})), "code");
    check(group(json!({"log": "info", "source": "10.0.0.1"})), "code +rule0.log +rule0.source");
}

#[test]
fn sets_that_are_code_are_referred_to() {
    let written = |source: &str| {
        let mut answers = asked(&fixture("pve-9.1"));
        let rules = data(&mut answers, "nodes/pve1/qemu/100/firewall/rules");
        *rules = json!([{"pos": 0, "type": "in", "action": "DROP", "source": source, "digest": "x"}]);
        let files = generated(&answers).files;
        let line = files["terraform/firewall_rules.tf"].lines().rfind(|line| line.contains("    source ")).unwrap();
        line.replace("proxmox_virtual_environment_firewall_ipset", "SET").trim().to_owned()
    };
    let check = |source: &str, expected: &str| assert_eq!(written(source), format!("source  = \"{expected}\""));
    check("+dc/mgmt", "+dc/${SET.mgmt.name}");
    check("+guest/clients", "+guest/${SET.web_frontend_clients.name}");
    check("10.0.0.1,+dc/mgmt,+dc/nosuch", "10.0.0.1,+dc/${SET.mgmt.name},+dc/nosuch");
    check("+mgmt", "+mgmt");
    check("dc/lan", "dc/lan");
    check("+dc/${x}", "+dc/$${x}");
}

/// A zone as the list with `pending=1` shows it.
fn zone(mut row: Value, expected: &str) {
    let mut answers = asked(&fixture("pve-9.1"));
    let list = data(&mut answers, "cluster/sdn/zones?pending=1").as_array_mut().unwrap();
    row["digest"] = Value::Null;
    if row["zone"].is_null() {
        row["zone"] = "odd".into();
    }
    let identity = format!("sdn-zone/{}", row["zone"].as_str().unwrap());
    list.push(row);
    check("cluster/sdn/zones?pending=1", Value::Array(list.clone()), &identity, expected);
}

#[test]
fn zones_by_their_type() {
    zone(json!({"type": "simple"}), "code");
    zone(json!({"type": "simple", "mtu": "1450"}), "Ansible the provider cannot read `mtu`: it is not a whole number");
    zone(json!({"type": "simple", "dhcp": "kea"}), "Ansible D12");
    zone(json!({"type": "simple", "bridge": "vmbr0"}), "code +bridge");
    zone(
        json!({"type": "vlan", "bridge": "vmbr0", "bridge-disable-mac-learning": 1}),
        "code +bridge-disable-mac-learning",
    );
    zone(json!({"type": "qinq", "bridge": "vmbr0", "tag": 5}), "Ansible D4");
    zone(json!({"type": "qinq", "bridge": "vmbr0", "tag": 5, "vlan-protocol": "802.1q"}), "code");
    zone(json!({"type": "qinq", "bridge": "vmbr0", "tag": 0, "vlan-protocol": "802.1q"}), "Ansible D12");
    zone(json!({"type": "vxlan", "peers": "10.0.0.2, 10.0.0.1", "vxlan-port": 4790}), "code +vxlan-port");
    zone(json!({"type": "vxlan", "peers": "10.0.0.1", "vxlan-port": 4789}), "code");
    zone(json!({"type": "vxlan", "peers": "10.0.0.1,,10.0.0.2"}), "Ansible D12");
    zone(json!({"type": "vxlan", "fabric": "f1"}), "Ansible D12");
    zone(json!({"type": "faucet", "bridge": "vmbr0", "dp-id": 1}), "Ansible D13");
    zone(json!({"type": "novel"}), "Ansible D13");
    zone(json!({"type": "simple", "zone": "muchtoolong"}), "aside D10");
    let evpn = json!({"type": "evpn", "controller": "evpnctl", "vrf-vxlan": 7, "advertise-subnets": 0,
                      "disable-arp-nd-suppression": 0, "exitnodes-local-routing": 1, "rt-import": "65000:1"});
    zone(evpn.clone(), "code");
    let mut two = evpn.clone();
    two["rt-import"] = "65000:1,65000:2".into();
    zone(two, "Ansible D12");
    let mut none = evpn;
    none.as_object_mut().unwrap().remove("advertise-subnets");
    zone(none, "Ansible D5");
}

#[test]
fn zones_by_what_waits() {
    let changing = |pending: Value| json!({"type": "vlan", "bridge": "vmbr0", "mtu": 1500, "state": "changed", "pending": pending});
    zone(changing(json!({"mtu": 1450, "nodes": "pve1"})), "code");
    zone(changing(json!({"mtu": "deleted"})), "Ansible D2");
    zone(changing(json!({"nodes": "deleted", "dns": "deleted"})), "code");
    zone(changing(json!({"nodes": ""})), "Ansible D2");
    let state = "changed";
    let qinq = json!({"type": "qinq", "bridge": "vmbr0", "tag": 5, "vlan-protocol": "802.1q", "state": state});
    let waits = |mut zone: Value, pending: Value| {
        zone["pending"] = pending;
        zone
    };
    zone(waits(qinq.clone(), json!({"mtu": 1450})), "Ansible D2");
    zone(waits(qinq, json!({"tag": 6, "vlan-protocol": "802.1ad"})), "code");
    let vxlan = json!({"type": "vxlan", "peers": "10.0.0.1", "state": state});
    zone(waits(vxlan.clone(), json!({"mtu": 1450})), "Ansible D2");
    zone(waits(vxlan, json!({"peers": "10.0.0.2"})), "code");
    zone(json!({"type": "simple", "dhcp": "dnsmasq", "state": state, "pending": {"dhcp": "deleted"}}), "Ansible D2");
    zone(json!({"type": "simple", "state": "deleted", "pending": {}}), "aside D3");
}

#[test]
fn networks_and_their_subnets() {
    let vnet = |row: Value, expected: &str| check("cluster/sdn/vnets", json!([row]), "sdn-vnet/odd", expected);
    vnet(json!({"vnet": "odd", "type": "vnet", "zone": "lan", "vlanaware": 0, "alias": "a (b) c-d_e.f"}), "code");
    vnet(json!({"vnet": "odd", "type": "vnet", "zone": "lan", "alias": "Büro"}), "alias +alias");
    vnet(json!({"vnet": "odd", "type": "vnet", "zone": "nowhere", "tag": 7}), "code");
    let subnet = |subnet: &str, more: Value, expected: &str| {
        let mut row = json!({"subnet": subnet, "vnet": "lan0", "type": "subnet", "cidr": "10.9.0.0/24", "zone": "lan", "dhcp-range": []});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        check("cluster/sdn/vnets/lan0/subnets", json!([row]), &format!("sdn-subnet/lan0/{subnet}"), expected);
    };
    let four = "lan-10.9.0.0-24";
    let range = |start: &str, end: &str| json!({"start-address": start, "end-address": end});
    subnet(four, json!({}), "code");
    subnet(four, json!({"gateway": "10.9.0.1", "snat": 0, "dnszoneprefix": "a"}), "code");
    subnet(
        four,
        json!({"gateway": "10.8.0.1", "dhcp-dns-server": "1.1.1.1"}),
        "dhcp_dns_server, gateway +dhcp-dns-server +gateway",
    );
    subnet(four, json!({"dhcp-range": [range("10.9.0.5", "10.9.0.9")]}), "code");
    subnet(
        four,
        json!({"dhcp-range": [range("10.9.0.5", "10.9.0.9"), range("10.9.0.15", "10.9.0.19")]}),
        "code +dhcp-range",
    );
    subnet(four, json!({"dhcp-range": [range("10.9.0.9", "10.9.0.5")]}), "dhcp_range +dhcp-range");
    subnet(four, json!({"dhcp-range": ["start-address=10.9.0.5,end-address=10.9.0.9"]}), "Ansible D8");
    subnet("lan-2001:db8:1::-64", json!({"gateway": "2001:db8:1::1"}), "code");
    subnet("lan", json!({}), "Ansible D7");
}

#[test]
fn controllers_and_fabrics() {
    let controller = |row: Value, expected: &str| {
        let identity = format!("sdn-controller/{}", row["controller"].as_str().unwrap());
        check("cluster/sdn/controllers?pending=1", json!([row]), &identity, expected);
    };
    controller(
        json!({"controller": "odd", "type": "evpn", "asn": 1, "fabric": "f1", "loopback": "lo0"}),
        "code +loopback",
    );
    controller(json!({"controller": "odd", "type": "evpn", "asn": 1}), "Ansible D12");
    controller(json!({"controller": "odd", "type": "evpn", "peers": "10.0.0.1"}), "Ansible D12");
    controller(json!({"controller": "my-ctl", "type": "evpn", "asn": 1, "peers": "10.0.0.1"}), "Ansible D10");
    controller(json!({"controller": "odd", "type": "isis", "isis-net": "x"}), "Ansible D13");
    controller(json!({"controller": "odd", "type": "evpn", "asn": 1, "peers": "a", "state": "deleted"}), "aside D3");
    let fabric = |row: Value, expected: &str| {
        let identity = format!("sdn-fabric/{}", row["id"].as_str().unwrap());
        check("cluster/sdn/fabrics/fabric", json!([row]), &identity, expected);
    };
    fabric(json!({"id": "f1", "protocol": "openfabric", "ip6_prefix": "fd00::/64", "hello_interval": 3}), "code");
    fabric(json!({"id": "f1", "protocol": "openfabric"}), "Ansible D11");
    fabric(
        json!({"id": "f1", "protocol": "ospf", "area": "0", "ip_prefix": "10.0.0.0/8", "ip6_prefix": "fd00::/64"}),
        "code +ip6_prefix",
    );
    fabric(json!({"id": "1f", "protocol": "ospf", "area": "0", "ip_prefix": "10.0.0.0/8"}), "Ansible D10");
    fabric(json!({"id": "f1", "protocol": "novel"}), "Ansible D11");
    let node = |row: Value, expected: &str| {
        let mut node = json!({"fabric_id": "f1", "node_id": "pve1", "protocol": "openfabric"});
        node.as_object_mut().unwrap().extend(row.as_object().unwrap().clone());
        check("cluster/sdn/fabrics/node", json!([node]), "sdn-fabric-node/f1/pve1", expected);
    };
    node(json!({"ip": "10.0.0.1", "interfaces": ["name=eno1"]}), "code");
    node(json!({"ip6": "fd00::1"}), "code");
    node(json!({"ip": "10.0.0.1", "interfaces": ["name=eno1,ip=10.1.1.1/31"]}), "code +interfaces");
    node(json!({"ip": "10.0.0.1", "interfaces": ["eno1"]}), "Ansible D11");
    node(json!({"ip6": "fd00::1", "protocol": "ospf"}), "Ansible D11");
}

#[test]
fn address_managers_that_came_with_proxmox() {
    let ipam = |row: Value, expected: &str| {
        let identity = format!("sdn-ipam/{}", row["ipam"].as_str().unwrap());
        check("cluster/sdn/ipams", json!([row]), &identity, expected);
    };
    ipam(json!({"ipam": "pve", "type": "pve", "digest": "x"}), "built in");
    ipam(json!({"ipam": "other", "type": "pve"}), "Ansible D14");
    ipam(json!({"ipam": "nb", "type": "netbox", "token": "x", "url": "http://nb"}), "Ansible D14");
}
