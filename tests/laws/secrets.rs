//! Secrets of the cluster and of logins are in nothing that an import leaves behind or prints.

use std::fs;
use std::path::Path;
use std::time::Duration;

use proxmox_mpc_engine::store::{Change, CommitRecord, Location, Observation, Owner, Run, RunEnd, RunOutcome, Store};
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_model::kinds::{Class, Form, KINDS, Key, Kind, RowId, Shape, Source};
use proxmox_mpc_model::redact::Redactor;
use proxmox_mpc_model::{Answer, ApiPath, Cluster};
use proxmox_mpc_twin::credentials::Credentials;
use proxmox_mpc_twin::server::{Options, serve};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::clusters::{Memory, fixture, record};
use crate::support::program::{PROGRAM, Ran, ran_in};

const TOKEN: &str = "ca9a2100-0000-4000-8000-00000000ca9a";

/// A cluster with a secret under every secret key, in every answer that could hold the key. The authored answers
/// contain `CANARY` as well.
fn planted(name: &str) -> Memory {
    let mut answers = fixture(name);
    if name == "odd-corners" {
        answers.extend(authored());
    }
    for (kind, key) in secrets() {
        for path in sources(kind, &answers) {
            plant(&mut answers, kind, key, &path);
        }
    }
    answers
}

/// Objects with secrets of the shapes that need care: within a text, in a list, beside their own name.
fn authored() -> Memory {
    let mut answers = planted_in_access();
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
    answers
}

/// Secrets of accounts: the key of a single sign-on, which Proxmox shows; that of a Yubico service; second factors of
/// the older form; and those that other releases might show.
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

/// Every key of every kind that is a secret.
fn secrets() -> impl Iterator<Item = (&'static Kind, &'static Key)> {
    let keys = KINDS.iter().flat_map(|kind| kind.keys.iter().map(move |key| (*kind, key)));
    keys.filter(|(_, key)| key.class == Class::Secret)
}

/// Answers that objects of a kind are read from: those that it asks for, or its list of the overview.
fn sources(kind: &Kind, answers: &Memory) -> Vec<ApiPath> {
    let cluster = Cluster::read(answers).unwrap();
    let mut paths = kind.requests(&cluster).unwrap();
    paths.extend(Cluster::overview().into_iter().filter(|path| path.as_str() == kind.id));
    paths.retain(|path| answers.get(path).is_some_and(|answer| answer.data().is_some()));
    paths
}

/// Puts a secret into every object of an answer; into a list without any, an object of its own.
fn plant(answers: &mut Memory, kind: &Kind, key: &Key, path: &ApiPath) {
    let name = key.name.replace("[n]", "0");
    let canary = |place: &str| match key.form {
        // Only the password in an address is a secret.
        _ if name == "http_proxy" => format!("http://ada:CANARY-{name}-{place}@proxy:3128/").into(),
        Form::Structure => json!([{"name": "x", "value": format!("CANARY-{name}-{place}")}]),
        _ => format!("CANARY-{name}-{place}").into(),
    };
    let Some(data) = answers.get_mut(path).and_then(|answer| answer.body.get_mut("data")) else { return };
    match data {
        Value::Array(rows) if path.as_str().ends_with("/pending") => {
            rows.retain(|row| row["key"] != *name);
            rows.push(json!({"key": name, "value": canary("value"), "pending": canary("pending")}));
        }
        Value::Array(rows) => {
            if let (true, Source::Listed(listed)) = (rows.is_empty(), &kind.source)
                && let Shape::Rows(RowId::Key(id)) | Shape::Each(RowId::Key(id)) = listed.shape
            {
                rows.push(json!({id: "planted"}));
            }
            for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                row.insert(name.clone(), canary("row"));
            }
        }
        Value::Object(keys) => drop(keys.insert(name.clone(), canary("single"))),
        _ => {}
    }
}

