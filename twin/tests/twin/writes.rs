//! Writes over HTTP: what is asked for, what is refused and in which words, and what can be read after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answer, Answers as _, ApiPath};
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::support::{Client, Response, TOKEN, fixture, with_twin};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");

pub(crate) fn with_cluster(test: impl FnOnce(Client) + Send) {
    with_recording("pve-9.1", test);
}

/// A twin of one of the recorded clusters.
pub(crate) fn with_recording(cluster: &str, test: impl FnOnce(Client) + Send) {
    let credentials = Credentials::read(&fixture(&format!("{cluster}.credentials.json"))).unwrap();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    let recording = Arc::new(Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap());
    with_twin(recording, options, |_, client| test(client));
}

/// `POST cluster/mapping/dir id=d1&…`, its body as a form.
pub(crate) fn send(client: &mut Client, method: &str, path: &str, form: &str) -> Response {
    client.send(method, &format!("/api2/json/{path}"), &[TOKEN, FORM], form)
}

/// What a refusal says: its status, and its errors or its message.
pub(crate) fn refusal(response: &Response) -> (u16, Value) {
    let body = response.answer().body;
    (response.status, if body["errors"].is_null() { body["message"].clone() } else { body["errors"].clone() })
}

/// One object of a collection from its creation to its end: what a list and a single answer show of it.
#[test]
fn objects_of_a_collection_come_change_and_go() {
    with_cluster(|mut client| {
        let check = |client: &mut Client, method: &str, path: &str, form: &str, read: &str, expected: Value| {
            let response = send(client, method, path, form);
            assert_eq!((response.status, &response.answer().body), (200, &json!({"data": null})), "{method} {path}");
            let mut answer = client.get(&format!("/api2/json/{read}")).answer();
            let data = answer.body["data"].take();
            let rows = data.as_array().cloned().unwrap_or_else(|| vec![data]);
            let without_digest = |mut row: Value| {
                row.as_object_mut().map(|row| row.remove("digest"));
                row
            };
            let rows: Vec<Value> = rows.into_iter().map(without_digest).collect();
            assert!(rows.contains(&expected), "{method} {path}: {read} answers {}", json!(rows));
        };
        let dir = "cluster/mapping/dir";
        check(
            &mut client,
            "POST",
            dir,
            "id=d1&map=node%3Dpve1%2Cpath%3D%2Fsrv&description=x",
            "cluster/mapping/dir/d1",
            json!({"description": "x", "map": ["node=pve1,path=/srv"], "type": "dir"}),
        );
        check(
            &mut client,
            "PUT",
            "cluster/mapping/dir/d1",
            "delete=description",
            dir,
            json!({"id": "d1", "map": ["node=pve1,path=/srv"], "type": "dir"}),
        );
        let matchers = "cluster/notifications/matchers";
        check(
            &mut client,
            "POST",
            matchers,
            "name=m2&target=mail-to-root&match-severity=error&match-severity=warning",
            "cluster/notifications/matchers/m2",
            json!({"name": "m2", "origin": "user-created", "target": ["mail-to-root"], "match-severity": ["error", "warning"]}),
        );
        check(
            &mut client,
            "POST",
            "access/roles",
            "roleid=R1&privs=VM.Audit",
            "access/roles/R1",
            json!({"VM.Audit": 1}),
        );
        check(
            &mut client,
            "PUT",
            "access/roles/R1",
            "privs=VM.Console&append=1",
            "access/roles",
            json!({"roleid": "R1", "privs": "VM.Audit,VM.Console", "special": 0}),
        );
        check(
            &mut client,
            "POST",
            "cluster/metrics/server/g2",
            "type=graphite&server=192.0.2.1&port=2003&mtu=1400",
            "cluster/metrics/server",
            json!({"id": "g2", "type": "graphite", "server": "192.0.2.1", "port": 2003}),
        );
        // Of a secret nobody is shown more than its name.
        check(
            &mut client,
            "POST",
            "cluster/notifications/endpoints/webhook",
            "name=w1&url=https%3A%2F%2Fexample.com&method=post&secret=name%3Dkey%2Cvalue%3DeA%3D%3D",
            "cluster/notifications/endpoints/webhook/w1",
            json!({
                "name": "w1", "url": "https://example.com", "method": "post", "secret": ["name=key"],
                "origin": "user-created",
            }),
        );
        let response = send(&mut client, "DELETE", "cluster/mapping/dir/d1", "");
        assert_eq!(response.status, 200);
        let gone = client.get("/api2/json/cluster/mapping/dir/d1");
        assert_eq!(refusal(&gone), (500, json!("mapping 'd1' not found\n")));
    });
}

