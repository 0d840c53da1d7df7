//! `coverage`: the report on a recording, with a line for each kind, object or key.

use std::fs;
use std::path::Path;

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use crate::support;
use crate::support::clusters::{FIXTURES, Memory, asked, data, fixture, place, record};
use crate::support::program::{Ran, ran};

fn coverage(more: &[&str]) -> Ran {
    ran(&[&["coverage"], more].concat())
}

fn homelab() -> String {
    place("homelab.tar.zst").to_str().unwrap().to_owned()
}

fn kept(answers: &Memory, folder: &Path) -> String {
    let place = folder.join("answers");
    record(answers, &place);
    place.to_str().unwrap().to_owned()
}

#[test]
fn the_percentage_is_of_what_is_shown_and_may_be_asked_for() {
    let homelab = homelab();
    let runs = [
        &[][..],
        &["--fail-under", "101"],
        &["--kind", "container", "--fail-under", "97"],
        &["--kind", "pool", "--fail-under", "100"],
        &["--kind", "none"],
        &["--object", "lxc/204"],
        &["--object", "lxc/9"],
    ];
    support::screen("coverage", runs.map(|more| coverage(&[&["--from", &homelab], more].concat())));
    // Documents for programs and for a repository, and a line for each object.
    let check = |more: &[&str], code: i32, words: &[&str]| {
        let ran = coverage(&[&["--from", &homelab], more].concat());
        assert_eq!(ran.code, Some(code), "{more:?}: {}{}", ran.output, ran.errors);
        for word in words {
            assert!(ran.output.contains(word), "{more:?}: {word}: {}", ran.output);
        }
    };
    check(&["--fail-under", "50"], 0, &[]);
    check(&["--fail-under", "100%", "--output", "json"], 3, &["\"fail_under\": 100.0"]);
    check(&["--fail-under", "100", "--markdown"], 3, &["# Coverage"]);
    check(&["-v"], 0, &["qemu/100", "storage/local", "pool/media"]);
}

/// A key without a row comes before anything else, and counts as not covered.
#[test]
fn what_no_row_knows_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut answers = asked(&fixture("homelab"));
    data(&mut answers, "nodes/pve/qemu/111/config")["brand-new"] = "1".into();
    let from = kept(&answers, folder.path());
    let page = coverage(&["--from", &from]);
    assert!(page.output.starts_with("not covered: "), "{}", page.output);
    assert!(page.output.lines().nth(1).unwrap().contains("qemu/111: brand-new"), "{}", page.output);
    let document = coverage(&["--from", &from, "--markdown"]).output;
    let place = |text: &str| document.find(text).unwrap_or_else(|| panic!("{text}: {document}"));
    assert!(place("## Not covered") < place("| kind |"), "{document}");
    assert!(document.contains("- **qemu/111**: `brand-new`\n"), "{document}");
    let report: Value = serde_json::from_str(&coverage(&["--from", &from, "--output", "json"]).output).unwrap();
    assert_eq!(report["not_covered"], json!({"qemu/111": ["brand-new"]}));
    assert_eq!(report["total"]["not_covered"], 1);
    assert_eq!(report["objects"]["qemu/111"]["keys"]["brand-new"], "not covered");
}

/// Objects that a token may not read are listed with the missing privilege, here and in the document that an import
/// writes.
#[test]
fn what_cannot_be_read_is_told_with_the_privilege() {
    let folder = tempfile::tempdir().unwrap();
    let mut answers = asked(&fixture("homelab"));
    let refused = Answer::refusal(403, "Permission check failed (/vms/110, VM.Audit)");
    answers.insert(ApiPath::parse("nodes/pve/qemu/110/config"), refused);
    data(&mut answers, "access/permissions")["/storage"] = json!({});
    let from = kept(&answers, folder.path());
    support::screen("coverage_not_readable", [coverage(&["--from", &from])]);
    let report: Value = serde_json::from_str(&coverage(&["--from", &from, "--output", "json"]).output).unwrap();
    let groups = report["unreadable"].as_array().unwrap();
    let missing = json!([{"privilege": "VM.Audit", "path": "/vms/110"}]);
    let group = groups.iter().find(|group| group["missing"] == missing).unwrap();
    assert_eq!(group["objects"], json!(["qemu/110"]));
    let out = folder.path().join("lab");
    let import = ran(&["import", "--from", &from, "--out", out.to_str().unwrap()]);
    assert_eq!(import.code, Some(0), "{}", import.errors);
    let document = fs::read_to_string(out.join("COVERAGE.md")).unwrap();
    assert!(document.contains("## Not readable with this login"), "{document}");
    assert!(
        document.contains("- **qemu/110**: 403 Permission check failed (/vms/110, VM.Audit). What helps: a role with"),
        "{document}"
    );
}

