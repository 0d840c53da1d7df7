//! Reports as programs read them: one document for each command, of its published form, that can be read back.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, LazyLock};

use clap::CommandFactory as _;
use proxmox_mpc::cli::Cli;
use proxmox_mpc_engine::commands::COMMANDS;
use proxmox_mpc_engine::operation::report::Document;
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_judges::tools::{Missing, Tool};
use proxmox_mpc_twin::server::{Options, Twin, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support;
use crate::support::program::{PROGRAM, ran, ran_in};
use crate::support::tools::{self, or_skip};
use crate::timeline::{self, Lab};

/// A command line, the kind of its report, and its exit code. `OUT` is a folder that is not there yet, `LAB` one that an
/// import has written, `SYNCED` one with syncs in a repository, `TWIN` the endpoint of a twin.
const LINES: [(&str, &str, i32); 52] = [
    ("demo --out OUT", "demo", 0),
    ("init OUT --endpoint TWIN --yes --no-git", "init", 0),
    ("sync SYNCED --from RECORDING --dry-run", "sync", 0),
    ("import --from RECORDING --out OUT", "import", 0),
    ("import --from RECORDING --out OUT --dry-run", "import", 0),
    ("import --from RECORDING --out OUT --strict", "import", 1),
    ("coverage LAB", "coverage", 0),
    ("coverage LAB --object qemu/101", "coverage", 0),
    ("coverage LAB --fail-under 100", "coverage", 3),
    ("coverage --from RECORDING --markdown", "coverage", 0),
    ("explain", "rules", 0),
    ("explain K1", "rules", 0),
    ("twin --limits", "twin_limits", 0),
    ("twin synth OUT --guests 3", "synthesis", 0),
    ("twin serve RECORDING --listen 127.0.0.1:0", "twin", 0),
    ("config list", "settings", 0),
    ("config get timeout", "setting", 0),
    ("config get otp", "setting", 1),
    ("config set --user timeout 5", "setting_change", 0),
    ("config unset --user timeout", "setting_change", 0),
    ("context list", "contexts", 0),
    ("context show", "context", 0),
    ("context use prod", "context_choice", 0),
    ("schema", "schema", 0),
    ("schema event", "schema", 0),
    ("completions fish", "completions", 0),
    ("man", "manual", 0),
    ("man --out OUT/..", "manual", 0),
    ("version", "version", 0),
    ("status SYNCED", "status", 0),
    ("diff --workspace SYNCED", "diff", 0),
    ("diff 2026-11-20..2026-11-22 --exit-code --workspace SYNCED", "diff", 3),
    ("diff 2026-11-20..2026-11-20 --exit-code --workspace SYNCED", "diff", 0),
    ("diff --code --workspace SYNCED", "diff", 0),
    ("drift --from RECORDING --workspace SYNCED", "drift", 0),
    ("drift adopt --all --dry-run --from RECORDING --workspace SYNCED", "drift_adopt", 0),
    ("drift accept --all --from RECORDING --workspace SYNCED", "drift_accept", 0),
    ("history --workspace SYNCED", "history", 0),
    ("history qemu/101 --workspace SYNCED", "history", 0),
    ("restore qemu/101 --at 2026-11-20 --dry-run --workspace SYNCED", "restore", 0),
    ("extract local x --attribute memory.dedicated --value 512 --dry-run --workspace LAB", "extract", 0),
    ("extract variable x --value 512 --dry-run --workspace LAB", "extract", 0),
    ("extract for-each pools --resource pool --dry-run --workspace LAB", "extract", 0),
    ("extract module pools --resource pool --dry-run --workspace LAB", "extract", 0),
    ("check --workspace LAB", "check", 0),
    ("check --explain PVE101", "check_rules", 0),
    ("check --staged --workspace SYNCED", "check", 0),
    ("hooks install SYNCED", "hooks", 0),
    ("hooks uninstall SYNCED", "hooks", 0),
    ("verify LAB", "proof", 0),
    ("rehearse LAB", "rehearsal", 0),
    ("drift revert --from RECORDING --workspace LAB", "rehearsal", 0),
];

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pve-9.1.tar.zst");

/// A workspace with three syncs, made once.
fn synced() -> &'static str {
    static LAB: LazyLock<Lab> = LazyLock::new(|| timeline::lab().0);
    LAB.root().to_str().unwrap()
}