#[test]
fn what_proxmox_refuses_is_refused_in_its_words() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, status: u16, expected: Value| {
            let response = send(&mut client, method, path, form);
            assert_eq!(refusal(&response), (status, expected), "{method} {path} {form}");
        };
        check("POST", "version", "", 501, json!("Method 'POST /version' not implemented"));
        check(
            "POST",
            "access/roles",
            "roleid=IaC&privs=VM.Audit",
            500,
            json!("create role failed: role 'IaC' already exists\n"),
        );
        let namespace = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
        check("POST", "access/roles", "roleid=PVEFoo", 400, json!({ "roleid": namespace }));
        check(
            "POST",
            "access/roles",
            "roleid=R&privs=No.Such",
            400,
            json!({"privs": "invalid format - invalid privilege 'No.Such'\n"}),
        );
        check(
            "POST",
            "cluster/metrics/server/influx1",
            "type=influxdb&server=x&port=1",
            500,
            json!("Metric server 'influx1' already exists\n"),
        );
        let taken = "Cannot create 'relay', an entity with the same name already exists\n";
        let smtp = "name=relay&server=x&from-address=a%40b.c&mailto=a%40b.c";
        check("POST", "cluster/notifications/endpoints/smtp", smtp, 400, json!(taken));
        check("POST", "cluster/notifications/endpoints/gotify", "name=relay&server=x&token=x", 400, json!(taken));
        let unmanaged = "create ha rule failed: cannot use unmanaged resource(s) vm:101.\n";
        let rule = "rule=r3&type=node-affinity&nodes=pve1&resources=vm%3A101";
        check("POST", "cluster/ha/rules", rule, 500, json!(unmanaged));
        let selection = "400 Parameter verification failed.\nvmid: property is missing\n";
        check("POST", "cluster/backup", "schedule=daily&storage=local", 500, json!(selection));
        check("PUT", "nodes/nope/dns", "search=x", 500, {
            let why = "failed to get address info for: nope: Name or service not known";
            json!(format!("hostname lookup 'nope' failed - {why}\n"))
        });
        let conflict = "duplicate parameter (already defined in URI) with conflicting values!";
        check("PUT", "nodes/pve1/dns", "node=pve2&search=x", 400, json!({ "node": conflict }));
        let modified =
            "update ha rule failed: detected modified configuration - file changed by other user? Try again.\n";
        let digest = format!("type=node-affinity&comment=x&digest={}", "0".repeat(40));
        check("PUT", "cluster/ha/rules/keep-web-on-pve1", &digest, 500, json!(modified));
    });
}

/// Each form of a body, and what `pveproxy` says to others.
#[test]
fn bodies_are_read_as_by_pveproxy() {
    with_cluster(|mut client| {
        let at = "/api2/json/cluster/notifications/matchers/default-matcher";
        let mut check = |method: &str, kind: (&str, &str), body: &str, status: u16, expected: &str| {
            let response = client.send(method, at, &[TOKEN, kind], body);
            assert_eq!(response.status, status, "{kind:?} {body}: {}", response.body);
            assert!(response.body.contains(expected), "{kind:?} {body}: {}", response.body);
        };
        check("PUT", JSON, r#"{"disable": true, "match-severity": ["error"]}"#, 200, r#"{"data":null}"#);
        check("PUT", FORM, "disable=true", 400, "type check ('boolean') failed - got 'true'");
        check("PUT", FORM, "comment=a;disable=0", 200, r#"{"data":null}"#);
        check("PUT", ("Content-Type", ""), "comment=b", 200, r#"{"data":null}"#);
        check(
            "PUT",
            ("Content-Type", "text/plain"),
            "comment=b",
            506,
            "upload 'Content-Type 'text/plain' not implemented",
        );
        check("PUT", JSON, "[1]", 500, "Not a HASH reference");
        check("PUT", JSON, "{bad", 500, "'\"' expected, at character offset 1 (before \"bad\")");
        check("GET", FORM, "comment=b", 501, "Unexpected content for method 'GET'");
        let matcher = client.get(at).answer().body["data"].take();
        assert_eq!((&matcher["comment"], &matcher["disable"]), (&json!("b"), &json!(0)));
    });
}

/// The web interface's form of answers: always 200, and the status in the body.
#[test]
fn extjs_hears_of_success_and_failure() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: Value| {
            let response = client.send(method, &format!("/api2/extjs/{path}"), &[TOKEN, FORM], form);
            assert_eq!(response.status, 200);
            let mut body = response.answer().body;
            body.as_object_mut().unwrap().retain(|key, _| expected.get(key).is_some());
            assert_eq!(body, expected, "{method} {path}");
        };
        check("GET", "version", "", json!({"success": 1}));
        check("PUT", "access/roles/IaC", "append=2", json!({"success": 0, "status": "400", "data": null}));
        check("DELETE", "access/roles/PVEAdmin", "", json!({"success": 0, "status": 500}));
    });
}

