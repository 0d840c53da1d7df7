//! Who may do what: refusals, filtered lists, and logins that are none any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answer, Answers, ApiPath};
use proxmox_mpc_twin::server::Options;
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::{Value, json};

use crate::replay::equal;
use crate::support::{Client, Response, fixture, with_twin};

/// The token of the homelab that may audit everything and change nothing.
const AUDITOR: &str = "PVEAPIToken=monitor@pve!audit=66666666-7777-8888-9999-aaaaaaaaaaaa";

fn options(credentials: Credentials) -> Options {
    Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) }
}

#[test]
fn an_auditor_gets_the_recorded_answers_of_an_auditor() {
    let recorded = Recording::open(&fixture("homelab-auditor.tar.zst")).unwrap();
    let paths: Vec<ApiPath> = recorded.paths().unwrap().collect();
    let credentials = Credentials::read(&fixture("homelab.credentials.json")).unwrap();
    let everything = Arc::new(Recording::open(&fixture("homelab.tar.zst")).unwrap());
    let mut differing = Vec::new();
    with_twin(everything, options(credentials), |_, mut client| {
        for path in &paths {
            let served = client.send("GET", &path.target(), &[("Authorization", AUDITOR)], "").answer();
            if !equal(&recorded.get(path).unwrap().unwrap(), &served) {
                differing.push(path.to_string());
            }
        }
    });
    assert!(paths.len() > 200, "{}", paths.len());
    // Memory and the clock.
    let measured = ["nodes/pve/status", "nodes/pve/time"];
    assert_eq!(differing, measured);
}

/// A small cluster: `ops` administers the pool `prod` but not what is below it, `eve` may see all guests but one, and
/// her token only one of them; `carol` is disabled, `dave` has expired.
fn cluster() -> Arc<BTreeMap<ApiPath, Answer>> {
    let token =
        |name: &str, separated: u8, expire: i64| json!({"tokenid": name, "privsep": separated, "expire": expire});
    let user = |name: &str, enable: u8, expire: i64, tokens: &[Value]| json!({"userid": name, "enable": enable, "expire": expire, "tokens": tokens});
    let entry = |path: &str, kind: &str, to: &str, role: &str, propagate: u8| json!({"path": path, "type": kind, "ugid": to, "roleid": role, "propagate": propagate});
    let guest = |vmid: u32, pool: &str| json!({"id": format!("qemu/{vmid}"), "vmid": vmid, "type": "qemu", "node": "pve1", "pool": pool, "name": "x"});
    let answers = [
        (
            "access/users?full=1",
            json!([
                user("root@pam", 1, 0, &[token("own", 1, 0)]),
                user("bob@pve", 1, 0, &[token("all", 0, 0)]),
                user("eve@pve", 1, 0, &[token("one", 1, 0), token("old", 0, 1)]),
                user("carol@pve", 0, 0, &[]),
                user("dave@pve", 1, 1, &[]),
            ]),
        ),
        ("access/groups", json!([{"groupid": "ops", "users": "bob@pve"}])),
        (
            "access/roles",
            json!([
                {"roleid": "Administrator", "privs": "VM.Audit,VM.Allocate,VM.PowerMgmt,Sys.Audit,Permissions.Modify"},
                {"roleid": "PVEVMAdmin", "privs": "VM.Audit,VM.Allocate"},
                {"roleid": "Viewer", "privs": "VM.Audit"},
                {"roleid": "Networker", "privs": "SDN.Use"},
            {"roleid": "Configurer", "privs": "VM.Config.CPU,VM.Config.Options,VM.Config.HWType"},
            {"roleid": "Pooler", "privs": "Pool.Allocate"},
            {"roleid": "NoAccess", "privs": ""},
            ]),
        ),
        (
            "access/acl",
            json!([
                entry("/pool/prod", "group", "ops", "PVEVMAdmin", 0),
                entry("/vms/101", "user", "bob@pve", "Viewer", 1),
                entry("/vms", "user", "eve@pve", "PVEVMAdmin", 1),
                entry("/vms/101", "user", "eve@pve", "NoAccess", 1),
                entry("/vms/103", "user", "eve@pve", "Configurer", 1),
                entry("/vms/100", "token", "eve@pve!one", "Viewer", 1),
                entry("/pool/other", "user", "eve@pve", "Pooler", 1),
                entry("/sdn/zones/localnetwork/vmbr1/7", "user", "bob@pve", "Networker", 1),
                entry("/", "user", "carol@pve", "Administrator", 1),
            ]),
        ),
        ("cluster/resources", json!([guest(100, "prod"), guest(101, "prod"), guest(102, "prod/web"), guest(103, "")])),
        ("pools", json!([{"poolid": "prod"}, {"poolid": "prod/web"}])),
        ("nodes", json!([{"node": "pve1", "type": "node", "status": "online", "uptime": 7}])),
        ("nodes/pve1/qemu", json!([{"vmid": 100}, {"vmid": 101}, {"vmid": 102}])),
        (
            "nodes/pve1/network",
            json!([
                {"iface": "eno1", "type": "eth"}, {"iface": "vmbr0", "type": "bridge"}, {"iface": "vmbr1", "type": "bridge"},
            ]),
        ),
        ("nodes/pve1/subscription", json!({"status": "active", "serverid": "S", "key": "K"})),
        ("nodes/pve1/qemu/100/config", json!({"name": "x"})),
        ("nodes/pve1/qemu/103/config", json!({"name": "x"})),
        ("nodes/pve1/tasks", json!([{"user": "eve@pve", "id": "1"}, {"user": "bob@pve", "tokenid": "all", "id": "2"}])),
    ];
    let answers = answers.into_iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data)));
    Arc::new(answers.collect())
}

