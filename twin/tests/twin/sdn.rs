//! The virtual networks: what is made waits, what is applied runs, and what does not fit is refused.

use serde_json::{Value, json};

use crate::support::Client;
use crate::writes::{refusal, send, with_cluster};

const SDN: &str = "cluster/sdn";

fn data(client: &mut Client, path: &str) -> Value {
    client.get(&format!("/api2/json/{SDN}/{path}")).answer().body["data"].take()
}

/// Recorded: flows 381 to 384. The digests are Proxmox's own.
#[test]
fn fabrics_and_their_nodes_are_created_changed_and_removed() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, read: &str, expected: Value| {
            let response = send(&mut client, method, &format!("{SDN}/fabrics/{path}"), form);
            assert_eq!(
                (response.status, &response.answer().body),
                (200, &json!({"data": ""})),
                "{method} {path} {form}"
            );
            assert_eq!(data(&mut client, &format!("fabrics/{read}")), expected, "{method} {path} {form}");
        };
        let digest = "e412ba32a70536df8219c52b65cc3c32246f69d935fdacc7333970df8b4e6d03";
        let f1 = json!({"digest": digest, "id": "f1", "ip_prefix": "10.88.0.0/24", "protocol": "openfabric"});
        check("POST", "fabric", "id=f1&protocol=openfabric&ip_prefix=10.88.0.7%2F24", "fabric/f1", f1);
        let digest = "bc5c0dc18066a501773944452216a5fc944c25922c5019f9a962375f1c097f4c";
        let node = json!({
            "digest": digest, "fabric_id": "f1", "interfaces": ["name=eno1"], "ip": "10.88.0.1", "node_id": "pve1",
            "protocol": "openfabric",
        });
        let form = "node_id=pve1&protocol=openfabric&ip=10.88.0.1&interfaces=name%3Deno1";
        check("POST", "node/f1", form, "node/f1/pve1", node);
        let waits = json!([{
            "digest": digest, "state": "new",
            "pending": {"id": "f1", "ip_prefix": "10.88.0.0/24", "protocol": "openfabric"},
        }]);
        assert_eq!(data(&mut client, "fabrics/fabric?pending=1"), waits);
        assert_eq!(send(&mut client, "PUT", SDN, "").status, 200);
        let mut applied = data(&mut client, "fabrics/fabric?pending=1");
        assert_eq!(applied[0]["state"].take(), Value::Null, "{applied}");
        let mut check = |method: &str, path: &str, form: &str| {
            assert_eq!(
                send(&mut client, method, &format!("{SDN}/fabrics/{path}"), form).status,
                200,
                "{method} {path}"
            );
        };
        check("PUT", "fabric/f1", "protocol=openfabric&hello_interval=5");
        check("DELETE", "node/f1/pve1", "");
        check("DELETE", "fabric/f1", "");
        assert_eq!(data(&mut client, "fabrics/all"), json!({"fabrics": [], "nodes": []}));
    });
}