/// What the twin cannot do says that it is the twin's limit, and is listed.
#[test]
fn limits_are_told() {
    let limits = proxmox_mpc_twin::writes::limits();
    with_cluster(|mut client| {
        let response = send(&mut client, "POST", "nodes/pve1/scan", "");
        assert_eq!(response.status, 501);
        let reload = "POST /nodes/{node}/ceph/init";
        assert!(limits.iter().any(|limit| limit == reload), "{limits:?}");
        let response = send(&mut client, "POST", "nodes/pve1/ceph/init", "");
        assert_eq!(refusal(&response), (501, json!(format!("the twin cannot do this: {reload}"))));
    });
    assert!(!limits.iter().any(|limit| limit == "POST /cluster/mapping/dir"));
}

/// Refusals of firewalls, pools, rights and virtual networks, as recorded.
#[test]
fn places_refuse_in_the_words_of_proxmox() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: &str| {
            let response = send(&mut client, method, path, form);
            let told = refusal(&response).1.to_string();
            assert!(told.contains(expected), "{method} {path} {form}: {told}");
        };
        check("DELETE", "cluster/firewall/rules/99", "", "no rule at position 99");
        check("POST", "cluster/firewall/ipset/mgmt", "cidr=0.0.0.0%2F0", "a zero prefix is not allowed");
        check("POST", "pools", "poolid=zz%2Fy", "parent 'zz' of pool 'zz/y' does not exist");
        check("POST", "cluster/sdn/vnets", "vnet=v1&zone=z1", "tag: missing vlan tag");
        check("DELETE", "cluster/sdn/zones/z1", "", "zone z1 is used by vnet vnet100");
        for path in ["/foo", "/vms/12", "/access/users", "/storage/a/b", "/pool/a/b/c/d", "/sdn/zones/z/v/0", "/a b"] {
            let form =
                format!("path={}&roles=PVEAuditor&users=alice%40pve", path.replace('/', "%2F").replace(' ', "+"));
            check("PUT", "access/acl", &form, &format!("invalid ACL path '{path}'"));
        }
        let gone = "path=%2F&roles=PVEAuditor&delete=1";
        check("PUT", "access/acl", &format!("{gone}&users=nope%40pve"), "user 'nope@pve' does not exist");
        check("PUT", "access/acl", &format!("{gone}&groups=nope"), "group 'nope' does not exist");
        let token = "access/users/root%40pam/token/nope";
        check("PUT", token, "comment=x", "\"no such token 'nope' for user 'root@pam'");
        check("DELETE", token, "", "\"no such token 'nope' for user 'root@pam'");
    });
}

/// What `PVE::Firewall::verify_rule` and the methods around it refuse beyond the schema.
#[test]
fn rules_are_verified_as_by_pve_firewall() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, expected: Value| {
            let response = send(&mut client, method, path, form);
            let told = if response.status == 200 { json!(null) } else { refusal(&response).1 };
            assert_eq!(told, expected, "{method} {path} {form}");
        };
        let rules = "cluster/firewall/rules";
        let said = |key: &str, why: &str| json!({ key: why });
        check("POST", rules, "type=in&action=DENY", said("action", "unknown action 'DENY'"));
        check(
            "POST",
            rules,
            "type=forward&action=REJECT",
            said("action", "cannot define REJECT rules on forward chain"),
        );
        let vm = "nodes/pve1/qemu/100/firewall/rules";
        check("POST", vm, "type=forward&action=DROP", said("type", "invalid rule type 'forward' for rule_env 'vm'"));
        let card = "value does not match the regex pattern 'net\\d+'";
        check("POST", vm, "type=in&action=DROP&iface=vmbr0", said("iface", card));
        check("POST", rules, "type=in&action=DROP&macro=nonsense", said("macro", "unknown macro 'nonsense'"));
        check("POST", rules, "type=in&action=DROP&source=%2Bnowhere", said("source", "no such ipset 'nowhere'"));
        check("POST", rules, "type=in&action=DROP&dest=dc%2Fnowhere", said("dest", "no such alias 'dc/nowhere'"));
        let needs = |key: &str| said("proto", &format!("missing property - '{key}' requires this property"));
        check("POST", rules, "type=in&action=DROP&dport=22", needs("dport"));
        check("POST", rules, "type=in&action=DROP&icmp-type=any&proto=tcp", needs("icmp-type"));
        let portless = "protocol 'esp' does not support ports";
        check("POST", rules, "type=in&action=DROP&dport=22&proto=esp", said("dport", portless));
        let mixed = json!("detected mixed ipv4/ipv6 addresses in rule\n");
        check("POST", rules, "type=in&action=DROP&proto=icmp&source=dc%2Fv6net", mixed);
        let required = "unable to delete required property 'action'";
        check("PUT", &format!("{rules}/0"), "delete=action", said("delete", required));
        check("PUT", &format!("{rules}/0"), "delete=colour", said("delete", "no such property ('colour')"));
        check("PUT", "cluster/firewall/options", "delete=colour", said("delete", "no such option 'colour'"));
        check("DELETE", "cluster/firewall/ipset/nowhere", "", json!("no such IPSet 'nowhere'\n"));
        check("DELETE", "cluster/firewall/groups/nowhere", "", json!("no such security group 'nowhere'\n"));
        check("POST", "cluster/firewall/ipset/mgmt", "cidr=nowhere", json!("no such alias 'nowhere'\n"));
        check("PUT", "cluster/firewall/aliases/nowhere", "cidr=10.0.0.1", said("name", "no such alias"));
    });
}