/// The canaries are in the place of the secrets of each kind.
#[test]
fn every_secret_is_planted() {
    let all: Vec<Memory> = RECORDED.iter().map(|name| planted(name)).collect();
    for (kind, key) in secrets() {
        let name = key.name.replace("[n]", "0");
        let there = all.iter().any(|answers| {
            let mut paths = sources(kind, answers).into_iter();
            paths.any(|path| answers[&path].body.to_string().contains(&format!("CANARY-{name}-")))
        });
        assert!(there, "{}: {}", kind.id, key.name);
    }
}

/// The clusters that the canaries are planted in; together they have objects of every kind.
const RECORDED: [&str; 3] = ["odd-corners", "pve-9.1", "homelab"];

#[test]
fn no_secret_leaves_an_import() {
    for name in RECORDED {
        let answers = planted(name);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        record(&answers, &folder.path().join("answers"));
        let (answers, out, kept, packed) = (at("answers"), at("lab"), at("kept"), at("kept.tar.zst"));
        let program = || Invocation::new(PROGRAM);
        let from = ["import", "--from", &answers, "--out", &out];
        let more: [&[&str]; 6] = [
            &["--dry-run"],
            &["--dry-run", "--output", "json"],
            &["--record", &kept, "-vv"],
            &["--record", &packed, "--output", "json"],
            &["--output", "yaml", "--events", "json"],
            &["--only", "kind=pool"],
        ];
        for more in more {
            check(&ran_in(program(), &[&from, more].concat()), &folder.path().join("lab"));
        }
        clean(&folder.path().join("kept"));
        let unpacked = folder.path().join("unpacked");
        proxmox_mpc_twin::recording::unpack(Path::new(&packed), &unpacked).unwrap();
        clean(&unpacked);
        // Of the workspace's own recording, and of one that nobody has taken the secrets out of.
        for from in [&["coverage", &out][..], &["coverage", "--from", &answers]] {
            for more in [&["-v"][..], &["--output", "json"], &["--markdown"]] {
                check(&ran_in(program(), &[from, more].concat()), &folder.path().join("lab"));
            }
        }
    }
}

/// Neither the work tree nor any object of the repository has a secret, and no output either.
#[test]
fn no_secret_leaves_a_sync() {
    for name in RECORDED {
        let folder = tempfile::tempdir().unwrap();
        let (answers, lab) = (folder.path().join("answers"), folder.path().join("lab"));
        record(&planted(name), &answers);
        let git = |arguments: &[&str]| ran_in(Invocation::new("git").folder(&lab), arguments);
        fs::create_dir(&lab).unwrap();
        assert_eq!(git(&["init", "--quiet"]).code, Some(0));
        let words = ["sync", lab.to_str().unwrap(), "--from", answers.to_str().unwrap()];
        for more in [&["--dry-run", "--output", "json"][..], &["-vv"], &["--output", "json", "--events", "json"]] {
            check(&ran_in(Invocation::new(PROGRAM), &[&words, more].concat()), &folder.path().join("nowhere"));
        }
        clean(&lab);
        let objects = git(&["cat-file", "--batch-all-objects", "--batch"]);
        assert!(objects.output.lines().count() > 1000, "{name}: {}", objects.errors);
        assert_eq!(leaked(objects.output.as_bytes()), None, "{name}");
    }
}