/// What `proxmox-ve-config` says of fabrics that cannot be.
#[test]
fn fabrics_that_do_not_fit_are_refused() {
    with_cluster(|mut client| {
        let mut check = |path: &str, form: &str, expected: &str| {
            let response = send(&mut client, "POST", &format!("{SDN}/fabrics/{path}"), form);
            if expected.is_empty() {
                assert_eq!(response.status, 200, "{form}: {}", response.body);
            } else {
                assert_eq!(refusal(&response), (500, json!(format!("adding {expected}\n"))), "{form}");
            }
        };
        let of = "id=f1&protocol=openfabric";
        check("fabric", of, "fabric failed: fabric 'f1' does not have an IP prefix configured");
        check("fabric", &format!("{of}&ip_prefix=10.88.0.0%2F24"), "");
        check("fabric", of, "fabric failed: fabric 'f1' already exists in config");
        let overlaps = "IP prefix 10.88.0.0/16 in fabric 'f2' overlaps with IPv4 prefix 10.88.0.0/24 in fabric 'f1'";
        check("fabric", "id=f2&protocol=openfabric&ip_prefix=10.88.0.0%2F16", &format!("fabric failed: {overlaps}"));
        let node = "protocol=openfabric&interfaces=name%3Deno1&node_id";
        let outside = "node failed: node IP 10.89.0.1 is outside the IP prefix 10.88.0.0/24 of the fabric";
        check("node/f1", &format!("{node}=pve1&ip=10.89.0.1"), outside);
        check("node/f1", &format!("{node}=pve1&ip=10.88.0.1"), "");
        check(
            "node/f1",
            &format!("{node}=pve2&ip=10.88.0.1"),
            "node failed: fabric f1 contains nodes with duplicated IPs",
        );
        let other = "protocol=ospf&interfaces=name%3Deno2&node_id=pve2&ip=10.88.0.2";
        check("node/f1", other, "node failed: node has a different protocol than the referenced fabric");
        check("node/nope", other, "node failed: fabric 'nope' does not exist in configuration");
    });
}

/// The first two are recorded with the provider; the others are Proxmox's code.
#[test]
fn objects_of_sdn_that_do_not_fit_are_refused() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: &str| {
            let response = send(&mut client, method, &format!("{SDN}/{path}"), form);
            assert_eq!(refusal(&response), (500, json!(format!("{expected}\n"))), "{method} {path} {form}");
        };
        let perl = "at /usr/share/perl5/PVE";
        let zone = "create sdn zone object failed";
        let vnet = "create sdn vnet object failed: 400 Parameter verification failed.\ntag";
        check(
            "POST",
            "controllers",
            "asn=65077&controller=pwctl&peers=10.0.0.1&type=evpn",
            &format!(
                "create sdn controller object failed: only 1 global evpn controller can be defined \
                 {perl}/Network/SDN/Controllers/EvpnPlugin.pm line 491."
            ),
        );
        check(
            "POST",
            "vnets",
            "vnet=pwno&zone=nozone",
            &format!(
                "create sdn vnet object failed: cannot lookup undefined type! {perl}/API2/Network/SDN/Vnets.pm line 326."
            ),
        );
        check(
            "POST",
            "zones",
            "type=evpn&zone=e2&controller=nope&vrf-vxlan=5",
            &format!("{zone}: controller nope don't exist {perl}/Network/SDN/Zones/EvpnPlugin.pm line 354."),
        );
        let ipam = format!("{zone}: 400 Parameter verification failed.\nipam: nope not existing");
        check("POST", "zones", "type=simple&zone=s2&ipam=nope", &ipam);
        check("POST", "vnets", "vnet=v9&zone=lan&tag=5", &format!("{vnet}: vlan tag is not allowed on simple zone"));
        check("POST", "vnets", "vnet=v9&zone=z1", &format!("{vnet}: missing vlan tag"));
        let taken = "vxlan tag 11000 already exist in vnet evnet1 in zone ev ";
        check("POST", "vnets", "vnet=v9&zone=vx&tag=11000", &format!("{vnet}: {taken}"));
        check(
            "DELETE",
            "controllers/evpnctl",
            "",
            &format!(
                "delete sdn controller object failed: controller evpnctl is used by ev \
                 {perl}/Network/SDN/Controllers/EvpnPlugin.pm line 476."
            ),
        );
    });
}

