//! Users, groups, permissions, tokens and realms with values that the recorded clusters lack: with each, the real
//! provider planned no change.

use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use super::oracle::ignored;
use super::schema::Schema;
use crate::support::clusters::{asked, data, fixture, generated};

/// The code for a recorded cluster whose list at this path has one row more.
fn with(list: &str, row: &Value) -> Generated {
    let mut answers = asked(&fixture("pve-9.1"));
    data(&mut answers, list).as_array_mut().unwrap().push(row.clone());
    if let Some(realm) = row["realm"].as_str().filter(|_| list == "access/domains") {
        answers.insert(ApiPath::new(["access", "domains", realm]), Answer::ok(row.clone()));
    }
    generated(&answers)
}

/// Block of an object without its first line, in single spaces, and the attributes that it ignores; or the place where
/// it went.
fn outcome(made: &Generated, identity: &Identity) -> String {
    let object = &made.coverage.objects[identity];
    assert!(!object.keys.values().any(|fate| *fate == Fate::NotCovered), "{identity}: {:?}", object.keys);
    match &object.outcome {
        Outcome::Terraform { address } => {
            let (resource, label) = address.split_once('.').unwrap();
            let first = format!("resource \"{resource}\" \"{label}\" {{\n");
            let file = made.files.values().find(|text| text.contains(&first)).unwrap();
            let block = file.split_once(&first).unwrap().1.split("\n}\n").next().unwrap();
            let body = block.split("\n\n  lifecycle {").next().unwrap();
            let ignored: Vec<String> = ignored(made).remove(address).unwrap_or_default().into_iter().collect();
            let words: Vec<&str> = body.split_whitespace().collect();
            format!("{} | {}", words.join(" "), ignored.join(" ")).trim_end_matches(" | ").to_owned()
        }
        Outcome::Ansible { .. } => "Ansible".to_owned(),
        Outcome::BuiltIn => "as it came".to_owned(),
        Outcome::NotImportable { reason, .. } => reason.clone(),
        Outcome::Fact => "a fact".to_owned(),
        Outcome::Excluded => "excluded".to_owned(),
    }
}

/// Fails if the provider's schema does not know the block.
fn conforms(made: &Generated, file: &str) {
    if let Some(text) = made.files.get(file) {
        assert_eq!(Schema::read().check(text).1, Vec::<String>::new());
    }
}

