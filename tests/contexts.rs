//! Settings and contexts on the command line: where values come from, what is written, and which cluster counts.

use std::fs;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use tempfile::TempDir;

use crate::support;
use crate::support::program::{PROGRAM, Ran, ran_in};

/// A home, a workspace `lab`, and a workspace `infra` with two clusters.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        stage.write("home/.config/proxmox-mpc/config.toml", "# mine\n[contexts.prod]\nendpoints = ['prod'] # best\n");
        stage.write("lab/proxmox-mpc.toml", "endpoints = ['lab1', 'lab2'] # both\ntimeout = 5\n");
        stage.write(
            "infra/proxmox-mpc.toml",
            "[contexts.east]\nfolder = 'east'\nendpoints = ['e']\n[contexts.west]\nfolder = 'west'\n",
        );
        stage.write("infra/west/proxmox-mpc.toml", "endpoints = ['w']\n");
        fs::create_dir_all(stage.folder.path().join("infra/east")).unwrap();
        fs::create_dir_all(stage.folder.path().join("plain")).unwrap();
        stage
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn ran(&self, folder: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let home = self.folder.path().join("home").display().to_string();
        let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_").withhold("PROXMOX_MPC_").withhold("XDG_");
        let program = program.env("HOME", home).folder(self.folder.path().join(folder));
        let program = variables.iter().fold(program, |program, (name, value)| program.env(*name, *value));
        ran_in(program, arguments)
    }
}

#[test]
fn settings_are_listed_and_changed() {
    let stage = Stage::new();
    let secrets = [("PROXMOX_VE_API_TOKEN", "root@pam!iac=CANARY"), ("PROXMOX_VE_MIN_TLS", "1.2")];
    let lab = |arguments: &[&str]| stage.ran("lab", &secrets, arguments);
    let runs = [
        lab(&["config", "list"]),
        lab(&["config", "get", "endpoints"]),
        lab(&["config", "get", "api_token"]),
        lab(&["config", "get", "otp"]),
        lab(&["config", "get", "contexts.prod.endpoints"]),
        lab(&["config", "set", "endpoints", "lab3,lab4", "lab5"]),
        lab(&["config", "set", "min_tls", "1.3"]),
        lab(&["config", "set", "--user", "timeout", "70"]),
        lab(&["config", "set", "--user", "contexts.edge.endpoints", "edge"]),
        lab(&["config", "unset", "timeout"]),
        lab(&["config", "unset", "timeout"]),
        lab(&["config", "get", "timeout"]),
    ];
    assert!(runs.iter().all(|ran| !ran.output.contains("CANARY") && !ran.errors.contains("CANARY")));
    support::screen("config", runs);
    assert_eq!(
        stage.text("lab/proxmox-mpc.toml"),
        "endpoints = [\"lab3\", \"lab4\", \"lab5\"] # both\nmin_tls = \"1.3\"\n"
    );
    assert_eq!(
        stage.text("home/.config/proxmox-mpc/config.toml"),
        "timeout = 70\n# mine\n[contexts.prod]\nendpoints = ['prod'] # best\n\n[contexts.edge]\nendpoints = [\"edge\"]\n"
    );
}

#[test]
fn what_a_file_may_not_say_is_not_written() {
    let stage = Stage::new();
    let before = stage.text("lab/proxmox-mpc.toml");
    let lab = |arguments: &[&str]| stage.ran("lab", &[], arguments);
    let runs = [
        lab(&["config", "set", "api_token", "root@pam!iac=CANARY"]),
        lab(&["config", "set", "--user", "contexts.prod.password", "CANARY"]),
        lab(&["config", "set", "terraform", "tofu"]),
        lab(&["config", "set", "api_token_file", "/etc/token"]),
        lab(&["config", "set", "timeout", "soon"]),
        lab(&["config", "set", "timeout", "1", "2"]),
        lab(&["config", "set", "endpoints", "https://root:CANARY@pve"]),
        lab(&["config", "set", "fingerprints", "AB:CD"]),
        lab(&["config", "set", "username", "root"]),
        lab(&["config", "set", "endpoint", "pve"]),
        lab(&["config", "set", "contexts.a/b.endpoints", "pve"]),
        stage.ran("plain", &[], &["config", "set", "--workspace", "timeout", "5"]),
    ];
    assert!(
        runs.iter().all(|ran| !ran.output.contains("CANARY") && !ran.errors.contains("CANARY") && ran.code == Some(2))
    );
    let shown: Vec<Ran> = runs
        .into_iter()
        .map(|mut ran| {
            ran.arguments.iter_mut().for_each(|word| *word = word.replace("CANARY", "…"));
            ran
        })
        .collect();
    support::screen("config_refusals", shown);
    assert_eq!(stage.text("lab/proxmox-mpc.toml"), before);
}

#[test]
fn a_context_is_listed_chosen_and_left() {
    let stage = Stage::new();
    let runs = [
        stage.ran("plain", &[], &["context", "list"]),
        stage.ran("plain", &[], &["context", "use", "-"]),
        stage.ran("plain", &[], &["context", "use", "prod"]),
        stage.ran("plain", &[], &["context", "show"]),
        stage.ran("lab", &[], &["context", "show"]),
        stage.ran("lab", &[], &["context", "use", "prod"]),
        stage.ran("infra", &[], &["context", "use", "east"]),
        stage.ran("infra", &[], &["context", "use", "west"]),
        stage.ran("infra", &[], &["context", "list"]),
        stage.ran("infra", &[], &["config", "get", "endpoints"]),
        stage.ran("infra", &[], &["context", "use", "-"]),
        stage.ran("infra", &[], &["config", "get", "endpoints"]),
        stage.ran("infra/west", &[], &["context", "show"]),
        stage.ran("infra", &[], &["--context", "west", "context", "show"]),
        stage.ran("infra", &[("PROXMOX_MPC_CONTEXT", "prod")], &["context", "show"]),
        stage.ran("infra", &[], &["--context", "weast", "verify"]),
        stage.ran("plain", &[], &["context", "use", "prd"]),
    ];
    support::screen("contexts", runs);
    let ignored = stage.text("infra/.proxmox-mpc/.gitignore");
    assert!(ignored.ends_with("*\n"), "the choice is nobody else's");
}

/// Where the environment names another cluster than the context, that is said.
#[test]
fn the_environment_wins_over_a_context_and_says_so() {
    let stage = Stage::new();
    let variables = [("PROXMOX_VE_ENDPOINT", "127.0.0.1:1"), ("PROXMOX_VE_API_TOKEN", "root@pam!iac=11111111-2222")];
    let ran = stage.ran("plain", &variables, &["--context", "prod", "import", "--out", "out"]);
    support::screen("context_overridden", [ran]);
}
