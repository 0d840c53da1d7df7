//! Tests of explanations, with edits of a recorded cluster's code.

use std::fs;
use std::path::Path;

use proxmox_mpc_generators::{self as generators, Manifest};
use proxmox_mpc_twin::Recording;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::operation::event::Severity;
use crate::workspace::{self, Workspace};

/// The code of a recorded cluster.
struct Lab {
    folder: TempDir,
    manifest: Manifest,
    recording: Recording,
}

impl Lab {
    fn new() -> Self {
        let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/homelab.tar.zst");
        let recording = Recording::open(&recording).unwrap();
        let generated =
            generators::generate(&recording, &generators::Options::default(), &generators::Previous::default())
                .unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in generated.files.iter().filter(|(path, _)| path.starts_with("terraform/")) {
            fs::create_dir_all(folder.path().join("terraform")).unwrap();
            fs::write(folder.path().join(path), text).unwrap();
        }
        let mut manifest = generated.manifest;
        manifest.files = workspace::hashes(&generated.files);
        Self { folder, manifest, recording }
    }

    /// Changes the block that begins with `head`.
    fn edit(&self, file: &str, head: &str, change: impl Fn(&str) -> String) {
        let path = self.folder.path().join("terraform").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let start = text.find(head).unwrap();
        let end = start + text[start..].find("\n}\n").unwrap() + 3;
        fs::write(path, format!("{}{}{}", &text[..start], change(&text[start..end]), &text[end..])).unwrap();
    }

    /// Adds a line after the first one of the block.
    fn add(&self, file: &str, head: &str, line: &str) {
        self.edit(file, head, |block| block.replacen('\n', &format!("\n{line}\n"), 1));
    }

    /// Gives an attribute of the block another value.
    fn set(&self, file: &str, head: &str, attribute: &str, value: &str) {
        self.edit(file, head, |block| {
            let is_it = |line: &&str| line.split_whitespace().take(2).eq([attribute, "="]);
            let line = block.lines().find(is_it).unwrap_or_else(|| panic!("{attribute}"));
            block.replacen(line, &format!("{attribute} = {value}"), 1)
        });
    }

    fn comparison(&self) -> Comparison {
        Comparison::new(&Workspace::at(self.folder.path()), self.manifest.clone(), &self.recording).unwrap()
    }
}

const HAOS: &str = "proxmox_virtual_environment_vm.haos_16_2";
const VMS: (&str, &str) = ("virtual_machines.tf", "resource \"proxmox_virtual_environment_vm\" \"haos_16_2\"");

fn attribute(path: &str, before: Value, after: Value) -> AttributeDifference {
    AttributeDifference { path: path.to_owned(), before, after, replaces: false }
}

fn explained(against: Against, comparison: Option<&Comparison>, difference: Difference) -> Vec<(String, String)> {
    let explained = Explainer { against, comparison }.difference(difference).explanations;
    let sentences = |explanation: Explanation| (explanation.why.into_owned(), explanation.what_to_do.into_owned());
    explained.into_iter().map(sentences).collect()
}

fn update(address: &str, attributes: Vec<AttributeDifference>) -> Difference {
    Difference { address: address.to_owned(), action: Action::Update, attributes }
}