#[test]
fn users_are_written_as_they_are_read() {
    let check = |more: Value, expected: &str| {
        let mut row =
            json!({"userid": "new@corp", "enable": 1, "expire": 0, "email": "", "groups": "", "tokens": null});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = with("access/users?full=1", &row);
        conforms(&made, "terraform/users.tf");
        assert_eq!(outcome(&made, &Identity::new("user", "new@corp")), expected, "{more}");
    };
    let id = "user_id = \"new@${proxmox_realm_ldap.corp.realm}\"";
    let base = format!("{id} enabled = true");
    check(json!({}), &base);
    check(json!({"enable": 0}), &format!("{id} enabled = false"));
    check(json!({"expire": 1}), &format!("{base} expiration_date = \"1970-01-01T00:00:01Z\""));
    check(json!({"expire": 253_402_300_800_u64}), &format!("{base} | expiration_date"));
    check(json!({"comment": "a\nb"}), &format!("{base} comment = chomp(<<-EOT a b EOT )"));
    check(json!({"comment": "${x} %{y}"}), &format!(r#"{base} comment = "$${{x}} %%{{y}}""#));
    check(json!({"firstname": " "}), &format!(r#"{base} first_name = " ""#));
    check(json!({"keys": "x"}), &format!("{base} | keys"));
    check(json!({"keys": "GEZDGNBVGY3TQOJQ"}), &format!("{base} | keys"));
    check(json!({"keys": "", "totp-locked": 1, "tfa-locked-until": 2}), &base);
    let group = "proxmox_virtual_environment_group.ops.group_id";
    check(json!({"groups": "zzz,ops,ops"}), &format!("{base} groups = [{group}, \"zzz\"]"));
}

/// Recorded on 9.2: no single answer knows the name that the list shows.
#[test]
fn whom_proxmox_does_not_find_by_the_listed_name_is_set_aside() {
    let user = "j\u{c3}\u{b6}rg@pve";
    let row =
        json!({"userid": user, "enable": 1, "expire": 0, "tokens": [{"tokenid": "t", "privsep": 1, "expire": 0}]});
    let made = with("access/users?full=1", &row);
    let reason = "Proxmox lists `j\u{f6}rg@pve` as `j\u{c3}\u{b6}rg@pve` and does not find it by that: the provider asks so, gets \
                  an error, and the plan stops (provider rule U12)";
    assert_eq!(outcome(&made, &Identity::new("user", user)), reason);
    assert_eq!(outcome(&made, &Identity::new("token", format!("{user}!t"))), reason);
    let row = json!({"path": "/vms/100", "type": "user", "ugid": user, "roleid": "PVEVMUser", "propagate": 0});
    let made = with("access/acl", &row);
    assert_eq!(outcome(&made, &Identity::new("acl", format!("vms/100?{user}?PVEVMUser"))), reason);
}

#[test]
fn root_is_code_once_something_is_said_of_it() {
    let check = |more: Value, expected: &str| {
        let mut answers = asked(&fixture("pve-9.1"));
        for user in data(&mut answers, "access/users?full=1").as_array_mut().unwrap() {
            if user["userid"] == "root@pam" {
                user["email"] = "".into();
                user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            }
        }
        let text = outcome(&generated(&answers), &Identity::new("user", "root@pam"));
        assert_eq!(text.split(" = ").next().unwrap(), expected, "{more}");
    };
    check(json!({}), "as it came");
    check(json!({"email": "root@lab.example"}), "user_id");
    check(json!({"groups": "ops"}), "user_id");
    check(json!({"keys": "x"}), "user_id");
    check(json!({"enable": 0}), "user_id");
}

#[test]
fn tokens_are_code_where_the_provider_can_tell_whose_they_are() {
    let check = |user: &str, token: Value, expected: &str| {
        let id = format!("{user}!{}", token["tokenid"].as_str().unwrap());
        let made = with("access/users?full=1", &json!({"userid": user, "enable": 1, "expire": 0, "tokens": [token]}));
        conforms(&made, "terraform/user_tokens.tf");
        assert_eq!(outcome(&made, &Identity::new("token", &id)), expected, "{id}");
    };
    let user = "user_id = proxmox_virtual_environment_user.ci_pve.user_id token_name = \"t\"";
    check(
        "ci@pve",
        json!({"tokenid": "t", "privsep": 1, "expire": 0}),
        &format!("{user} privileges_separation = true"),
    );
    check(
        "ci@pve",
        json!({"tokenid": "t", "privsep": 0, "expire": 60, "comment": ""}),
        &format!("{user} privileges_separation = false expiration_date = \"1970-01-01T00:01:00Z\" comment = \"\""),
    );
    check(
        "ci@pve",
        json!({"tokenid": "t", "privsep": 0, "expire": 253_402_300_800_u64}),
        &format!("{user} privileges_separation = false | expiration_date"),
    );
    check(
        "ci@pve",
        json!({"tokenid": "t"}),
        "without `privsep` the plan always changes `privileges_separation` (provider rule U7)",
    );
    check(
        "a!b@pve",
        json!({"tokenid": "t", "privsep": 1}),
        "the provider cannot import a token of a user with `!` in its name (provider rule U6)",
    );
}

#[test]
fn permissions_refer_to_whom_they_are_for() {
    let check = |kind: &str, holder: &str, role: &str, propagate: Option<u32>, expected: &str| {
        let mut row = json!({"path": "/pool/x", "type": kind, "ugid": holder, "roleid": role});
        if let Some(propagate) = propagate {
            row["propagate"] = propagate.into();
        }
        let made = with("access/acl", &row);
        conforms(&made, "terraform/permissions.tf");
        let identity = Identity::new("acl", format!("pool/x?{holder}?{role}"));
        assert_eq!(outcome(&made, &identity), expected, "{kind} {holder}");
        if let Some(place) = made.manifest.objects.get(&identity) {
            assert_eq!(place.import_id, format!("/pool/x?{holder}?{role}"));
        }
    };
    let path = "path = \"/pool/x\"";
    check("user", "ghost@pve", "Gone", Some(1), &format!("{path} user_id = \"ghost@pve\" role_id = \"Gone\""));
    check(
        "group",
        "ops",
        "IaC",
        Some(0),
        &format!(
            "{path} group_id = proxmox_virtual_environment_group.ops.group_id \
             role_id = proxmox_virtual_environment_role.iac.role_id propagate = false"
        ),
    );
    check(
        "token",
        "terraform@pve!ro",
        "PVEAdmin",
        None,
        &format!("{path} token_id = proxmox_user_token.terraform_pve_ro.id role_id = \"PVEAdmin\""),
    );
    let refused = |holder: &str, kind: &str| {
        format!("the provider takes `{holder}` for another type of holder than `{kind}` (provider rule U8)")
    };
    check("user", "a!b@pve", "PVEAdmin", Some(1), &refused("a!b@pve", "user"));
    check("user", "wh?o@pve", "PVEAdmin", Some(1), &refused("wh?o@pve", "user"));
    check("robot", "r2@pve", "PVEAdmin", Some(1), &refused("r2@pve", "robot"));
}

#[test]
fn realms_are_written_as_they_are_read() {
    let check = |more: Value, expected: &str| {
        let mut row = json!({"realm": "new"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = with("access/domains", &row);
        conforms(&made, "terraform/realms.tf");
        assert_eq!(outcome(&made, &Identity::new("realm", "new")), expected, "{more}");
    };
    let ldap = |more: Value| {
        let mut row = json!({"type": "ldap", "server1": "h", "base_dn": "dc=x"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let base = "realm = \"new\" server1 = \"h\" base_dn = \"dc=x\"";
    check(ldap(json!({})), base);
    check(ldap(json!({"comment": "", "port": 636})), &format!("{base} comment = \"\" port = 636"));
    check(ldap(json!({"verify": 0, "case-sensitive": 1, "default": 0, "secure": 0})), base);
    check(
        ldap(json!({"verify": 1, "case-sensitive": 0, "default": 1, "secure": 1})),
        &format!("{base} secure = true verify = true case_sensitive = false default = true"),
    );
    check(ldap(json!({"secure": 1, "mode": "ldaps"})), &format!("{base} mode = \"ldaps\" | secure"));
    check(ldap(json!({"mode": "quic", "sslversion": "tlsv9"})), &format!("{base} | mode ssl_version"));
    check(ldap(json!({"cert": "/c"})), &format!("{base} | cert_path"));
    check(ldap(json!({"cert": "/c", "certkey": "/k"})), &format!("{base} cert_path = \"/c\" cert_key_path = \"/k\""));
    check(
        ldap(json!({"bind_dn": "cn=x"})),
        &format!("{base} bind_dn = \"cn=x\" bind_password = var.new_realm_bind_password | bind_password"),
    );
    check(ldap(json!({"tfa": "type=oath", "domain": "x"})), base);
    check(ldap(json!({"port": "636"})), "Ansible");
    check(json!({"type": "ldap", "server1": "h"}), "Ansible");
    let openid = "realm = \"new\" issuer_url = \"https://i\" client_id = \"c\"";
    check(
        json!({"type": "openid", "issuer-url": "https://i", "client-id": "c"}),
        &format!("{openid} query_userinfo = true | query_userinfo"),
    );
    check(
        json!({"type": "openid", "issuer-url": "https://i", "client-id": "c", "autocreate": 0, "query-userinfo": 0,
            "client-key": "redacted-client-key", "verify": 0}),
        &format!(
            "{openid} autocreate = false query_userinfo = false client_key = var.new_realm_client_key | client_key"
        ),
    );
    check(json!({"type": "openid", "issuer-url": "https://i"}), "Ansible");
    check(json!({"type": "ad", "server1": "dc", "domain": "x"}), "Ansible");
    check(json!({"type": "pam", "comment": "Linux PAM standard authentication"}), "Ansible");
}

/// A secret that Proxmox does not show is looked up, and one that it shows is in no task.
#[test]
fn secrets_of_realms_are_looked_up() {
    let made = with(
        "access/domains",
        &json!({"realm": "new", "type": "ad", "server1": "dc", "domain": "x", "bind_dn": "cn=x", "tfa": "SECRET"}),
    );
    let tasks = &made.files["ansible/roles/realms/tasks/main.yml"];
    let secrets = &made.files["SECRETS.md"];
    for name in ["PROXMOX_MPC_REALM_NEW_PASSWORD", "PROXMOX_MPC_REALM_NEW_TFA"] {
        assert!(tasks.contains(name) && secrets.contains(name), "{name}");
    }
    let made = with(
        "access/domains",
        &json!({"realm": "new", "type": "ldap", "server1": "h", "base_dn": "x", "tfa": "SECRET"}),
    );
    let tasks = &made.files["ansible/roles/realms/tasks/main.yml"];
    assert!(tasks.contains("PROXMOX_MPC_REALM_NEW_TFA") && made.files["SECRETS.md"].contains("REALM_NEW_TFA"));
    assert!(made.files.values().all(|text| !text.contains("SECRET\"") && !text.contains(": SECRET")));
}

/// A list that hides objects keeps their code, and says so.
#[test]
fn who_may_not_audit_sees_no_complete_list() {
    let mut answers = asked(&fixture("pve-9.1"));
    let granted = json!({"/": {"VM.Audit": 1}, "/access": {"Sys.Audit": 0}, "/access/groups/ops": {"Sys.Audit": 1}});
    *data(&mut answers, "access/permissions") = granted;
    let refusal = Answer::refusal(403, "Permission check failed (/access/realm, Realm.Allocate|Sys.Audit)");
    answers.insert(ApiPath::parse("access/domains/corp"), refusal);
    let made = generated(&answers);
    let unread: Vec<String> = made.unread.iter().map(|unread| unread.identity.to_string()).collect();
    for expected in ["user/*", "group/*", "token/*", "realm/*", "realm/corp"] {
        assert!(unread.iter().any(|one| one == expected), "{expected}: {unread:?}");
    }
    assert!(made.manifest.objects.contains_key(&Identity::new("realm", "sso")));
}
