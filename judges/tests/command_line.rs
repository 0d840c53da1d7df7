//! Command line of the judges: exit codes, JSON documents, and tools that this machine lacks.

#![expect(clippy::unwrap_used, reason = "what cannot go on in a test has failed it")]

use std::process::{Command, Output};

use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "the program is started as people start it")]
fn judges(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_judges"));
    command.args(arguments).env_remove("PROXMOX_MPC_REQUIRE").envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn exit_codes_say_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let exchanges = folder.path().to_str().unwrap();
    let exchange = r#"{"request": {"method": "GET", "path": "/"}, "response": {"status": 200}}"#;
    std::fs::write(folder.path().join("1.json"), exchange).unwrap();
    let check = |arguments: &[&str], environment: &[(&str, &str)], code: i32, output: &str, errors: &str| {
        let ended = judges(arguments, environment);
        let (printed, warned) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {printed}{warned}");
        assert!(printed.contains(output) && output.is_empty() == printed.is_empty(), "{arguments:?}: {printed}");
        assert!(warned.contains(errors) && errors.is_empty() == warned.is_empty(), "{arguments:?}: {warned}");
    };
    check(&[], &[], 2, "", "Usage: judges");
    check(&["fidelity", "nonsense"], &[], 2, "", "error: no set is called `nonsense`; there are pve-9.1-get, ");
    check(&["fidelity", "homelab-get"], &[], 0, "homelab-get: 634 of 634 equal (100.0 %), floor 634\n", "");
    let nobody = ["replay", "https://127.0.0.1:1", exchanges];
    check(&nobody, &[], 0, "differs  1.json: no answer: ", "");
    check(&[&nobody[..], &["--floor", "1"]].concat(), &[], 1, "0 of 1 equal (0.0 %)", "");
    check(&["replay", "https://127.0.0.1:1", "/nonexistent"], &[], 2, "", "caused by: No such file");
    // Nothing is installed there.
    let empty = ("PATH", "/nonexistent");
    check(&["provider"], &[empty], 0, "skipped: terraform is not installed\n", "");
    check(&["roundtrip"], &[empty, ("PROXMOX_MPC_REQUIRE", "ansible")], 0, "skipped: terraform is not installed\n", "");
    let required = ("PROXMOX_MPC_REQUIRE", "ansible,terraform");
    check(&["provider"], &[empty, required], 1, "required: terraform is not installed\n", "");
    check(&["roundtrip"], &[empty, required], 1, "required: terraform is not installed\n", "");
}

#[test]
fn with_json_there_is_one_document() {
    let check = |arguments: &[&str], expected: &[(&str, Value)]| {
        let ended = judges(&[arguments, &["--json"]].concat(), &[("PATH", "/nonexistent")]);
        let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
        for (place, value) in expected {
            assert_eq!(document.pointer(place), Some(value), "{place}: {document}");
        }
    };
    let equal = [("/passed", true.into()), ("/sets/0/equal", 634.into()), ("/sets/0/floor", 634.into())];
    check(&["fidelity", "homelab-get"], &equal);
    check(&["provider"], &[("/passed", true.into()), ("/missing/tool", "terraform".into())]);
}