fn credentials() -> Credentials {
    serde_json::from_value(json!({
        "tokens": {
            "root@pam!own": "s", "root@pam!twin": "s", "bob@pve!all": "s", "eve@pve!one": "s", "eve@pve!old": "s",
            "carol@pve!x": "s", "someone@pve!x": "s", "eve@pve!guest": "s",
        },
        "passwords": {"root@pam": "s", "bob@pve": "s", "carol@pve": "s", "dave@pve": "s"},
    }))
    .unwrap()
}

fn get(client: &mut Client, login: &str, path: &str) -> Response {
    let token = format!("PVEAPIToken={login}=s");
    client.send("GET", &format!("/api2/json/{path}"), &[("Authorization", &token)], "")
}

#[test]
fn privileges_follow_paths_pools_and_tokens() {
    with_twin(cluster(), options(credentials()), |_, mut client| {
        let mut check = |login: &str, path: &str, expected: &[&str]| {
            let answer = get(&mut client, login, &format!("access/permissions?path={path}")).answer();
            let held = answer.data().unwrap()[path].as_object().unwrap().clone();
            assert_eq!(held.keys().map(String::as_str).collect::<Vec<_>>(), expected, "{login} at {path}");
        };
        // A pool gives its roles to its members, beside what they have of their own; not to pools below it.
        check("bob@pve!all", "/vms/100", &["VM.Allocate", "VM.Audit"]);
        check("bob@pve!all", "/vms/101", &["VM.Allocate", "VM.Audit"]);
        check("bob@pve!all", "/vms/102", &[]);
        check("bob@pve!all", "/pool/prod/web", &[]);
        check("eve@pve!guest", "/vms/102", &["VM.Allocate", "VM.Audit"]);
        check("eve@pve!guest", "/vms/101", &[]);
        // A separated token has what it was given itself, as far as its user has it.
        check("eve@pve!one", "/vms/100", &["VM.Audit"]);
        check("eve@pve!one", "/vms/102", &[]);
        check("root@pam!own", "/vms/100", &[]);
    });
}