/// A proof of such a cluster prints no secret. Without Terraform it is an error, which prints none either.
#[test]
fn no_secret_leaves_a_proof() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    record(&planted("homelab"), &folder.path().join("answers"));
    let (answers, out) = (at("answers"), at("lab"));
    check(
        &ran_in(Invocation::new(PROGRAM), &["import", "--from", &answers, "--out", &out]),
        &folder.path().join("lab"),
    );
    for more in [&["-vv"][..], &["--output", "json", "--events", "json"]] {
        let ran = ran_in(Invocation::new(PROGRAM), &[&["verify", &out], more].concat());
        for text in [&ran.output, &ran.errors] {
            assert!(leaked(text.as_bytes()).is_none(), "{:?}", leaked(text.as_bytes()));
        }
    }
    clean(&folder.path().join("lab"));
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
    let twin = serve(std::sync::Arc::new(planted("odd-corners")), options).unwrap();
    let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_");
    let program = program.env("PROXMOX_VE_API_TOKEN", format!("root@pam!iac={TOKEN}"));
    let (endpoint, fingerprint) = (twin.endpoint(), twin.fingerprint().to_owned());
    let out = folder.path().join("lab");
    let words = ["import", &endpoint, "--fingerprint", &fingerprint, "--out", out.to_str().unwrap(), "-vv"];
    check(&ran_in(program, &words), &out);
    runtime.block_on(twin.stop());
}

/// The store takes texts that were redacted, as every recording is, and adds nothing to them.
#[test]
fn no_secret_is_in_the_state_store() {
    let (folder, redactor) = (tempfile::tempdir().unwrap(), Redactor::new(KINDS));
    let text = |(path, answer): (ApiPath, Answer)| {
        let mut data = answer.body;
        redactor.redact(&path, &mut data);
        (path.to_string(), data.to_string())
    };
    let observations: Vec<Observation> = planted("odd-corners")
        .into_iter()
        .map(text)
        .map(|(object, content)| {
            let (before, after) = (Some(content.clone()), Some(content.clone()));
            let change = Change { key: object.clone(), before, after, time: None, actor: None };
            Observation { object, content: Some(content), changes: vec![change] }
        })
        .collect();
    let time = || "2026-11-23T00:50:00Z".to_owned();
    let [id, author] = ["c1", "alice"].map(str::to_owned);
    let summary = observations[0].content.clone().unwrap().into();
    let commit = CommitRecord { id, time: time(), author, observations };
    Runtime::new().unwrap().block_on(async {
        let owner = Owner { workspace: "lab".to_owned(), cluster: None };
        let store = Store::open(&Location::file(&Workspace::at(folder.path())), &owner).await.unwrap();
        store.record_commit(&commit).await.unwrap();
        let [operation, command, actor] = ["o1", "sync", "alice"].map(str::to_owned);
        store.record_run(&Run { operation, command, actor, started: time() }).await.unwrap();
        store.record_run_end("o1", &RunEnd { time: time(), outcome: RunOutcome::Done, summary }).await.unwrap();
        store.close().await.unwrap();
    });
    let bytes = fs::read(folder.path().join(".proxmox-mpc/state.db")).unwrap();
    assert_eq!(leaked(&bytes), None);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("redacted-") && text.contains("cluster/options"), "the contents are readable in the file");
}

/// The run succeeded, and neither its output nor its files contain a secret.
fn check(ran: &Ran, out: &Path) {
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    for text in [&ran.output, &ran.errors] {
        assert!(leaked(text.as_bytes()).is_none(), "{:?}", leaked(text.as_bytes()));
    }
    if out.exists() {
        clean(out);
    }
}

/// No file below the folder contains a secret.
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
                let bytes = fs::read(&path).unwrap();
                let leak = leaked(&bytes);
                assert!(leak.is_none(), "{}: {leak:?}", path.display());
                // What stands for a secret in a recording is no value for code: it would be set.
                let code = ["tf", "yml"].iter().any(|ending| path.extension().is_some_and(|found| found == *ending));
                assert!(!code || !String::from_utf8_lossy(&bytes).contains("redacted-"), "{}", path.display());
            }
        }
    }
    assert!(files > 10, "{} has files", folder.display());
}

/// Text around a secret in these bytes.
fn leaked(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let start = text.find("CANARY").or_else(|| text.find(TOKEN))?;
    Some(text.chars().skip(text[..start].chars().count().saturating_sub(80)).take(160).collect())
}