/// The words of every command that can be run.
fn commands() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut waiting: Vec<(String, clap::Command)> =
        Cli::command().get_subcommands().map(|command| (command.get_name().to_owned(), command.clone())).collect();
    while let Some((name, command)) = waiting.pop() {
        if command.get_subcommands().next().is_none() {
            names.insert(name.clone());
        }
        waiting.extend(command.get_subcommands().map(|below| (format!("{name} {}", below.get_name()), below.clone())));
    }
    names
}

#[test]
fn every_command_has_a_line() {
    let lines = || LINES.iter().map(|(line, ..)| *line);
    let without: Vec<String> =
        commands().into_iter().filter(|name| !lines().any(|line| line.starts_with(name))).collect();
    assert!(without.is_empty(), "{without:?}");
    let unknown: Vec<_> =
        COMMANDS.iter().filter(|command| !LINES.iter().any(|(_, kind, _)| kind == &command.report)).collect();
    assert!(unknown.is_empty(), "{:?}", unknown.iter().map(|command| command.name).collect::<Vec<_>>());
}

/// Standard output of a line: of a server what it prints before it waits, after which it is stopped.
fn output(line: &str, form: &str, folder: &Path) -> (Option<i32>, String, String) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let runtime = Runtime::new().unwrap();
    let credentials = Credentials::fresh();
    let token = credentials.token().unwrap();
    let twin = line.contains("TWIN").then(|| {
        let _inside = runtime.enter();
        serve(Arc::new(Recording::open(Path::new(RECORDING)).unwrap()), Options::new(credentials)).unwrap()
    });
    let word = |word: &str| match word {
        "RECORDING" => RECORDING.to_owned(),
        "LAB" | "OUT/.." => at("lab"),
        "SYNCED" => synced().to_owned(),
        "OUT" => at(&format!("out-{form}")),
        "TWIN" => twin.as_ref().map(Twin::endpoint).unwrap_or_default(),
        other => other.to_owned(),
    };
    let words: Vec<String> = line.split(' ').map(word).chain(["--output".to_owned(), form.to_owned()]).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if line.starts_with("twin serve") {
        return served(&words);
    }
    let program = Invocation::new(PROGRAM).keep("TF_CLI_CONFIG_FILE").env("XDG_CONFIG_HOME", at("config"));
    let program = program.env("XDG_STATE_HOME", at("state"));
    let program = if twin.is_some() { program.secret("PROXMOX_VE_API_TOKEN", token) } else { program };
    std::fs::create_dir_all(folder.join("config/proxmox-mpc")).unwrap();
    std::fs::write(folder.join("config/proxmox-mpc/config.toml"), "[contexts.prod]\nendpoints = ['pve']\n").unwrap();
    let ran = ran_in(program, &words);
    (ran.code, ran.output, ran.errors)
}

#[expect(clippy::disallowed_methods, reason = "a server is stopped by a signal to its own process")]
fn served(words: &[&str]) -> (Option<i32>, String, String) {
    let mut child = std::process::Command::new(PROGRAM)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    // A server that has written something has written all of it: one call.
    let mut bytes = vec![0; 65536];
    let first = output.read(&mut bytes).unwrap();
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::TERM).unwrap();
    let mut text = String::from_utf8(bytes[..first].to_vec()).unwrap();
    output.read_to_string(&mut text).unwrap();
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), text, String::from_utf8(ended.stderr).unwrap())
}