#[test]
fn permissions_are_checked_before_existence() {
    with_twin(cluster(), options(credentials()), |_, mut client| {
        let mut check = |login: &str, path: &str, expected: &str| {
            let answer = get(&mut client, login, path);
            assert_eq!(String::from_utf8_lossy(&answer.reason), expected, "{login} {path}");
            assert_eq!(
                answer.status,
                if expected == "OK" {
                    200
                } else if expected.starts_with("Perm") {
                    403
                } else {
                    500
                }
            );
        };
        check("eve@pve!one", "nodes/pve1/qemu/100/config", "OK");
        check("eve@pve!one", "nodes/pve1/qemu/999/config", "Permission check failed (/vms/999, VM.Audit)");
        check("eve@pve!one", "nodes/nope/qemu/102/config", "Permission check failed (/vms/102, VM.Audit)");
        check("eve@pve!one", "access/users/nope@pve", "no such user ('nope@pve')");
        check("eve@pve!one", "access/users/bob@pve/token", "Permission check failed");
        check("bob@pve!all", "access/permissions?userid=eve@pve", "Permission check failed (/access, Sys.Audit)");
        check("root@pam!twin", "cluster/backup-info", "Permission check failed (user != root@pam)");
        check("eve@pve!one", "cluster/acme/plugins", "Permission check failed (/, Sys.Modify)");
    });
}

#[test]
fn lists_leave_out_rows_that_the_login_may_not_see() {
    with_twin(cluster(), options(credentials()), |_, mut client| {
        let mut check = |login: &str, path: &str, key: &str, expected: &[&str]| {
            let answer = get(&mut client, login, path).answer();
            let names: Vec<String> =
                answer.list().map(|row| row[key].to_string().trim_matches('"').to_owned()).collect();
            assert_eq!(names, expected, "{login} {path}");
        };
        check("bob@pve!all", "nodes/pve1/qemu", "vmid", &["100", "101"]);
        // What was made for one login is kept for it alone.
        check("bob@pve!all", "nodes/pve1/qemu", "vmid", &["100", "101"]);
        check("eve@pve!one", "nodes/pve1/qemu", "vmid", &["100"]);
        check("root@pam!own", "nodes/pve1/qemu", "vmid", &[]);
        check("root@pam!twin", "nodes/pve1/qemu", "vmid", &["100", "101", "102"]);
        check("someone@pve!x", "nodes/pve1/qemu", "vmid", &["100", "101", "102"]);
        check("eve@pve!guest", "cluster/resources", "vmid", &["100", "102"]);
        check("bob@pve!all", "access/acl", "path", &["/vms/101", "/vms/101", "/vms/100"]);
        check("root@pam!own", "access/acl", "path", &[]);
        check("bob@pve!all", "pools", "poolid", &[]);
        check("bob@pve!all", "nodes/pve1/network", "iface", &["eno1", "vmbr1"]);
        check("eve@pve!one", "nodes/pve1/network", "iface", &["eno1"]);
        check("bob@pve!all", "nodes/pve1/tasks", "id", &["2"]);
        let subscription = get(&mut client, "bob@pve!all", "nodes/pve1/subscription").answer();
        assert_eq!(subscription.data(), Some(&json!({"status": "active"})));
        assert_eq!(get(&mut client, "bob@pve!all", "nodes").answer().data().unwrap()[0].get("uptime"), None);
    });
}

#[test]
fn disabled_and_expired_logins_are_refused() {
    with_twin(cluster(), options(credentials()), |_, mut client| {
        for (login, status) in [("bob@pve!all", 200), ("carol@pve!x", 401), ("eve@pve!old", 401), ("eve@pve!one", 200)]
        {
            assert_eq!(get(&mut client, login, "version").status == 401, status == 401, "{login}");
        }
        for (user, status) in [("root@pam", 200), ("bob@pve", 200), ("carol@pve", 401), ("dave@pve", 401)] {
            let form = format!("username={user}&password=s");
            let answer = client.send("POST", "/api2/json/access/ticket", &[], &form);
            assert_eq!(answer.status, status, "{user}");
            if user == "bob@pve" {
                assert_eq!(answer.answer().data().unwrap()["cap"]["vms"], json!({"VM.Allocate": 1, "VM.Audit": 1}));
            }
        }
    });
}

