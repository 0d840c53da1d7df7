//! The twin has Proxmox's manners: logins, headers, status texts, and a clear word where it knows nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proxmox_mpc_model::Answers;
use proxmox_mpc_twin::server::{AgentPolicy, Options, TwinError, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use serde_json::json;

use crate::support::{Client, Response, TOKEN, fixture, with_twin};

fn options(cluster: &str) -> Options {
    let credentials = Credentials::read(&fixture(&format!("{cluster}.credentials.json"))).unwrap();
    Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) }
}

fn recording(cluster: &str) -> Arc<dyn Answers + Send + Sync> {
    Arc::new(Recording::open(&fixture(&format!("{cluster}.tar.zst"))).unwrap())
}

fn is_json(response: &Response) -> bool {
    response.header("Content-Type") == Some("application/json;charset=UTF-8")
}

#[test]
fn headers_are_those_of_pveproxy() {
    with_twin(recording("pve-9.1"), options("pve-9.1"), |twin, mut client| {
        assert!(twin.endpoint().starts_with("https://127.0.0.1:"));
        assert_eq!(twin.fingerprint().len(), 95);
        let response = client.get("/api2/json/version");
        let names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
        let expected =
            ["Cache-Control", "Connection", "Date", "Expires", "Pragma", "Server", "Content-Type", "Content-Length"];
        assert_eq!(names, expected);
        assert_eq!(response.header("Server"), Some("pve-api-daemon/3.0"));
        assert_eq!(response.header("Connection"), Some("Keep-Alive"));
        assert_eq!(response.header("Date"), response.header("Expires"));
        assert!(is_json(&response));
        assert_eq!(client.get("/api2/json/nope").header("Connection"), Some("close"));
    });
}

/// The refusals of docs/proxmox.md, "Transport".
#[test]
fn refused_logins_get_proxmoxs_answers() {
    with_twin(recording("pve-9.1"), options("pve-9.1"), |_, mut client| {
        let mut check =
            |method: &str, target: &str, headers: &[(&str, &str)], status: u16, reason: &str, body: &str| {
                let response = client.send(method, target, headers, "");
                assert_eq!((response.status, response.answer().reason.as_str()), (status, reason), "{method} {target}");
                assert_eq!(response.body, body, "{method} {target}");
                assert_eq!(response.header("Connection"), Some("close"));
            };
        let version = "/api2/json/version";
        check("GET", version, &[], 401, "No ticket", "");
        check("GET", version, &[("Authorization", "Bearer abc")], 401, "No ticket", "");
        let wrong = "PVEAPIToken=root@pam!iac=00000000-0000-0000-0000-000000000000";
        check("GET", version, &[("Authorization", wrong)], 401, "Authentication failed!", "");
        check("GET", version, &[("Authorization", "PVEAPIToken=garbage")], 401, "Authentication failed!", "");
        let forged = ("Cookie", "PVEAuthCookie=PVE:root@pam:6B038E50::AAAA");
        check("GET", version, &[forged], 401, "permission denied - invalid PVE ticket", "");
        check("PATCH", version, &[TOKEN], 501, "method 'PATCH' not available", "");
        check("GET", "/foo", &[TOKEN], 500, "no such file '/foo'", "no such file '/foo'\n");
        check("GET", "/api2", &[TOKEN], 501, "no such uri", "no such uri");
        let formatter = "no formatter for uri /version, yaml";
        check("GET", "/api2/yaml/version", &[TOKEN], 501, formatter, formatter);
    });
}

#[test]
fn a_refused_login_takes_its_time() {
    let options = Options { refusal_delay: Duration::from_millis(300), ..options("pve-9.1") };
    with_twin(recording("pve-9.1"), options, |_, mut client| {
        let start = Instant::now();
        assert_eq!(client.send("GET", "/api2/json/version", &[], "").status, 401);
        assert!(start.elapsed() >= Duration::from_millis(300));
    });
}

fn log_in(client: &mut Client, form: &str) -> Response {
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    client.send("POST", "/api2/json/access/ticket", &[form_type], form)
}

