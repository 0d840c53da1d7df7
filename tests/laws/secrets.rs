//! A secret that the cluster shows, or that we log in with, is in nothing that an import leaves behind or prints.

use std::fs;
use std::path::Path;
use std::time::Duration;

use proxmox_mpc::toolchain::invocation::Invocation;
use proxmox_mpc_model::{Answer, ApiPath};
use proxmox_mpc_twin::credentials::Credentials;
use proxmox_mpc_twin::server::{Options, serve};
use serde_json::json;

use crate::support::clusters::{Memory, data, fixture, record};
use crate::support::program::{PROGRAM, Ran, ran_in};

const TOKEN: &str = "ca9a2100-0000-4000-8000-00000000ca9a";

/// Secrets wherever Proxmox could show one. `CANARY` stands in the authored answers as well.
fn planted() -> Memory {
    let mut answers = fixture("odd-corners");
    let guest = "nodes/north/qemu/268";
    data(&mut answers, &format!("{guest}/config"))["cipassword"] = "CANARY-config".into();
    let pending = data(&mut answers, &format!("{guest}/pending")).as_array_mut().unwrap();
    pending.retain(|item| item["key"] != "cipassword");
    pending.push(json!({"key": "cipassword", "value": "CANARY-value", "pending": "CANARY-pending"}));
    for storage in data(&mut answers, "storage").as_array_mut().unwrap() {
        for key in ["password", "keyring", "encryption-key"] {
            if matches!(storage["type"].as_str(), Some("pbs" | "cifs" | "rbd" | "cephfs")) {
                storage[key] = format!("CANARY-{key}").into();
            }
        }
    }
    let others = [
        ("cluster/options", json!({"http_proxy": "http://ada:CANARY@proxy:3128/", "keyboard": "de"})),
        (
            "cluster/acme/plugins",
            json!([{"plugin": "cf", "type": "dns", "api": "cf", "data": "CF_Token=CANARY\nB=CANARY"}]),
        ),
        ("cluster/metrics/server", json!([{"id": "otel", "type": "opentelemetry", "server": "h", "port": 1}])),
        (
            "cluster/metrics/server/otel",
            json!({"type": "opentelemetry", "server": "h", "port": 1, "otel-headers": "CANARY", "token": "CANARY"}),
        ),
        (
            "cluster/notifications/endpoints/gotify",
            json!([{"name": "g", "origin": "user-created", "server": "h", "token": "CANARY"}]),
        ),
        (
            "cluster/notifications/endpoints/webhook",
            json!([{"name": "w", "url": "h", "method": "get", "secret": ["name=a,value=CANARY"]}]),
        ),
    ];
    for (path, data) in others {
        answers.insert(ApiPath::parse(path), Answer::ok(data));
    }
    let dns = json!([{"dns": "pdns", "type": "powerdns", "url": "http://dns", "key": "CANARY-sdn-key", "ttl": 300}]);
    let ipam =
        json!([{"ipam": "nb", "type": "netbox", "url": "http://nb", "token": "CANARY-sdn-token", "digest": "x"}]);
    answers.insert(ApiPath::parse("cluster/sdn/dns"), Answer::ok(dns));
    answers.insert(ApiPath::parse("cluster/sdn/ipams"), Answer::ok(ipam));
    answers.insert(ApiPath::parse("storage/pbs-full"), Answer::ok(json!({"password": "CANARY-single"})));
    answers.extend(planted_in_access());
    answers
}

/// The key of a single sign-on, which Proxmox shows; that of a Yubico service; second factors of the older form; and what
/// other releases might show.
fn planted_in_access() -> Memory {
    let realms = [
        json!({"realm": "sso", "type": "openid", "issuer-url": "https://id", "client-id": "pve",
            "client-key": "CANARY-client-key"}),
        json!({"realm": "corp", "type": "ldap", "server1": "ldap", "base_dn": "dc=x", "bind_dn": "cn=x",
            "password": "CANARY-bind", "tfa": "type=yubico,id=1,key=CANARY-tfa"}),
        json!({"realm": "ad", "type": "ad", "server1": "dc", "domain": "x", "bind_dn": "x", "password": "CANARY-bind",
            "client-key": "CANARY-client-key", "tfa": "type=yubico,id=1,key=CANARY-tfa"}),
    ];
    let users =
        json!([{"userid": "ada@pve", "enable": 1, "expire": 0, "keys": "CANARYOTPSECRET", "password": "CANARY"}]);
    let mut answers = Memory::new();
    for realm in &realms {
        let path = ApiPath::new(["access", "domains", realm["realm"].as_str().unwrap()]);
        answers.insert(path, Answer::ok(realm.clone()));
    }
    answers.insert(ApiPath::parse("access/domains"), Answer::ok(realms.to_vec().into()));
    answers.insert(ApiPath::parse("access/users?full=1"), Answer::ok(users));
    answers
}

#[test]
fn no_secret_leaves_an_import() {
    let answers = planted();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    record(&answers, &folder.path().join("answers"));
    let (answers, out, kept, packed) = (at("answers"), at("lab"), at("kept"), at("kept.tar.zst"));
    let program = || Invocation::new(PROGRAM);
    let from = ["import", "--from", &answers, "--out", &out];
    let more: [&[&str]; 5] = [
        &["--dry-run"],
        &["--dry-run", "--output", "json"],
        &["--record", &kept, "-vv"],
        &["--record", &packed, "--output", "json"],
        &["--output", "yaml", "--events", "json"],
    ];
    for more in more {
        check(&ran_in(program(), &[&from, more].concat()), &folder.path().join("lab"));
    }
    clean(&folder.path().join("kept"));
    let unpacked = folder.path().join("unpacked");
    proxmox_mpc_twin::recording::unpack(Path::new(&packed), &unpacked).unwrap();
    clean(&unpacked);
}

#[test]
fn no_secret_leaves_an_import_over_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let logins = format!(r#"{{"tokens": {{"root@pam!iac": "{TOKEN}"}}}}"#);
    let place = folder.path().join("credentials.json");
    fs::write(&place, logins).unwrap();
    let credentials = Credentials::read(&place).unwrap();
    fs::remove_file(place).unwrap();
    let _inside = runtime.enter();
    let options = Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) };
    let twin = serve(std::sync::Arc::new(planted()), options).unwrap();
    let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_");
    let program = program.env("PROXMOX_VE_API_TOKEN", format!("root@pam!iac={TOKEN}"));
    let (endpoint, fingerprint) = (twin.endpoint(), twin.fingerprint().to_owned());
    let out = folder.path().join("lab");
    let words = ["import", &endpoint, "--fingerprint", &fingerprint, "--out", out.to_str().unwrap(), "-vv"];
    check(&ran_in(program, &words), &out);
    runtime.block_on(twin.stop());
}

/// The run went well, and neither it nor what it wrote says a secret.
fn check(ran: &Ran, out: &Path) {
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    for text in [&ran.output, &ran.errors] {
        assert!(told(text.as_bytes()).is_none(), "{:?}", told(text.as_bytes()));
    }
    if out.exists() {
        clean(out);
    }
}

/// No file below the folder says a secret.
fn clean(folder: &Path) {
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let told = told(&fs::read(&path).unwrap());
                assert!(told.is_none(), "{}: {told:?}", path.display());
            }
        }
    }
    assert!(files > 10, "{} has files", folder.display());
}

/// What stands around a secret in these bytes.
fn told(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let start = text.find("CANARY").or_else(|| text.find(TOKEN))?;
    Some(text.chars().skip(text[..start].chars().count().saturating_sub(80)).take(160).collect())
}
