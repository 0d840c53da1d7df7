//! `--only` and `--exclude`: excluded objects keep their code.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_twin::Recording;

use super::{APP, Files, Lab, PROD, WEB, files};
use crate::support::clusters::read;

#[test]
fn only_what_was_chosen_becomes_code() {
    let check = |filters: &[&str], inside: &[&str], outside: &[&str]| {
        let lab = Lab::new();
        lab.import(filters).done();
        for address in inside {
            assert!(!lab.code(address).is_empty(), "{filters:?}: {address}");
        }
        for address in outside {
            assert_eq!(lab.code(address), "", "{filters:?}: {address}");
        }
    };
    check(&["--only", "kind=vm"], &[WEB], &[APP, PROD]);
    check(&["--only", "id=100", "--only", "id=200"], &[WEB, APP], &[PROD]);
    check(&["--only", "node=pve1", "--exclude", "tag=web"], &[APP], &[WEB]);
    check(&["--only", "pool=prod"], &[WEB, APP, PROD], &["proxmox_virtual_environment_pool.dev"]);
    check(&["--exclude", "name=web-*"], &[APP, PROD], &[WEB]);
}

/// The code of excluded objects stays byte for byte, in each order of runs.
#[test]
fn what_is_left_out_keeps_its_code() {
    let filters: [&[&str]; 6] = [
        &["--only", "kind=vm"],
        &["--exclude", "kind=vm"],
        &["--only", "kind=container"],
        &["--exclude", "kind=storage"],
        &["--exclude", "id=100", "--exclude", "id=200"],
        &["--only", "node=pve2"],
    ];
    let full = Lab::imported().files();
    for filter in filters {
        let lab = Lab::imported();
        let output = lab.import(filter).done();
        assert_eq!(lab.files().get("terraform/imports.tf"), full.get("terraform/imports.tf"), "{filter:?}");
        assert_eq!(terraform(&lab.files()), terraform(&full), "{filter:?}");
        assert!(output.contains("kept as it is"), "{filter:?}: {output}");
        lab.import(&[]).done();
        assert_eq!(terraform(&lab.files()), terraform(&full), "{filter:?}");
        let lab = Lab::new();
        lab.import(filter).done();
        lab.import(&[]).done();
        assert_eq!(terraform(&lab.files()), terraform(&full), "{filter:?}");
    }
}

/// Kept code is still proved: the recording of an import has the answers for all of the code.
#[test]
fn the_recording_answers_for_what_was_kept() {
    let lab = Lab::imported();
    lab.import(&["--only", "kind=vm"]).done();
    let place = lab.at("lab/.proxmox-mpc/recordings/latest");
    let answers = read(&Recording::open(&place).unwrap());
    let config = ApiPath::parse("nodes/pve1/lxc/200/config");
    assert!(answers.contains_key(&config));
}

/// A guest that has changed and is excluded keeps its code.
#[test]
fn a_change_of_what_is_left_out_waits() {
    let mut lab = Lab::imported();
    let web = lab.code(WEB);
    lab.data("nodes/pve1/qemu/100/config")["memory"] = "8192".into();
    lab.import(&["--exclude", "id=100"]).done();
    assert_eq!(lab.code(WEB), web);
    lab.import(&[]).done();
    assert!(lab.code(WEB).contains("8192"));
}

fn terraform(files: &Files) -> Files {
    files
        .iter()
        .filter(|(path, _)| path.starts_with("terraform/"))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect()
}

/// Objects that kept code refers to are generated as well.
#[test]
fn the_list_of_secrets_speaks_of_kept_code() {
    let lab = Lab::imported();
    let before = lab.read("SECRETS.md");
    assert!(before.contains("`TF_VAR_smb_storage_password`") && before.contains("/etc/pve/priv/storage/"), "{before}");
    lab.import(&["--only", "kind=pool"]).done();
    assert_eq!(lab.read("SECRETS.md"), before);
}

/// A word that is no kind is wrong usage. A condition that holds for nothing stops the import if it leaves nothing to
/// import, and is reported otherwise; nothing is changed before.
#[test]
fn conditions_that_choose_nothing_are_told() {
    let lab = Lab::imported();
    let before = files(&lab.at("lab"));
    let check = |filters: &[&str], code: i32, expected: &[&str]| {
        let ran = lab.import(filters);
        assert_eq!(ran.code, Some(code), "{filters:?}: {}{}", ran.output, ran.errors);
        for words in expected {
            assert!(ran.errors.contains(words), "{filters:?}: {words}: {}", ran.errors);
        }
        assert_eq!(files(&lab.at("lab")), before, "{filters:?}");
    };
    check(&["--only", "kind=vmm"], 2, &["there is no kind `vmm`", "did you mean `vm`?", "backup_job, "]);
    check(&["--exclude", "kind=fire?all"], 2, &["there is no kind `fire?all`"]);
    check(&["--only", "node=pve9"], 1, &["matches `--only node=pve9`"]);
    check(&["--only", "tag=no", "--only", "pool=no"], 1, &["matches `--only tag=no` or `--only pool=no`"]);
    check(&["--only", "id=100", "--exclude", "id=100"], 1, &["matches `--only` without matching `--exclude`"]);
    check(&["--only", "id=100", "--only", "kind=pool"], 1, &["matches `--only`"]);
    check(&["--only", "id=9999", "--dry-run"], 1, &["matches `--only id=9999`"]);
    let output = lab.import(&["--only", "node=pve1", "--only", "node=pve9", "--exclude", "name=nobody"]).done();
    let (reported, rest) = (output.contains("filters that match no object"), output.contains("--only node=pve1\n"));
    assert!(
        reported && !rest && output.contains("--only node=pve9") && output.contains("--exclude name=nobody"),
        "{output}"
    );
}

/// The document covers the whole recording, whatever was chosen.
#[test]
fn the_coverage_is_of_all_that_is_on_record() {
    // What the first page says is code.
    let code = |text: &str| text.lines().find(|line| line.contains(" in Terraform**")).map(str::to_owned);
    let full = Lab::imported().read("COVERAGE.md");
    // All code is kept: it counts as before.
    let lab = Lab::imported();
    lab.import(&["--only", "kind=pool"]).done();
    let kept = lab.read("COVERAGE.md");
    assert_eq!(code(&kept), code(&full));
    assert!(code(&full).unwrap().contains("virtual machine ") && !kept.contains(" excluded**"), "{kept}");
    // Nothing of it is code: it is on record all the same.
    let lab = Lab::new();
    lab.import(&["--only", "kind=pool"]).done();
    let text = lab.read("COVERAGE.md");
    assert!(
        text.contains("objects excluded**: virtual machine ") && text.contains("They count as not covered"),
        "{text}"
    );
    assert!(
        text.contains("Not read in this import, because `--only` or `--exclude` excludes the whole kind: "),
        "{text}"
    );
    assert!(!text.contains("**100.0 % of the configuration is covered.**"), "{text}");
    assert!(code(&text).unwrap().contains("pool ") && !code(&text).unwrap().contains("storage"), "{text}");
}