/// The report on a workspace uses its own recording and addresses, and covers objects that the import excluded.
#[test]
fn a_workspace_is_told_of_with_all_that_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lab");
    let out = out.to_str().unwrap();
    let mapping = folder.path().join("mapping.json");
    let chosen = json!({"format": 1, "objects": {
        "lxc/200": {"address": "proxmox_virtual_environment_container.dns"},
        "lxc/201": {"address": "proxmox_virtual_environment_container.proxy", "skip": true},
    }});
    fs::write(&mapping, chosen.to_string()).unwrap();
    let words = ["import", "--from", &homelab(), "--out", out, "--mapping", mapping.to_str().unwrap()];
    assert_eq!(ran(&[&words, &["--exclude", "id=lxc/202"][..]].concat()).code, Some(0));
    let chosen = coverage(&[out, "--kind", "container"]);
    // What was not even asked for is said once, and is no object of any number.
    let out = folder.path().join("pools");
    let out = out.to_str().unwrap();
    assert_eq!(ran(&["import", "--from", &homelab(), "--out", out, "--only", "kind=pool"]).code, Some(0));
    let nothing = coverage(&[folder.path().to_str().unwrap()]);
    support::screen("coverage_of_a_workspace", [chosen, coverage(&[out]), nothing]);
}

/// The first page is for people; the tables behind it have a line for each object with code, and a few for each kind.
#[test]
fn the_document_begins_with_a_page_that_a_person_reads() {
    let folder = tempfile::tempdir().unwrap();
    let synth = folder.path().join("synth");
    let synth = synth.to_str().unwrap().to_owned();
    let made = ran(&["twin", "synth", &synth, "--nodes", "3", "--guests", "300"]);
    assert_eq!(made.code, Some(0), "{}", made.errors);
    let recorded = FIXTURES.iter().map(|(_, file)| place(file).to_str().unwrap().to_owned());
    for from in recorded.chain([synth]) {
        let document = coverage(&["--from", &from, "--markdown"]).output;
        let (first, tables) = document.split_once("\n## Where each object is\n").unwrap();
        let lines = first.lines().count();
        assert!(lines < 60, "{from}: {lines} lines:\n{first}");
        for word in ["% of the configuration is covered", "## What is in Ansible", "proxmox-mpc explain K1"] {
            assert!(first.contains(word), "{from}: {word}: {first}");
        }
        let (objects, kinds) = tables.split_once("\n## The settings of each kind\n").unwrap();
        let json: Value = serde_json::from_str(&coverage(&["--from", &from, "--output", "json"]).output).unwrap();
        for (identity, object) in json["objects"].as_object().unwrap() {
            let at = object["address"].as_str().or(object["file"].as_str());
            let there = at.is_none_or(|at| objects.contains(&format!("| `{at}`")));
            let shown = identity.replace(|c: char| c.is_control(), " ").replace('|', "\\|");
            assert!(there && objects.contains(&shown), "{from}: {identity}");
            for key in object["keys"].as_object().unwrap().keys() {
                let stem = key.split('.').next().unwrap().trim_end_matches(|c: char| c.is_ascii_digit());
                assert!(kinds.contains(stem), "{from}: {identity}: {key}");
            }
        }
    }
}

/// A terminal has 80 columns.
#[test]
fn no_line_is_wider_than_a_terminal() {
    for (name, file) in FIXTURES {
        let from = place(file).to_str().unwrap().to_owned();
        for more in [&[][..], &["-v"], &["--object", "qemu/100"]] {
            let ran = coverage(&[&["--from", &from], more].concat());
            for line in ran.output.lines() {
                assert!(line.chars().count() <= 80, "{name} {more:?}: {line}");
            }
        }
    }
}