#[test]
fn a_ticket_replaces_a_password() {
    with_twin(recording("pve-9.1"), options("pve-9.1"), |_, mut client| {
        for form in
            ["username=alice%40pve&password=wrong", "username=alice&password=alicepass", "username=x@y&password="]
        {
            let response = log_in(&mut client, form);
            assert_eq!(
                (response.status, response.body.as_str()),
                (401, r#"{"data":null,"message":"authentication failure\n"}"#)
            );
        }
        let missing = log_in(&mut client, "username=alice%40pve").answer();
        assert_eq!(missing.body["errors"], json!({"password": "property is missing and it is not optional"}));
        assert_eq!(missing.status, 400);
        log_in(&mut client, "username=alice&realm=pve&password=alicepass&otp=123456").answer().data().unwrap();
        let data = log_in(&mut client, "username=alice%40pve&password=alicepass").answer().body["data"].take();
        assert_eq!((&data["username"], &data["clustername"]), (&json!("alice@pve"), &json!("lab")));
        let ticket = data["ticket"].as_str().unwrap();
        let escaped = ticket.replace(':', "%3A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for form in [ticket, &escaped] {
            let cookie = format!("other=1; PVEAuthCookie={form}");
            let mut send = |method: &str, csrf: &str| {
                let headers = [("Cookie", cookie.as_str()), ("CSRFPreventionToken", csrf)];
                client.send(method, "/api2/json/pools", &headers, "").answer().reason
            };
            assert_eq!(send("GET", ""), "OK");
            assert_eq!(send("POST", "nonsense"), "Permission denied - invalid csrf token");
            let csrf = data["CSRFPreventionToken"].as_str().unwrap();
            assert_eq!(send("POST", csrf), "Parameter verification failed.");
        }
        let json = json!({"username": "alice@pve", "password": "alicepass"}).to_string();
        let kind = ("Content-Type", "application/json");
        assert_eq!(client.send("POST", "/api2/json/access/ticket", &[kind], &json).status, 200);
        let renewed = log_in(&mut client, &format!("username=alice%40pve&password={escaped}"));
        assert_eq!(renewed.status, 200);
        assert_eq!(log_in(&mut client, &format!("username=bob%40pve&password={escaped}")).status, 401);
    });
}

#[test]
fn a_ticket_expires() {
    let options = Options { ticket_lifetime: Duration::ZERO, ..options("pve-9.1") };
    with_twin(recording("pve-9.1"), options, |_, mut client| {
        let data = log_in(&mut client, "username=alice%40pve&password=alicepass").answer().body["data"].take();
        let cookie = format!("PVEAuthCookie={}", data["ticket"].as_str().unwrap());
        let response = client.send("GET", "/api2/json/version", &[("Cookie", &cookie)], "");
        assert_eq!(response.answer().reason, "permission denied - invalid PVE ticket");
    });
}

#[test]
fn every_answer_waits_for_the_delay() {
    let options = Options { delay: Duration::from_millis(50), ..options("homelab") };
    with_twin(recording("homelab"), options, |_, mut client| {
        let start = Instant::now();
        (0..4).for_each(|_| assert_eq!(client.get("/api2/json/version").status, 200));
        assert!(start.elapsed() >= Duration::from_millis(200));
    });
}

#[test]
fn a_silent_agent_is_not_waited_for() {
    let check = |agent: AgentPolicy, path: &str, expected: &str| {
        with_twin(recording("homelab"), Options { agent, ..options("homelab") }, |_, mut client| {
            assert_eq!(client.get(&format!("/api2/json/nodes/pve/{path}")).answer().reason, expected, "{path}");
        });
    };
    let (kept, refused) = (AgentPolicy::AsRecorded, AgentPolicy::RefuseUnlessUsable);
    check(kept, "qemu/100/agent/network-get-interfaces", "OK");
    check(refused, "qemu/100/agent/network-get-interfaces", "OK");
    check(kept, "qemu/102/agent/network-get-interfaces", "VM 102 is not running");
    let refusal = "Permission check failed (/vms/102, VM.GuestAgent.Audit)";
    check(refused, "qemu/102/agent/network-get-interfaces", refusal);
    check(refused, "lxc/200/interfaces", "OK");
    check(refused, "lxc/204/interfaces", "Permission check failed (/vms/204, VM.GuestAgent.Audit)");
}

#[test]
fn the_twin_stays_on_this_machine() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let start =
        |listen: &str| serve(recording("homelab"), Options { listen: listen.parse().unwrap(), ..options("homelab") });
    assert!(matches!(start("0.0.0.0:0"), Err(TwinError::NotLoopback(_))));
    let twin = start("127.0.0.1:0").unwrap();
    let taken = twin.endpoint().trim_start_matches("https://").trim_end_matches('/').to_owned();
    assert!(matches!(start(&taken), Err(TwinError::Listen { .. })));
    runtime.block_on(twin.stop());
    runtime.block_on(start(&taken).unwrap().stop());
}