/// The differences are those of Terraform with the real provider for each edit.
#[test]
fn an_edit_is_called_an_edit() {
    let check = |edit: &dyn Fn(&Lab), address: &str, differences: Vec<AttributeDifference>, expected: &[&str]| {
        let lab = Lab::new();
        edit(&lab);
        let explained = explained(Against::Twin, Some(&lab.comparison()), update(address, differences));
        let (why, what) = &explained[0];
        assert!(why.starts_with("The code was changed since the import: "), "{explained:?}");
        for words in expected {
            assert!(why.contains(words), "{words}: {why}");
        }
        assert!(what.starts_with("If you mean it"), "{what}");
        assert!(!explained.iter().any(|(_, what)| what.contains("ignore_changes")), "{explained:?}");
    };
    let (file, vm) = VMS;
    let set = |attribute: &'static str, value: &'static str| move |lab: &Lab| lab.set(file, vm, attribute, value);
    check(
        &set("dedicated", "6144"),
        HAOS,
        vec![attribute("memory[0].dedicated", json!(4096), json!(6144))],
        &[
            "`memory[0].dedicated` is 6144 in the code (terraform/virtual_machines.tf, line ",
            "and 4096 in the recording",
        ],
    );
    check(&set("cores", "3"), HAOS, vec![attribute("cpu[0].cores", json!(2), json!(3))], &["`cpu[0].cores` is 3"]);
    check(
        &set("on_boot", "false"),
        HAOS,
        vec![attribute("on_boot", json!(true), json!(false))],
        &["`on_boot` is false"],
    );
    check(
        &set("started", "false"),
        HAOS,
        vec![attribute("started", json!(true), json!(false))],
        &["`started` is false"],
    );
    check(&set("tags", "[\"a\"]"), HAOS, vec![attribute("tags[0]", json!("b"), json!("a"))], &["`tags[0]` is \"a\""]);
    check(&set("size", "40"), HAOS, vec![attribute("disk[0].size", json!(32), json!(40))], &["`disk[0].size` is 40"]);
    check(
        &set("bridge", "\"vmbr9\""),
        HAOS,
        vec![attribute("network_device[0].bridge", json!("vmbr0"), json!("vmbr9"))],
        &["`network_device[0].bridge` is \"vmbr9\""],
    );
    check(
        &|lab| lab.add(file, vm, "  network_device {\n    bridge = \"vmbr0\"\n  }"),
        HAOS,
        vec![
            attribute("network_device[1].bridge", json!(null), json!("vmbr0")),
            attribute("network_device[1].model", json!(null), json!("virtio")),
        ],
        &["`network_device[1]` is in the code (terraform/virtual_machines.tf, line ", "and not in the recording"],
    );
    check(
        &|lab| lab.add(file, vm, "  keyboard_layout = \"de\""),
        HAOS,
        vec![attribute("keyboard_layout", json!(null), json!("de"))],
        &["`keyboard_layout` is \"de\" in the code", "and not set in the recording"],
    );
    check(
        &|lab| {
            lab.edit(file, vm, |block| {
                block
                    .replace("  startup {", "  # startup {")
                    .replace("    order", "#")
                    .replace("    up_delay = 60\n  }", "")
            });
        },
        HAOS,
        vec![
            attribute("startup[0].order", json!(2), json!(null)),
            attribute("startup[0].up_delay", json!(60), json!(null)),
        ],
        &["`startup[0]` is in the recording and not in the code"],
    );
    let container = "resource \"proxmox_virtual_environment_container\" \"jellyfin\"";
    check(
        &|lab| lab.set("containers.tf", container, "description", "\"other\""),
        "proxmox_virtual_environment_container.jellyfin",
        vec![attribute("description", json!("x\n"), json!("other\n"))],
        &["`description` is \"other\\n\" in the code (terraform/containers.tf, line "],
    );
    check(
        &|lab| lab.set("pools.tf", "resource \"proxmox_virtual_environment_pool\" \"homelab\"", "comment", "\"x\""),
        "proxmox_virtual_environment_pool.homelab",
        vec![attribute("comment", json!("Always on"), json!("x"))],
        &["`comment` is \"x\" in the code (terraform/pools.tf, line "],
    );
    check(
        &|lab| lab.set("users.tf", "resource \"proxmox_virtual_environment_user\" \"admin_pve\"", "email", "\"x@y.z\""),
        "proxmox_virtual_environment_user.admin_pve",
        vec![attribute("email", json!("a@b.c"), json!("x@y.z"))],
        &["`email` is \"x@y.z\""],
    );
    // Elsewhere, and under another name.
    check(
        &|lab| {
            lab.set(file, vm, "dedicated", "var.size");
            fs::write(lab.folder.path().join("terraform/mine.tf"), "variable \"size\" {\n  default = 1\n}\n").unwrap();
        },
        HAOS,
        vec![attribute("memory[0].dedicated", json!(4096), json!(1))],
        &["`memory[0].dedicated` is 1"],
    );
}

#[test]
fn what_was_not_edited_has_another_reason() {
    let memory = || vec![attribute("memory[0].dedicated", json!(4096), json!(512))];
    let lab = Lab::new();
    let check = |against, comparison: Option<&Comparison>, expected: &str| {
        let explained = explained(against, comparison, update(HAOS, memory()));
        assert!(explained[0].0.starts_with(expected), "{explained:?}");
    };
    let compared = lab.comparison();
    check(Against::Twin, Some(&compared), "The guest has no `memory`");
    check(Against::Cluster, Some(&compared), "The cluster was changed since the import, and the code was not: ");
    check(Against::Twin, None, "The code and the recording differ. One known cause: ");
    // Another attribute of the same object was.
    lab.set(VMS.0, VMS.1, "cores", "3");
    check(Against::Twin, Some(&lab.comparison()), FOLLOWS);
    // The files are as the import wrote them, and the recording is another one.
    let mut other = Lab::new();
    other.set(VMS.0, VMS.1, "dedicated", "512");
    let text = fs::read(other.folder.path().join("terraform/virtual_machines.tf")).unwrap();
    other.manifest.files.insert("terraform/virtual_machines.tf".to_owned(), workspace::hash(&text));
    check(Against::Twin, Some(&other.comparison()), "The code comes from another recording: ");
}

#[test]
fn what_is_no_longer_ignored_is_named_with_the_rule() {
    let lab = Lab::new();
    let head = "resource \"proxmox_virtual_environment_container\" \"jellyfin\"";
    lab.edit("containers.tf", head, |block| {
        let start =
            block.find("    # ").filter(|start| block[*start..].contains("ignore_changes")).unwrap_or(block.len());
        let start = start.min(block.find("    ignore_changes").unwrap());
        format!("{}  }}\n}}\n", &block[..start])
    });
    let difference = update(
        "proxmox_virtual_environment_container.jellyfin",
        vec![attribute("timeout_clone", json!(null), json!(1800))],
    );
    let explained = explained(Against::Twin, Some(&lab.comparison()), difference);
    let why = &explained[0].0;
    assert!(
        why.starts_with("`timeout_clone` was removed from `ignore_changes` (terraform/containers.tf, line "),
        "{why}"
    );
    assert!(why.contains("An import leaves the provider's time limits empty"), "{why}");
}