/// The value, if the text is one JSON document.
fn one_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The value, if the text is one YAML document.
fn one_yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_command_ends_with_one_document() {
    for (line, kind, code) in LINES {
        let folder = tempfile::tempdir().unwrap();
        if line.contains("LAB") || line.contains("OUT/..") {
            let lab = folder.path().join("lab");
            assert_eq!(ran(&["import", "--from", RECORDING, "--out", lab.to_str().unwrap()]).code, Some(0));
        }
        let (ended, json, errors) = output(line, "json", folder.path());
        if matches!(kind, "proof" | "rehearsal") && ended == Some(1) && json.is_empty() {
            assert!(
                errors.contains("the provider cannot be installed here") || errors.contains("is installed here"),
                "{errors}"
            );
            let why = errors.lines().next().unwrap_or_default();
            tools::skip(line, &Missing::new(Tool::Provider, why));
            continue;
        }
        assert_eq!(ended, Some(code), "{line}: {errors}");
        let value = one_json(&json);
        assert_eq!((&value["format"], &value["kind"]), (&json!(1), &json!(kind)), "{line}");
        if let Some(command) = COMMANDS.iter().find(|command| command.report == kind) {
            let report = (command.read_back)(&json).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(serde_json::to_value(Document::of(&*report)).unwrap(), value, "{line} is read back");
        }
        if kind != "proof" && kind != "rehearsal" {
            let (ended, yaml, errors) = output(line, "yaml", folder.path());
            assert_eq!(ended, Some(code), "{line}: {errors}");
            let yaml = one_yaml(&yaml);
            assert_eq!(keys(&yaml), keys(&value), "{line}");
        }
    }
}

/// The names of everything in a document, without its values: times and ports differ from run to run.
fn keys(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(fields) => {
                found.extend(fields.keys().filter(|key| !key.contains("out-")).cloned());
                waiting.extend(fields.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    found
}

/// A dry run has the same document, and its addresses are a mapping.
#[test]
fn a_dry_run_has_the_same_document() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let import = |more: &[&str]| {
        let out = at("lab");
        let ran = ran(&[&["import", "--from", RECORDING, "--out", &out, "--output", "json"][..], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        ran.output
    };
    let dry = import(&["--dry-run"]);
    let edited = dry.replace("proxmox_virtual_environment_pool.prod", "proxmox_virtual_environment_pool.production");
    assert_ne!(edited, dry);
    std::fs::write(folder.path().join("mapping.json"), edited).unwrap();
    let wet = import(&["--mapping", &at("mapping.json")]);
    let names = |text: &str| one_json(text).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&dry), names(&wet));
    let wet = one_json(&wet);
    assert_eq!(wet["manifest"]["objects"]["pool/prod"]["address"], "proxmox_virtual_environment_pool.production");
    assert!(wet["files"].is_object() && one_json(&dry)["files"].is_null());
}

/// A validator of the field's agrees that documents and events are of the published schemas.
#[test]
fn documents_are_of_their_schemas() {
    let why = "PROXMOX_MPC_ANSIBLE names no folder with Python's jsonschema; scripts/test makes one";
    let programs = or_skip!(support::variable("PROXMOX_MPC_ANSIBLE").ok_or_else(|| Missing::new(Tool::Ansible, why)));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("schemas.json"), ran(&["schema", "--output", "json"]).output).unwrap();
    let lab = at("lab");
    let imported = ran(&["import", "--from", RECORDING, "--out", &lab, "--output", "json", "--events", "json"]);
    let documents = [
        ("report/import", imported.output),
        ("report/coverage", ran(&["coverage", &lab, "--output", "json"]).output),
        ("report/rules", ran(&["explain", "--output", "json"]).output),
        ("report/schema", ran(&["schema", "--output", "json"]).output),
        ("report/version", ran(&["version", "--output", "json"]).output),
    ];
    let events = imported.errors.lines().map(|line| ("event", line.to_owned()));
    let documents: Vec<Value> =
        documents.into_iter().chain(events).map(|(schema, text)| json!([schema, one_json(&text)])).collect();
    assert!(documents.len() > 8);
    std::fs::write(at("documents.json"), serde_json::to_vec(&documents).unwrap()).unwrap();
    let script = "import json, sys, jsonschema\n\
                  schemas = json.load(open(sys.argv[1]))['schemas']\n\
                  for name, document in json.load(open(sys.argv[2])):\n    \
                  jsonschema.validators.validator_for(schemas[name]).check_schema(schemas[name])\n    \
                  jsonschema.validate(document, schemas[name])\n";
    let python = Invocation::new(Path::new(&programs).join("python"));
    let ran = ran_in(python, &["-c", script, &at("schemas.json"), &at("documents.json")]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors.chars().take(3000).collect::<String>());
}