/// A zone of EVPN gets an address, as recorded in the provider's step 18-sdn-evpn; the gateway of a subnet is one of the
/// addresses that are given away, once it runs; and what runs can be configured again.
#[test]
fn applied_networks_run() {
    with_cluster(|mut client| {
        let done = |client: &mut Client, method: &str, path: &str, form: &str| {
            let response = send(client, method, path, form);
            assert_eq!(response.status, 200, "{method} {path} {form}: {}", response.body);
        };
        done(&mut client, "POST", "cluster/sdn/zones", "type=evpn&zone=e2&controller=evpnctl&vrf-vxlan=20077");
        let mac = data(&mut client, "zones/e2?pending=1")["pending"]["mac"].take();
        assert!(mac.as_str().is_some_and(|mac| mac.starts_with("BC:24:11:") && mac.len() == 17), "{mac}");
        done(&mut client, "POST", "cluster/sdn/zones", "type=simple&zone=dz&ipam=pve&dhcp=dnsmasq");
        done(&mut client, "POST", "cluster/sdn/vnets", "vnet=dn&zone=dz");
        let subnet = "subnet=10.77.0.0%2F24&type=subnet&gateway=10.77.0.1";
        done(&mut client, "POST", "cluster/sdn/vnets/dn/subnets", subnet);
        let addresses = |client: &mut Client| {
            let shown = data(client, "ipams/pve/status");
            let rows: Vec<Value> =
                shown.as_array().into_iter().flatten().filter(|row| row["zone"] == "dz").cloned().collect();
            json!(rows)
        };
        assert_eq!(addresses(&mut client), json!([]));
        done(&mut client, "PUT", "cluster/sdn", "");
        let gateway = json!({"gateway": 1, "ip": "10.77.0.1", "subnet": "10.77.0.0/24", "vnet": "dn", "zone": "dz"});
        assert_eq!(addresses(&mut client), json!([gateway]));
        let lease = "zone=dz&mac=BC%3A24%3A11%3A00%3A00%3A05&ip=10.77.0.9";
        done(&mut client, "POST", "cluster/sdn/vnets/dn/ips", lease);
        let refused = send(&mut client, "DELETE", "cluster/sdn/vnets/dn/subnets/dz-10.77.0.0-24", "");
        let text = "delete sdn subnet object failed: cannot delete subnet '10.77.0.0/24', not empty\n";
        assert_eq!(refusal(&refused), (500, json!(text)));
        done(&mut client, "DELETE", &format!("cluster/sdn/vnets/dn/ips?{lease}"), "");
        let here = client.get("/api2/json/nodes/pve3/sdn/zones").answer().body["data"].take();
        assert!(here.as_array().is_some_and(|rows| rows.iter().any(|row| row["zone"] == "dz")), "{here}");
        done(&mut client, "DELETE", "cluster/sdn/vnets/dn/subnets/dz-10.77.0.0-24", "");
        done(&mut client, "DELETE", "cluster/sdn/vnets/dn", "");
        done(&mut client, "POST", "cluster/sdn/rollback", "");
        assert_eq!(data(&mut client, "vnets/dn")["zone"], "dz");
    });
}

#[test]
fn only_the_holder_of_the_lock_writes() {
    with_cluster(|mut client| {
        let waits = "could not acquire lock for SDN config: configuration has pending changes at \
                     /usr/share/perl5/PVE/API2/Network/SDN.pm line 149.\n";
        assert_eq!(refusal(&send(&mut client, "POST", "cluster/sdn/lock", "")), (500, json!(waits)));
        let token = send(&mut client, "POST", "cluster/sdn/lock", "allow-pending=1").answer().body["data"].take();
        let refused = "create sdn zone object failed: invalid lock token provided! at \
                       /usr/share/perl5/PVE/Network/SDN.pm line 291.\n";
        let zone = "type=simple&zone=s2";
        assert_eq!(refusal(&send(&mut client, "POST", "cluster/sdn/zones", zone)), (500, json!(refused)));
        let token = token.as_str().unwrap();
        let with_token = format!("{zone}&lock-token={token}");
        assert_eq!(send(&mut client, "POST", "cluster/sdn/zones", &with_token).status, 200);
        assert_eq!(send(&mut client, "PUT", "cluster/sdn", &format!("lock-token={token}")).status, 200);
        assert_eq!(send(&mut client, "DELETE", "cluster/sdn/zones/s2", "").status, 200);
    });
}
