//! Settings as the program takes them: from the workspace's file, the user's file and the environment.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_twin::server::{Options, serve};
use proxmox_mpc_twin::{Credentials, Recording};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::clusters::place;
use crate::support::program::{PROGRAM, Ran, ran_in};

/// A workspace that is still empty, and a folder of the user's settings.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/proxmox-mpc")).unwrap();
        fs::create_dir(folder.path().join("lab")).unwrap();
        Self { folder }
    }

    fn lab(&self) -> String {
        self.folder.path().join("lab").to_str().unwrap().to_owned()
    }

    fn workspace(&self, settings: &str) {
        fs::write(Path::new(&self.lab()).join("proxmox-mpc.toml"), settings).unwrap();
    }

    fn user(&self, settings: &str) {
        fs::write(self.folder.path().join("config/proxmox-mpc/config.toml"), settings).unwrap();
    }

    /// Runs the program without the settings of whoever runs the tests.
    fn ran(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_").withhold("PROXMOX_MPC_");
        let program = program.env("XDG_CONFIG_HOME", self.folder.path().join("config").to_str().unwrap());
        ran_in(variables.iter().fold(program, |program, (name, value)| program.env(*name, *value)), arguments)
    }
}

#[test]
fn an_import_needs_no_option_where_files_say_everything() {
    let stage = Stage::new();
    let runtime = Runtime::new().unwrap();
    let credentials = Credentials::fresh();
    let token = credentials.token().unwrap();
    let twin = {
        let _inside = runtime.enter();
        let recording = Recording::open(&place("pve-9.1.tar.zst")).unwrap();
        serve(Arc::new(recording), Options::new(credentials)).unwrap()
    };
    stage.workspace(&format!("endpoints = ['{}']\nfingerprints = ['{}']\n", twin.endpoint(), twin.fingerprint()));
    stage.user("api_token_file = 'token'\nconcurrency = 2\n");
    fs::write(stage.folder.path().join("config/proxmox-mpc/token"), token.expose_secret()).unwrap();
    let lab = stage.lab();
    let words = ["import", "--out", &lab, "--only", "kind=pool"];
    let ran = stage.ran(&[], &words);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    assert!(Path::new(&lab).join("manifest.json").is_file() && Path::new(&lab).join("proxmox-mpc.toml").is_file());
    let ran = stage.ran(&[("PROXMOX_VE_ENDPOINT", "127.0.0.1:1")], &words);
    assert_eq!(ran.code, Some(1), "the environment wins over files: {}", ran.errors);
    stage.workspace("endpoint = 'pve'\n");
    let ran = stage.ran(&[], &words);
    assert_eq!(ran.code, Some(2), "{}", ran.errors);
    assert!(ran.errors.ends_with("is not a setting\nhint: Did you mean `endpoints`?\n"), "{}", ran.errors);
    runtime.block_on(twin.stop());
}

#[test]
fn terraform_is_named_by_an_option_a_variable_or_the_users_file() {
    let stage = Stage::new();
    let lab = stage.lab();
    let recording = place("pve-9.1.tar.zst");
    let check = |user: &str, variable: &str, option: &[&str], expected: &str| {
        stage.user(user);
        let words = ["verify", &lab, "--recording", recording.to_str().unwrap()];
        let ran = stage.ran(&[("PROXMOX_MPC_TERRAFORM", variable)], &[&words, option].concat());
        assert!(ran.errors.contains(expected), "{expected}: {}", ran.errors);
    };
    check("terraform = '/file'", "", &[], "`file` could not be started");
    check("terraform = '/file'", "/variable", &[], "`variable` could not be started");
    check("terraform = '/file'", "/variable", &["--terraform-bin", "/option"], "`option` could not be started");
    stage.workspace("terraform = './terraform'\n");
    check("", "", &[], "is not taken from a workspace, which may come from somebody else");
}
