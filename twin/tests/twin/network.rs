//! The network of a node: interfaces that are made, changed and removed, what waits, and what is refused.

use serde_json::{Value, json};

use crate::support::Client;
use crate::writes::{refusal, send, with_cluster};

const NETWORK: &str = "nodes/pve1/network";

fn row(client: &mut Client, iface: &str) -> Value {
    client.get(&format!("/api2/json/{NETWORK}/{iface}")).answer().body["data"].take()
}

/// Recorded in the provider's writes, step 19-network-b: the first write brings the file into Proxmox's order, the next
/// ones change what they are about. (On the recorded machine the line of the bridge of Open vSwitch was another one.)
#[test]
fn changes_wait_until_they_are_applied() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: Option<&str>| {
            let response = send(&mut client, method, path, form);
            assert_eq!(response.status, 200, "{method} {path} {form}: {}", response.body);
            let body = client.get(&format!("/api2/json/{NETWORK}")).answer().body;
            // Two lines with the names of the files and when they were written come before the hunks.
            let hunks = body["changes"].as_str().map(|text| text.splitn(3, '\n').nth(2).unwrap_or_default());
            assert_eq!(hunks, expected, "{method} {path} {form}");
        };
        let vlan = "nodes/pve1/network/eno1.77";
        let first = include_str!("network.diff");
        check("POST", NETWORK, "autostart=1&comments=vlan+77&iface=eno1.77&type=vlan", Some(first));
        check("PUT", NETWORK, "", None);
        check(
            "POST",
            NETWORK,
            "autostart=1&bridge_vlan_aware=1&cidr=10.78.0.1%2F24&comments=by+terraform&iface=vmbr77&type=bridge",
            Some(
                "@@ -64,6 +64,16 @@\n iface ovsbr0 inet manual\n \tovs_type OVSBridge\n \n+auto vmbr77\n\
                 +iface vmbr77 inet static\n+\taddress 10.78.0.1/24\n+\tbridge-ports none\n+\tbridge-stp off\n\
                 +\tbridge-fd 0\n+\tbridge-vlan-aware yes\n+\tbridge-vids 2-4094\n+#by terraform\n+\n auto vlan300\n \
                 iface vlan300 inet manual\n \tvlan-raw-device vmbr0\n",
            ),
        );
        check("DELETE", NETWORK, "", None);
        check(
            "PUT",
            vlan,
            "autostart=1&comments=vlan+seventy-seven&iface=eno1.77&type=vlan",
            Some(
                "@@ -24,7 +24,7 @@\n \n auto eno1.77\n iface eno1.77 inet manual\n-#vlan 77\n+#vlan seventy-seven\n \n \
                 auto bond0\n iface bond0 inet manual\n",
            ),
        );
        check("PUT", vlan, "autostart=1&comments=vlan+77&type=vlan", None);
    });
}

/// What is read back of an interface. The first is recorded (flow 391).
#[test]
fn interfaces_read_back_as_proxmox_reads_its_file() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, iface: &str, expected: Value| {
            let response = send(&mut client, method, path, form);
            assert_eq!(response.status, 200, "{method} {path} {form}: {}", response.body);
            assert_eq!(row(&mut client, iface), expected, "{method} {path} {form}");
        };
        check(
            "POST",
            NETWORK,
            "iface=vmbr9&type=bridge&autostart=1&cidr=10.9.0.1%2F24&comments=c%0A&bridge_ports=",
            "vmbr9",
            json!({
                "address": "10.9.0.1", "cidr": "10.9.0.1/24", "families": ["inet"], "method": "static",
                "bridge_stp": "off", "bridge_ports": "", "comments": "c\n", "method6": "manual", "bridge_fd": "0",
                "autostart": 1, "type": "bridge", "priority": 11, "netmask": "24",
            }),
        );
        // The address stays where a change does not give it, but its method does not.
        check(
            "PUT",
            "nodes/pve1/network/vmbr9",
            "type=bridge&bridge_vlan_aware=1&delete=comments",
            "vmbr9",
            json!({
                "address": "10.9.0.1", "cidr": "10.9.0.1/24", "families": ["inet"], "method": "manual",
                "bridge_stp": "off", "bridge_ports": "", "method6": "manual", "bridge_fd": "0", "autostart": 1,
                "type": "bridge", "priority": 11, "netmask": "24", "bridge_vlan_aware": 1, "bridge_vids": "2-4094",
            }),
        );
        check(
            "POST",
            NETWORK,
            "iface=up5&type=vlan&vlan-raw-device=eno1&vlan-id=5&address=10.5.0.1&netmask=255.255.0.0&mtu=1500",
            "up5",
            json!({
                "address": "10.5.0.1", "cidr": "10.5.0.1/16", "netmask": "16", "families": ["inet"], "method": "static",
                "method6": "manual", "type": "vlan", "vlan-id": "5", "vlan-raw-device": "eno1", "mtu": "1500",
                "priority": 13, "exists": null,
            }),
        );
        check(
            "POST",
            NETWORK,
            "iface=tap5&type=OVSIntPort&ovs_bridge=ovsbr0&ovs_tag=5&cidr6=fd00%3A%3A5%2F64",
            "tap5",
            json!({
                "address6": "fd00::5", "cidr6": "fd00::5/64", "netmask6": "64", "families": ["inet6"],
                "method": "manual", "method6": "static", "type": "OVSIntPort", "ovs_type": "OVSIntPort", "ovs_tag": "5",
                "ovs_bridge": "ovsbr0", "autostart": 1, "priority": 6,
            }),
        );
        let bridges = client.get("/api2/json/nodes/pve1/network?type=any_bridge").answer();
        let mut names: Vec<&str> = bridges.list().filter_map(|row| row.get("iface")?.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["lan0", "ovsbr0", "vmbr0", "vmbr1", "vmbr9", "vnet100"]);
    });
}