#[test]
fn writes_are_refused_in_proxmoxs_order() {
    with_twin(cluster(), options(credentials()), |_, mut client| {
        let mut check = |login: &str, method: &str, path: &str, body: &str, status: u16, expected: &str| {
            let token = format!("PVEAPIToken={login}=s");
            let target = format!("/api2/json/{path}");
            let answer = client.send(method, &target, &[("Authorization", &token)], body);
            let said = (answer.status, String::from_utf8_lossy(&answer.reason).into_owned());
            assert_eq!(said, (status, expected.to_owned()), "{login} {method} {path}");
        };
        let wrong = "Parameter verification failed.";
        check(
            "eve@pve!one",
            "POST",
            "pools",
            "poolid=x&nope=1",
            403,
            "Permission check failed (/pool/x, Pool.Allocate)",
        );
        check("eve@pve!one", "POST", "pools", "poolid=a%20b", 403, "Permission check failed (, Pool.Allocate)");
        check("eve@pve!one", "POST", "nodes/pve1/qemu", "vmid=100&nope=1", 400, wrong);
        check("eve@pve!one", "POST", "nodes/pve1/qemu", "vmid=100", 403, "Permission check failed");
        check(
            "eve@pve!one",
            "DELETE",
            "nodes/pve1/qemu/999",
            "",
            403,
            "Permission check failed (/vms/999, VM.Allocate)",
        );
        // Each option of a guest has its privilege, which is told even where the twin cannot do the rest.
        for (body, expected) in [
            ("memory=512", "Permission check failed (/vms/103, VM.Config.Memory)"),
            ("cores=2&net0=virtio", "Permission check failed (/vms/103, VM.Config.Network)"),
            ("startup=order%3D1", "Permission check failed (/, Sys.Modify)"),
            ("ciuser=x", "Permission check failed (/vms/103, VM.Config.Cloudinit|VM.Config.Network)"),
            ("args=-x", "only root can set 'args' config"),
            ("serial0=/dev/ttyS0", "only root can modify 'serial0' config for real devices"),
            ("hostpci0=mapping%3Dgpu", "Permission check failed (/mapping/pci/gpu, Mapping.Use)"),
            ("delete=memory", "Permission check failed (/vms/103, VM.Config.Memory)"),
        ] {
            let status = if expected.starts_with("only") { 500 } else { 403 };
            check("eve@pve!guest", "PUT", "nodes/pve1/qemu/103/config", body, status, expected);
        }
        let root = "is only allowed for root@pam";
        for (body, expected) in [
            ("unprivileged=0", "Permission check failed (/, Sys.Modify)".to_owned()),
            ("ha-managed=1", "Permission check failed (/, Sys.Console)".to_owned()),
            ("memory=512", "Permission check failed (/vms/900, VM.Config.Memory)".to_owned()),
            ("rootfs=local:1", "Permission check failed (/vms/900, VM.Config.Disk)".to_owned()),
            ("hookscript=local:snippets/x", format!("Permission check failed (changing the hookscript {root})")),
            ("dev0=/dev/kvm", format!("Permission check failed (configuring device passthrough {root})")),
        ] {
            let body = format!("vmid=900&ostemplate=local:vztmpl/x.tar.zst&{body}");
            check("eve@pve!guest", "POST", "nodes/pve1/lxc", &body, 403, &expected);
        }
        check("eve@pve!guest", "PUT", "access/acl", "path=/vms/100&roles=Networker&users=bob@pve", 400, wrong);
        check(
            "eve@pve!guest",
            "PUT",
            "access/acl",
            "path=/vms&roles=Viewer&users=bob@pve",
            403,
            "Permission check failed (/vms, Permissions.Modify)",
        );
        check("eve@pve!guest", "POST", "nodes/pve1/startall", "", 403, "Permission check failed (/, VM.PowerMgmt)");
        check("eve@pve!guest", "POST", "nodes/pve1/vzdump", "vmid=100&script=x", 400, wrong);
        let foreign = "Permission check failed (/vms/101, Permissions.Modify|VM.Allocate)";
        check("eve@pve!guest", "PUT", "pools/other", "vms=100,101", 403, foreign);
        check("root@pam!twin", "POST", "access/users", "userid=x", 500, "user name 'x' is too short");
        check("bob@pve!all", "POST", "cluster/backup", "nope=1", 403, "Permission check failed (/, Sys.Modify)");
        let ticket_only = "Permission check failed (URI '/access/tfa/eve@pve' not available with API token, need proper \
                           ticket.";
        check("root@pam!twin", "POST", "access/tfa/eve@pve", "type=recovery", 403, ticket_only);
    });
}

