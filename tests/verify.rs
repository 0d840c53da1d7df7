//! The proof: judged by the recorded output of Terraform, and made with the real Terraform if it is installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc::ui::{Captured, Options, OutputFormat, Ui};
use proxmox_mpc_engine::operation::fault::FaultKind;
use proxmox_mpc_engine::operation::{Cancel, EventKind, Face, Request as _, StepId};
use proxmox_mpc_engine::settings::Sources;
use proxmox_mpc_engine::toolchain::terraform::{Counts, Product, TerraformError, Tool, Version, find};
use proxmox_mpc_engine::verify::{self, Proof, ProofRecord, VerifyError, VerifyRequest};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_twin::Recording;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support;
use crate::support::tools::{or_skip, proof, terraform};
use crate::support::workspaces::imported;

/// Output and exit code of the pretended Terraform, by command.
struct Pretend {
    init: (&'static str, i32),
    plan: (&'static str, i32),
}

const CLEAN: Pretend = Pretend { init: ("init.jsonl", 0), plan: ("clean.jsonl", 2) };

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform").join(name)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A workspace whose code imports two pools, and a script in the place of Terraform with its recorded output.
struct VerifyStage {
    folder: TempDir,
    tool: Tool,
}

impl VerifyStage {
    fn new(pretend: &Pretend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("terraform")).unwrap();
        fs::write(folder.path().join("terraform/main.tf"), include_str!("terraform/pools.tf")).unwrap();
        let program = folder.path().join("pretend");
        let (init, plan) = (recorded(pretend.init.0), recorded(pretend.plan.0));
        let script = format!(
            "#!/bin/sh\ncase $1 in\n  version) echo 'Terraform v1.11.4' ;;\n  init) cat {init}; exit {} ;;\n  \
             plan)\n    env > {folder}/environment\n    ls -A > {folder}/files\n    \
             for argument; do case $argument in -out=*) : > \"${{argument#-out=}}\" ;; esac; done\n    \
             cat {plan}; exit {} ;;\n  show) cat {show} ;;\nesac\n",
            pretend.init.1,
            pretend.plan.1,
            init = init.display(),
            plan = plan.display(),
            show = recorded("differences.json").display(),
            folder = folder.path().display(),
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let tool = Tool { program, product: Product::Terraform, version: Version(1, 11, 4) };
        Self { folder, tool }
    }

    fn verify(&self) -> (Result<Proof, VerifyError>, Vec<EventKind>) {
        let (context, events) = support::followed();
        let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
        let proof = verify::against_twin(&Workspace::at(self.folder.path()), &recording, &self.tool, &context);
        let events = events.lock().unwrap().iter().map(|event| event.kind.clone()).collect();
        (proof, events)
    }

    fn left(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

fn shown(proof: &Proof, output: OutputFormat) -> String {
    let (results, errors) = (Captured::default(), Captured::default());
    Ui::captured(Options { output, ..Options::default() }, &results, &errors, None).report(proof).unwrap();
    results.text()
}

#[test]
fn a_plan_that_only_imports_is_a_proof() {
    let stage = VerifyStage::new(&CLEAN);
    let (proof, events) = stage.verify();
    let proof = proof.unwrap();
    assert!(proof.clean && proof.complete);
    assert_eq!(proof.fault_kind(), None);
    assert_eq!(proof.expected, 2);
    support::snapshot("verify_clean", &shown(&proof, OutputFormat::Table));
    assert!(events.contains(&EventKind::Progress { step: StepId(2), done: 2, total: Some(2) }));
}

/// A proof against the twin uses neither the user's credentials and variables nor their state.
#[test]
fn a_proof_has_an_environment_and_a_folder_of_its_own() {
    let stage = VerifyStage::new(&CLEAN);
    let code = stage.folder.path().join("terraform");
    for name in ["terraform.tfstate", "secret.auto.tfvars"] {
        fs::write(code.join(name), "").unwrap();
    }
    fs::write(code.join("variables.tf"), "variable \"password\" {\n  sensitive = true\n}\n").unwrap();
    stage.verify().0.unwrap();
    let environment = stage.left("environment");
    let ours: Vec<&str> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| ["TF_", "PROXMOX_VE_", "PM_VE_"].iter().any(|prefix| name.starts_with(prefix)))
        .filter(|(name, _)| !["TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR"].contains(name))
        .map(|(name, _)| name)
        .collect();
    let mut ours = ours;
    ours.sort_unstable();
    assert_eq!(ours, ["PROXMOX_VE_API_TOKEN", "TF_DATA_DIR", "TF_IN_AUTOMATION", "TF_VAR_password"]);
    assert!(environment.contains("TF_VAR_password=redacted-password"));
    assert_eq!(stage.left("files"), "main.tf\nvariables.tf\nzz_proxmox_mpc_override.tf\n");
}

#[test]
fn differences_are_named_with_what_to_do() {
    let stage = VerifyStage::new(&Pretend { plan: ("differences.jsonl", 2), ..CLEAN });
    let proof = stage.verify().0.unwrap();
    assert_eq!(proof.fault_kind(), Some(FaultKind::Differences));
    let table = shown(&proof, OutputFormat::Table);
    support::snapshot("verify_differences", &table);
    let json = shown(&proof, OutputFormat::Json);
    assert!(!json.contains("canary") && !table.contains("canary"), "a sensitive value was shown");
}

/// A plan in which one object failed has clean numbers, because Terraform counts the others, and proves nothing.
#[test]
fn an_incomplete_plan_is_no_proof() {
    let stage = VerifyStage::new(&Pretend { plan: ("errored.jsonl", 1), ..CLEAN });
    let (proof, events) = stage.verify();
    let proof = proof.unwrap();
    assert!(proof.counts.is_some_and(Counts::changes_nothing), "it looks clean");
    assert_eq!(proof.fault_kind(), Some(FaultKind::Failed));
    assert!(events.iter().any(|event| matches!(event, EventKind::Diagnostic(_))));
    support::snapshot("verify_incomplete", &shown(&proof, OutputFormat::Table));
}

/// A proof takes all four: the exit code, the errors, the numbers, the addresses.
#[test]
fn a_plan_that_looks_clean_may_not_be() {
    let check = |pretend: Pretend, change: &dyn Fn(&Path), expected: Option<FaultKind>| {
        let stage = VerifyStage::new(&pretend);
        change(&stage.folder.path().join("terraform"));
        assert_eq!(stage.verify().0.unwrap().fault_kind(), expected, "{}", pretend.plan.0);
    };
    let nothing = |_: &Path| {};
    check(Pretend { plan: ("clean.jsonl", 0), ..CLEAN }, &nothing, None);
    check(Pretend { plan: ("clean.jsonl", 1), ..CLEAN }, &nothing, Some(FaultKind::Failed));
    check(Pretend { plan: ("errored.jsonl", 2), ..CLEAN }, &nothing, Some(FaultKind::Failed));
    check(Pretend { plan: ("init.jsonl", 0), ..CLEAN }, &nothing, Some(FaultKind::Failed));
    let one_more = |folder: &Path| {
        fs::write(folder.join("imports.tf"), "import {\n  to = a.b\n  id = \"x\"\n}\n").unwrap();
    };
    check(CLEAN, &one_more, Some(FaultKind::Differences));
}

#[test]
fn what_is_not_json_is_text() {
    let stage = VerifyStage::new(&Pretend { plan: ("noise.txt", 1), ..CLEAN });
    let (proof, events) = stage.verify();
    assert_eq!(proof.unwrap().fault_kind(), Some(FaultKind::Failed));
    let line = "panic: runtime error: invalid memory address".to_owned();
    assert!(events.contains(&EventKind::Text { program: "pretend".to_owned(), line }));
}

#[test]
fn a_provider_that_cannot_be_had_is_told_apart() {
    let stage = VerifyStage::new(&Pretend { init: ("no-provider.jsonl", 1), ..CLEAN });
    let error = stage.verify().0.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the provider cannot be installed here: Could not retrieve the list of available versions for provider \
         bpg/proxmox: could not connect to registry.example: failed to request discovery document: Get \
         \"https://registry.example/.well-known/terraform.json\": dial tcp: lookup registry.example: no such host"
    );
    let stage = VerifyStage::new(&Pretend { init: ("noise.txt", 1), ..CLEAN });
    let error = stage.verify().0.unwrap_err();
    assert!(matches!(error, VerifyError::Terraform(TerraformError::Init { .. })), "{error}");
    assert!(error.to_string().contains("panic: runtime error"), "{error}");
}

#[test]
fn a_tool_must_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let check = |says: &str, expected: &str| {
        let program = folder.path().join("tool");
        fs::write(&program, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let found = find(Some(&program), &support::context()).map(|tool| tool.to_string());
        let found = found.unwrap_or_else(|error| error.to_string().replace(program.to_str().unwrap(), "tool"));
        assert_eq!(found, expected);
    };
    check("Terraform v1.11.4", "Terraform 1.11.4");
    check("OpenTofu v1.8.0", "OpenTofu 1.8.0");
    check("Terraform v1.4.6", "Terraform 1.4.6 is too old: import blocks need 1.5.0 or newer");
    // A settings file that is not there is a warning on the other stream, and comes first.
    check("Warning: no settings' >&2; echo 'Terraform v1.11.4", "Terraform 1.11.4");
    check("hello", "`tool` is neither Terraform nor OpenTofu; it answered: hello");
}

/// Gives an attribute of a block another value, whatever it has.
fn set(workspace: &Path, file: &str, block: &str, attribute: &str, value: &str) {
    change(workspace, file, block, |text| {
        let is_it = |line: &&str| line.split_whitespace().take(2).eq([attribute, "="]);
        let line = text.lines().find(is_it).unwrap_or_else(|| panic!("no `{attribute}` in {block}"));
        text.replacen(line, &format!("{attribute} = {value}"), 1)
    });
}

/// Changes the text of a block.
fn change(workspace: &Path, file: &str, block: &str, change: impl Fn(&str) -> String) {
    let path = workspace.join("terraform").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(block).unwrap();
    let end = start + text[start..].find("\n}\n").unwrap() + 3;
    fs::write(path, format!("{}{}{}", &text[..start], change(&text[start..end]), &text[end..])).unwrap();
}

/// Edits are reported as edits, with their place, and never as a fault of the provider.
#[test]
fn the_real_provider_sees_edits_and_they_are_called_that() {
    let tool = or_skip!(terraform());
    let recording = Arc::new(Recording::open(&fixture("homelab.tar.zst")).unwrap());
    let folder = imported(&recording);
    let workspace = folder.path();
    let (machine, container) = (
        "resource \"proxmox_virtual_environment_vm\" \"haos_16_2\"",
        "resource \"proxmox_virtual_environment_container\" \"jellyfin\"",
    );
    for (attribute, value) in [
        ("dedicated", "6144"),
        ("cores", "3"),
        ("tags", "[\"a\"]"),
        ("bridge", "\"vmbr1\""),
        ("size", "40"),
        ("on_boot", "false"),
        ("started", "false"),
    ] {
        set(workspace, "virtual_machines.tf", machine, attribute, value);
    }
    change(workspace, "virtual_machines.tf", machine, |block| {
        block.replacen(
            "  lifecycle {",
            "  network_device {\n    bridge   = \"vmbr0\"\n    firewall = true\n  }\n\n  lifecycle {",
            1,
        )
    });
    set(workspace, "containers.tf", container, "description", "\"other\"");
    set(workspace, "containers.tf", container, "cores", "7");
    set(workspace, "pools.tf", "resource \"proxmox_virtual_environment_pool\" \"homelab\"", "comment", "\"other\"");
    set(workspace, "users.tf", "resource \"proxmox_virtual_environment_user\" \"admin_pve\"", "email", "\"a@b.c\"");
    set(
        workspace,
        "guest_firewalls.tf",
        "resource \"proxmox_virtual_environment_firewall_options\"",
        "enabled",
        "false",
    );
    let proof = or_skip!(proof(workspace, &recording, &tool));
    let table = shown(&proof, OutputFormat::Table);
    assert_eq!(proof.fault_kind(), Some(FaultKind::Differences), "{table}");
    let mut edited = 0;
    for found in &proof.differences {
        for explanation in &found.explanations {
            let goes_along = explanation.what_to_do.starts_with("Nothing: this disappears");
            let is_edit = explanation.why.starts_with("The code was changed since the import: ");
            assert!(is_edit || goes_along, "{table}");
            edited += usize::from(is_edit);
        }
    }
    assert_eq!((proof.differences.len(), edited), (5, 12), "{table}");
    support::snapshot("verify_edits", &support::filtered(&table));
    // A block that is gone, and nothing refers to it; its `import` block stands at first.
    let folder = imported(&recording);
    let workspace = folder.path();
    let text = fs::read_to_string(workspace.join("terraform/imports.tf")).unwrap();
    let address = text.lines().find_map(|line| line.trim().strip_prefix("to = proxmox_metrics_server.")).unwrap();
    let block = format!("resource \"proxmox_metrics_server\" \"{address}\"");
    change(workspace, "metric_servers.tf", &block, |_| String::new());
    let proof = verify::against_twin(&Workspace::at(workspace), &recording, &tool, &support::context()).unwrap();
    let table = shown(&proof, OutputFormat::Table);
    let removed = format!("The block of `proxmox_metrics_server.{address}` was removed from the code");
    assert!(table.contains(&removed), "{table}");
    change(workspace, "imports.tf", &format!("import {{\n  to = proxmox_metrics_server.{address}\n"), |_| {
        String::new()
    });
    let proof = verify::against_twin(&Workspace::at(workspace), &recording, &tool, &support::context()).unwrap();
    let table = shown(&proof, OutputFormat::Table);
    assert_eq!(proof.removed, [format!("proxmox_metrics_server.{address}")], "{table}");
    support::snapshot("verify_import_removed", &support::filtered(&table));
}

/// A proof with the real Terraform and the real provider, then another one with one attribute changed.
#[test]
fn the_real_provider_agrees() {
    let tool = or_skip!(terraform());
    let recording = Arc::new(Recording::open(&fixture("pve-9.1.tar.zst")).unwrap());
    let workspace = imported(&recording);
    let placed = Workspace::at(workspace.path());
    let proof = or_skip!(proof(workspace.path(), &recording, &tool));
    let table = shown(&proof, OutputFormat::Table);
    assert!(proof.clean, "{table}");
    let answers = proof.answers.unwrap();
    assert_eq!(answers.unknown, 0, "{table}");
    let files = verify::generated(&placed, &verify::manifest(&placed).unwrap()).unwrap();
    let record = ProofRecord::new(&proof, verify::digest(&recording).unwrap(), files.clone()).unwrap();
    assert_eq!(record.mismatches(&verify::digest(&recording).unwrap(), &files), []);
    let pools = workspace.path().join("terraform/pools.tf");
    let text = fs::read_to_string(&pools).unwrap();
    assert!(text.contains("Production workloads"), "{text}");
    fs::write(&pools, text.replace("Production workloads", "Something else")).unwrap();
    let proof = verify::against_twin(&placed, &recording, &tool, &support::context()).unwrap();
    assert_eq!(proof.fault_kind(), Some(FaultKind::Differences));
    let difference = &proof.differences[0].difference;
    assert_eq!(difference.address, "proxmox_virtual_environment_pool.prod");
    assert_eq!(difference.attributes[0].path, "comment");
    assert_eq!(difference.attributes[0].before, "Production workloads");
    assert_eq!(difference.attributes[0].after, "Something else");
}

/// The report of `verify`, as the command makes it.
fn requested(workspace: &Path, recording: &Path, all: bool) -> Proof {
    let request = VerifyRequest {
        workspace: workspace.to_owned(),
        recording: Some(recording.to_owned()),
        all,
        ..VerifyRequest::default()
    };
    let runtime = Runtime::new().unwrap();
    let face = Face { sources: Arc::new(Sources::of_process()), ..Face::unattended(runtime.handle().clone()) };
    runtime.block_on(request.run(face.operation(Cancel::default()))).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// An edit of one file of a workspace or its recording: all of `from` becomes `to`.
struct FileEdit {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The number of objects that are planned for it; `None` for all.
    planned: Option<std::ops::RangeInclusive<usize>>,
}

/// For each kind of edit of the code or of the answers, what changed gets the verdict that all of the code gets.
#[test]
fn what_is_proved_is_what_all_proves() {
    let tool = or_skip!(terraform());
    let from = fixture("homelab.tar.zst");
    let packed = Recording::open(&from).unwrap();
    let folder = imported(&packed);
    let workspace = folder.path().join("lab");
    or_skip!(proof(folder.path(), &Arc::new(packed), &tool));
    let ran =
        support::program::ran(&["import", "--from", from.to_str().unwrap(), "--out", workspace.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let recording = workspace.join(".proxmox-mpc/recordings/latest");
    let first = requested(&workspace, &recording, false);
    assert!(first.clean && first.unchanged == 0, "{first:?}");
    let again = requested(&workspace, &recording, false);
    assert_eq!((again.clean, again.proved, again.unchanged), (true, 0, first.expected));
    let edit = |file, from, to, planned| FileEdit { file, from, to, planned };
    let answers = ".proxmox-mpc/recordings/latest/api2/json";
    let edits = [
        edit(
            "terraform/virtual_machines.tf",
            "name          = \"haos-16.2\"",
            "name          = \"other\"",
            Some(1..=8),
        ),
        edit(
            "terraform/pools.tf",
            "resource \"proxmox_virtual_environment_pool\" \"homelab\" {\n  pool_id = \"homelab\"",
            "resource \"proxmox_virtual_environment_pool\" \"homelab\" {\n  pool_id = \"other\"",
            Some(1..=30),
        ),
        edit("terraform/provider.tf", "provider \"proxmox\" {}", "provider \"proxmox\" {\n  insecure = true\n}", None),
        edit(
            "terraform/imports.tf",
            "import {\n  to = proxmox_metrics_server.influx\n  id = \"influx\"\n}\n",
            "",
            Some(1..=1),
        ),
        edit(
            "terraform/metric_servers.tf",
            "resource \"proxmox_metrics_server\"",
            "resource \"proxmox_virtual_environment_role\" \"new\" {\n  role_id    = \"New\"\n  privileges = [\"VM.Audit\"]\n}\n\nresource \"proxmox_metrics_server\"",
            Some(0..=1),
        ),
        edit("terraform/variables.tf", "default     = null", "default     = \"x\"", Some(1..=12)),
        edit("qemu/110/config", "\"cores\":6", "\"cores\":3", Some(1..=50)),
    ];
    for FileEdit { file, from, to, planned } in edits {
        let path = match file.strip_prefix("qemu/") {
            Some(rest) => workspace.join(format!("{answers}/nodes/pve/qemu/{rest}.json")),
            None => workspace.join(file),
        };
        let text = fs::read_to_string(&path).unwrap();
        let (from, to) = if text.contains(from) { (from.to_owned(), to) } else { (from.replace("\":", "\": "), to) };
        assert!(text.contains(&from), "{file}: {text}");
        fs::write(&path, text.replace(&from, to)).unwrap();
        let records = workspace.join(".proxmox-mpc/proofs.json");
        let kept = fs::read(&records).unwrap();
        let some = requested(&workspace, &recording, false);
        let verdict = |proof: &Proof| {
            let differences: Vec<String> =
                proof.differences.iter().map(|found| found.difference.address.clone()).collect();
            (proof.clean, proof.complete, differences, proof.missing.clone())
        };
        match &planned {
            Some(range) => assert!(range.contains(&some.proved), "{file}: {} planned", some.proved),
            None => assert_eq!(some.unchanged, 0, "{file}"),
        }
        let all = requested(&workspace, &recording, true);
        assert_eq!(verdict(&some), verdict(&all), "{file}: {to}");
        fs::write(&path, text).unwrap();
        fs::write(&records, kept).unwrap();
        assert_eq!(requested(&workspace, &recording, false).proved, 0, "{file}: put back");
    }
}

/// With `--live`, Terraform uses the user's own environment and state, and leaves their folder unchanged.
#[test]
fn a_live_proof_counts_what_is_managed_and_leaves_the_folder_alone() {
    let stage = VerifyStage::new(&Pretend { plan: ("managed.jsonl", 0), ..CLEAN });
    let code = stage.folder.path().join("terraform");
    fs::write(code.join("terraform.tfstate"), "{}").unwrap();
    let before = names(&code);
    let proof = verify::live(&Workspace::at(stage.folder.path()), None, &stage.tool, &support::context()).unwrap();
    assert_eq!((proof.clean, proof.expected, proof.managed), (true, 2, 2));
    assert_eq!(names(&code), before);
    assert_eq!(stage.left("files"), "main.tf\nterraform.tfstate\n", "it runs in the user's own folder");
    assert!(stage.left("environment").contains("TF_DATA_DIR="), "set up aside");
    fs::create_dir(code.join(".terraform")).unwrap();
    verify::live(&Workspace::at(stage.folder.path()), None, &stage.tool, &support::context()).unwrap();
    assert!(!stage.left("environment").contains("TF_DATA_DIR="), "set up by the user");
    support::snapshot("verify_live", &shown(&proof, OutputFormat::Table));
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