#[test]
fn errors_that_an_edit_causes_name_it() {
    let check = |edit: &dyn Fn(&Lab), address: Option<&str>, detail: &str, expected: &str| {
        let lab = Lab::new();
        edit(&lab);
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            summary: "failed".to_owned(),
            detail: detail.to_owned(),
            address: address.map(str::to_owned),
        };
        let compared = lab.comparison();
        let explainer = Explainer { against: Against::Twin, comparison: Some(&compared) };
        let why = explainer.error(diagnostic).explanation.map(|explanation| explanation.why.into_owned());
        assert!(why.as_deref().unwrap_or_default().starts_with(expected), "{why:?}");
    };
    let pool = "resource \"proxmox_virtual_environment_pool\" \"homelab\"";
    let gone = "The block of `proxmox_virtual_environment_pool.homelab` was removed from the code";
    let undeclared =
        "A managed resource \"proxmox_virtual_environment_pool\" \"homelab\" has not been declared in the root module.";
    check(&|lab| lab.edit("pools.tf", pool, |_| String::new()), None, undeclared, gone);
    check(
        &|lab| lab.edit("pools.tf", pool, |block| block.replace("\"homelab\" {", "\"home\" {")),
        None,
        undeclared,
        &format!(
            "{gone}: an import writes it into terraform/pools.tf. `proxmox_virtual_environment_pool.home` (terraform/pools.tf, line 3)"
        ),
    );
    let detail =
        "While attempting to import an existing object to \"proxmox_virtual_environment_pool.media\", the provider";
    let import = "import {\n  to = proxmox_virtual_environment_pool.media";
    check(
        &|lab| lab.set("imports.tf", import, "id", "\"nope\""),
        None,
        detail,
        "The `import` block was changed since the import: its id is `nope` (terraform/imports.tf, line ",
    );
    let detail = format!(
        "Resource {HAOS} has lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed."
    );
    check(
        &|lab| lab.set(VMS.0, VMS.1, "vm_id", "999"),
        None,
        &detail,
        &format!("The code of `{HAOS}` was changed since the import: `vm_id` (terraform/virtual_machines.tf, line "),
    );
    check(
        &|lab| lab.set(VMS.0, VMS.1, "dedicated", "\"abc\""),
        Some(HAOS),
        "Inappropriate value for attribute \"dedicated\": a number is required.",
        &format!("The code of `{HAOS}` was changed since the import: `memory` (terraform/virtual_machines.tf, line "),
    );
    check(
        &|_| {},
        None,
        "received an HTTP 401 response - Reason: Authentication failed!",
        "The token is wrong or has expired.",
    );
}

#[test]
fn what_is_imported_under_another_name_was_renamed() {
    let lab = Lab::new();
    let renamed = |block: &str| block.replace("\"homelab\" {", "\"home\" {").replace("_pool.homelab\n", "_pool.home\n");
    lab.edit("pools.tf", "resource \"proxmox_virtual_environment_pool\" \"homelab\"", renamed);
    lab.edit("imports.tf", "import {\n  to = proxmox_virtual_environment_pool.homelab\n", renamed);
    let compared = lab.comparison();
    let check = |address: &str, expected: Option<&str>| {
        assert_eq!(compared.renamed(address).map(String::as_str), expected, "{address}");
    };
    check("proxmox_virtual_environment_pool.homelab", Some("proxmox_virtual_environment_pool.home"));
    check("proxmox_virtual_environment_pool.media", None);
    // What it says is compared with what an import writes for the same object.
    lab.set("pools.tf", "resource \"proxmox_virtual_environment_pool\" \"home\"", "comment", "\"x\"");
    let difference =
        update("proxmox_virtual_environment_pool.home", vec![attribute("comment", json!("Always on"), json!("x"))]);
    let explained = explained(Against::Twin, Some(&lab.comparison()), difference);
    assert!(explained[0].0.starts_with("`comment` is \"x\" in the code (terraform/pools.tf, line "), "{explained:?}");
}

#[test]
fn attributes_are_known_by_resource_and_name() {
    let check = |address: &str, name: &str, expected: Option<&str>| {
        assert_eq!(known(address, name).map(|known| known.attribute), expected, "{address} {name}");
    };
    check("proxmox_virtual_environment_vm.web", "scsi_hardware", Some("scsi_hardware"));
    check("module.x.proxmox_virtual_environment_vm.web[\"a.b\"]", "disk", Some("disk"));
    check("proxmox_virtual_environment_container.c", "timeout_clone", Some("timeout_"));
    check("proxmox_storage_cifs.smb", "password", Some("password"));
    check("proxmox_virtual_environment_pool.prod", "comment", None);
}