/// A new rule is the first whatever position it asks for, a macro is spelled as Proxmox spells it, a network has no host
/// bits, and rules follow a group that gets another name.
#[test]
fn rules_are_kept_as_by_pve_firewall() {
    with_cluster(|mut client| {
        let mut ok = |method: &str, path: &str, form: &str| {
            let response = send(&mut client, method, path, form);
            assert_eq!(response.status, 200, "{method} {path} {form}: {:?}", response.answer().body);
        };
        ok("POST", "cluster/firewall/groups", "group=doors");
        ok("POST", "cluster/firewall/rules", "type=group&action=doors");
        ok("POST", "cluster/firewall/rules", "type=in&action=ACCEPT&macro=ssh&pos=5&comment=-");
        ok("POST", "cluster/firewall/groups", "group=gates&rename=doors");
        ok("POST", "cluster/firewall/ipset", "name=nets");
        ok("POST", "cluster/firewall/ipset/nets", "cidr=10.1.2.3%2F24");
        let mut rows = |path: &str| {
            let mut answer = client.get(&format!("/api2/json/{path}")).answer();
            answer.body["data"].take()
        };
        let rules = rows("cluster/firewall/rules");
        assert_eq!((&rules[0]["macro"], &rules[0]["comment"]), (&json!("SSH"), &Value::Null));
        assert_eq!((&rules[1]["type"], &rules[1]["action"]), (&json!("group"), &json!("gates")));
        assert_eq!(rows("cluster/firewall/ipset/nets")[0]["cidr"], "10.1.2.0/24");
    });
}

/// An import asks for the list of users with everything and for nothing else of them.
#[test]
fn users_that_only_the_full_list_tells_keep_their_tokens() {
    let recording = Recording::open(&fixture("pve-9.1.tar.zst")).unwrap();
    let full = ApiPath::parse("access/users?full=1");
    let imported = |path: &ApiPath| !path.as_str().starts_with("access/users") || *path == full;
    let paths = recording.paths().unwrap().filter(imported);
    let answers: BTreeMap<ApiPath, Answer> =
        paths.filter_map(|path| recording.get(&path).unwrap().map(|answer| (path, answer))).collect();
    let recorded = answers[&full].clone();
    let plain = recording.get(&ApiPath::parse("access/users")).unwrap().unwrap();
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    with_twin(Arc::new(answers), Options::new(credentials), |_, mut client| {
        let sorted = |answer: Answer| {
            let mut rows: Vec<Value> = answer.list().cloned().map(Value::Object).collect();
            rows.sort_by_key(|row| row["userid"].as_str().map(str::to_owned));
            rows
        };
        let asked = |client: &mut Client, path: &str| sorted(client.get(&format!("/api2/json/{path}")).answer());
        assert_eq!(asked(&mut client, "access/users"), sorted(plain));
        assert_eq!(send(&mut client, "POST", "access/users", "userid=new%40pve").status, 200);
        assert_eq!(send(&mut client, "DELETE", "access/users/new%40pve", "").status, 200);
        assert_eq!(asked(&mut client, "access/users?full=1"), sorted(recorded));
    });
}