/// The first four, and the bond without cards, are recorded; the others are Proxmox's code.
#[test]
fn interfaces_that_do_not_fit_are_refused() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, status: u16, expected: Value| {
            let response = send(&mut client, method, path, form);
            assert_eq!(refusal(&response), (status, expected), "{method} {path} {form}");
        };
        let mut post = |form: &str, status: u16, expected: Value| check("POST", NETWORK, form, status, expected);
        post("iface=vmbr0&type=bridge", 400, json!({"iface": "interface already exists"}));
        let taken = json!({"gateway": "Default gateway already exists on interface 'vmbr0'."});
        post("iface=vmbr9&type=bridge&cidr=10.9.0.1%2F24&gateway=10.9.0.254", 400, taken);
        let used = json!({"slaves": "eno1 is already used on interface 'bond0'."});
        post("iface=bond1&type=bond&slaves=eno1&bond_mode=active-backup", 400, used);
        let slave = json!("bond 'bond7' - wrong interface type on slave 'eno3' ('' != 'eth or bond')\n");
        post("iface=bond7&type=bond&slaves=eno3&bond_mode=active-backup", 500, slave);
        post("iface=b1&type=bridge&bridge_ports=xx", 500, json!("bridge 'b1' - unable to find bridge port 'xx'\n"));
        let addressed = json!("iface bond0.200 - ip address can't be set on interface if bridged in b1\n");
        post("iface=b1&type=bridge&bridge_ports=bond0.200", 500, addressed);
        post("iface=xx.5&type=vlan", 500, json!("vlan 'xx.5' - unable to find parent 'xx'\n"));
        let mtu = json!("interface 'eno1' - mtu 1500 is lower than 'eno1.5' - mtu 9000\n");
        post("iface=eno1.5&type=vlan&mtu=9000", 500, mtu);
        let kind = "2001:db8::1 with type 'DOCUMENTATION', cannot be used as host IPv6 address.";
        post("iface=b1&type=bridge&cidr6=2001%3Adb8%3A%3A1%2F64", 400, json!({ "address": kind }));
        let conflict = json!({"address": "address conflicts with cidr"});
        post("iface=b1&type=bridge&cidr=10.0.0.1%2F8&address=10.0.0.2&netmask=255.0.0.0", 400, conflict);
        post("iface=i1&type=OVSIntPort", 400, json!({"ovs_bridge": "parameter is required"}));
        post(
            "iface=i1&type=OVSIntPort&ovs_bridge=vmbr0",
            400,
            json!({"ovs_bridge": "interface 'vmbr0' is no OVS bridge"}),
        );
        let missing = json!({"iface": "interface does not exist"});
        check("DELETE", "nodes/pve1/network/xx", "", 400, missing.clone());
        check("PUT", "nodes/pve1/network/xx", "type=bridge", 400, missing.clone());
        assert_eq!(refusal(&client.get("/api2/json/nodes/pve1/network/xx")), (400, missing));
    });
}