/// A user that a client made logs in with its password and its token, may nothing, and what an ACL grants from then on.
#[test]
fn new_logins_have_the_rights_that_they_were_given() {
    const OWN: &str = "PVEAPIToken=root@pam!iac=11111111-2222-3333-4444-555555555555";
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    let credentials = Credentials::read(&fixture("pve-9.1.credentials.json")).unwrap();
    with_twin(recording, options(credentials), |_, mut client| {
        let mut send = |who: &str, method: &str, path: &str, form: &str| {
            let headers = [("Authorization", who), ("Content-Type", "application/x-www-form-urlencoded")];
            let headers = if form.is_empty() { &headers[..1] } else { &headers };
            client.send(method, &format!("/api2/json/{path}"), headers, form)
        };
        let done = |response: Response| {
            assert_eq!(response.status, 200, "{}", response.body);
            response.answer()
        };
        done(send(OWN, "POST", "access/users", "userid=new@pve&password=longenough"));
        let made = done(send(OWN, "POST", "access/users/new@pve/token/t1", "privsep=0"));
        let token = format!("PVEAPIToken=new@pve!t1={}", made.data().unwrap()["value"].as_str().unwrap());
        assert_eq!(done(send(&token, "GET", "access/permissions", "")).data(), Some(&json!({})));
        assert_eq!(send(&token, "GET", "nodes/pve1/qemu/100/config", "").status, 403);
        done(send(OWN, "PUT", "access/acl", "path=/vms/100&users=new@pve&roles=PVEAuditor"));
        done(send(&token, "GET", "nodes/pve1/qemu/100/config", ""));
        assert_eq!(send(&token, "GET", "nodes/pve1/qemu/101/config", "").status, 403);
        let ticket = done(send("", "POST", "access/ticket", "username=new@pve&password=longenough"));
        assert_eq!(ticket.data().unwrap()["username"], "new@pve");
        assert_eq!(send("", "POST", "access/ticket", "username=new@pve&password=other").status, 401);
        done(send(OWN, "DELETE", "access/users/new@pve/token/t1", ""));
        assert_eq!(send(&token, "GET", "version", "").status, 401);
    });
}

/// Recorded as `pve-9.2/get-auditor`; before 9.2 everybody who may audit the container sees its environment.
#[test]
fn the_environment_of_a_container_needs_the_privilege_to_change_it() {
    const AUDITOR: &str = "PVEAPIToken=mpc@pve!import=f074c385-3c33-483d-a5d4-2e4862be7fb6";
    let everything = Arc::new(Recording::open(&fixture("pve-9.2.tar.zst")).unwrap());
    let credentials = Credentials::read(&fixture("pve-9.2.credentials.json")).unwrap();
    with_twin(everything, options(credentials), |_, mut client| {
        let mut check = |path: &str, expected: (u16, &str)| {
            let served = client.send("GET", path, &[("Authorization", AUDITOR)], "").answer();
            assert_eq!((served.status, served.reason.as_str()), expected, "{path}");
        };
        let refused = (403, "Permission check failed (/vms/204, VM.Config.Options)");
        for path in ["config", "pending", "config?current=1"] {
            check(&format!("/api2/json/nodes/pve01/lxc/204/{path}"), refused);
            check(&format!("/api2/json/nodes/pve01/lxc/200/{path}"), (200, "OK"));
        }
        check("/api2/json/nodes/pve01/lxc/204/status/current", (200, "OK"));
    });
}
