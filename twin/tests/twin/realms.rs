//! Realms and the jobs that synchronise them: what comes of a write, and what is refused.

use serde_json::{Value, json};

use crate::writes::{refusal, send, with_cluster};

const DOMAINS: &str = "access/domains";

/// The last is recorded: `pam` is still there after somebody has removed it (`errors/noauth_domains_open`).
#[test]
fn realms_are_listed_for_the_login_page() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, realm: &str, expected: Value| {
            let response = send(&mut client, method, path, form);
            assert_eq!(response.status, 200, "{method} {path} {form}: {}", response.body);
            let listed = client.get(&format!("/api2/json/{DOMAINS}")).answer();
            let row = listed.list().find(|row| row.get("realm").is_some_and(|name| name == realm)).cloned();
            assert_eq!(row.map_or(Value::Null, Value::Object), expected, "{method} {path} {form}");
        };
        let ldap = "type=ldap&server1=ldap.lab.example&base_dn=dc%3Dlab&user_attr=uid&default=0&comment=";
        check("POST", DOMAINS, &format!("realm=ldx&{ldap}"), "ldx", json!({"realm": "ldx", "type": "ldap"}));
        let sso = "access/domains/sso";
        check("PUT", sso, "default=1", "sso", json!({"realm": "sso", "type": "openid", "default": 1}));
        let pve = json!({"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"});
        check("PUT", sso, "prompt=none", "pve", pve);
        check("DELETE", "access/domains/ldx", "", "ldx", Value::Null);
        let pam = json!({"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"});
        check("DELETE", "access/domains/pam", "", "pam", pam);
        let usual = client.get("/api2/json/access/domains/pve").answer().body["data"]["default"].take();
        assert_eq!(usual, Value::Null);
    });
}

/// Proxmox's code.
#[test]
fn impossible_realms_are_refused() {
    with_cluster(|mut client| {
        let mut check = |method: &str, path: &str, form: &str, status: u16, expected: Value| {
            let response = send(&mut client, method, path, form);
            assert_eq!(refusal(&response), (status, expected), "{method} {path} {form}");
        };
        let add = |why: &str| json!(format!("add auth server failed: {why}\n"));
        check("POST", DOMAINS, "realm=pam&type=pam", 500, add("domain 'pam' already exists"));
        check("POST", DOMAINS, "realm=pam2&type=pam", 500, add("unable to create builtin type 'pam'"));
        let form = "realm=ldx&type=ldap&base_dn=dc%3Dlab&user_attr=uid";
        check("POST", DOMAINS, form, 500, add("missing value for required option 'server1'"));
        let gone = json!("delete auth server failed: authentication domain 'nope' does not exist\n");
        check("DELETE", "access/domains/nope", "", 500, gone);
        let job = "cluster/jobs/realm-sync/j1";
        let nested = |why: &str| json!(format!("400 Parameter verification failed.\nrealm: {why}\n"));
        check("POST", job, "realm=nope&schedule=daily", 500, nested("No such realm 'nope'"));
        check("POST", job, "realm=pve&schedule=daily", 500, nested("Only LDAP/AD realms can be synced."));
        check("PUT", job, "schedule=hourly", 500, json!("no such realm-sync job\n"));
        check("POST", job, "realm=corp&schedule=daily&scope=users", 200, Value::Null);
        check("PUT", job, "schedule=hourly&delete=scope", 200, Value::Null);
        check("DELETE", job, "", 200, Value::Null);
        let answer = client.get(&format!("/api2/json/{job}"));
        assert_eq!(refusal(&answer), (400, json!({"id": "No such job 'j1'"})));
    });
}
