//! Tests of the Ansible half with the real Ansible. `PROXMOX_MPC_ANSIBLE` names the folder of its programs, which
//! `scripts/test` makes.

mod apply;
mod clients;
mod inventory;
mod lint;
mod play;
mod reader;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_judges::tools::{Missing, Tool};
use proxmox_mpc_twin::credentials::Credentials;
use proxmox_mpc_twin::server::{Options, Twin, serve};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support;
use crate::support::clusters::{Memory, asked, generated};
use crate::support::program::{Ran, ran_in};

/// Login of these tests.
const LOGIN: &str = "root@pam!iac";
const TOKEN: &str = "11111111-2222-3333-4444-555555555555";
/// Login with all privileges in the recorded test cluster that is not root's.
const OPERATOR: &str = "alice@pve!operator";
/// The password of root on the twins of these tests.
const PASSWORD: &str = "made up for a test";

/// Programs that the tests need.
const PROGRAMS: [&str; 6] =
    ["ansible-playbook", "ansible-inventory", "ansible-doc", "ansible-lint", "yamllint", "python3"];

/// Prefixes of the user's variables that change what Ansible does.
const WITHHELD: [&str; 12] = [
    "ANSIBLE_",
    "PROXMOX_",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_",
    "PYTHON",
    "VIRTUAL_ENV",
    "NETRC",
    "http",
    "HTTP",
    "all_proxy",
    "ALL_PROXY",
];

/// The real Ansible.
struct Ansible {
    /// The folder of its programs.
    programs: PathBuf,
    /// Home folder of Ansible, which is not the user's.
    home: TempDir,
}

impl Ansible {
    /// Finds Ansible with the linters and the collection.
    fn find() -> Result<Self, Missing> {
        let places: Vec<PathBuf> = match support::variable("PROXMOX_MPC_ANSIBLE") {
            Some(place) => vec![place.into()],
            None => support::variable("PATH").unwrap_or_default().split(':').map(PathBuf::from).collect(),
        };
        let whole = |place: &&PathBuf| PROGRAMS.iter().all(|program| place.join(program).is_file());
        let Some(programs) = places.iter().find(whole) else {
            let why = format!("no folder has all of {}; scripts/test makes one", PROGRAMS.join(", "));
            return Err(Missing::new(Tool::Ansible, why));
        };
        let home = tempfile::tempdir().unwrap();
        let ansible = Self { programs: programs.clone(), home };
        let has = ansible.python("import ansible_collections.community.proxmox, requests", Path::new("."));
        if has.code == Some(0) {
            Ok(ansible)
        } else {
            Err(Missing::new(Tool::Ansible, "the collection community.proxmox is not installed"))
        }
    }

    /// A program of Ansible in this folder, with the configuration in it and none of the user's settings.
    fn program(&self, name: &str, folder: &Path) -> Invocation {
        let path = support::variable("PATH").unwrap_or_default();
        let program = Invocation::new(self.programs.join(name)).folder(folder);
        WITHHELD
            .into_iter()
            .fold(program, Invocation::withhold)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("HOME", self.home.path().to_str().unwrap())
            .env("LC_ALL", "C.UTF-8")
            // Ansible does not read a configuration in a folder that others can write to, unless it is named.
            .env("ANSIBLE_CONFIG", folder.join("ansible.cfg").to_str().unwrap())
            .env("ANSIBLE_NOCOLOR", "1")
            // A source that cannot be read would otherwise be an empty inventory and a success.
            .env("ANSIBLE_INVENTORY_UNPARSED_FAILED", "true")
    }

    /// Output of Python for a program.
    fn python(&self, program: &str, folder: &Path) -> Ran {
        ran_in(self.program("python3", folder), &["-c", program])
    }
}

/// A workspace on disk, generated from these answers.
struct Workspace {
    folder: TempDir,
}

impl Workspace {
    fn new(answers: &Memory) -> Self {
        Self::of(&generated(answers).files)
    }

    fn of(files: &BTreeMap<String, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    /// The folder of the Ansible half.
    fn ansible(&self) -> PathBuf {
        self.folder.path().join("ansible")
    }
}

/// A twin that serves until this is dropped.
struct Served {
    twin: Option<Twin>,
    authority: tempfile::NamedTempFile,
    runtime: Runtime,
}

impl Served {
    /// A twin with the answers that an import asks for.
    fn imported(answers: &Memory) -> Self {
        Self::whole(asked(answers))
    }

    /// A twin with all of these answers.
    fn whole(answers: Memory) -> Self {
        let runtime = Runtime::new().unwrap();
        let place = tempfile::NamedTempFile::new().unwrap();
        let logins = json!({ "tokens": { LOGIN: TOKEN, OPERATOR: TOKEN }, "passwords": { "root@pam": PASSWORD } });
        fs::write(place.path(), logins.to_string()).unwrap();
        let credentials = Credentials::read(place.path()).unwrap();
        let twin = {
            let _inside = runtime.enter();
            serve(Arc::new(answers), Options { refusal_delay: Duration::ZERO, ..Options::new(credentials) }).unwrap()
        };
        let authority = tempfile::NamedTempFile::new().unwrap();
        fs::write(authority.path(), twin.certificate_pem()).unwrap();
        Self { twin: Some(twin), authority, runtime }
    }

    /// The program with the cluster's address, login and authority in its environment.
    fn reached(&self, program: Invocation) -> Invocation {
        let authority = self.authority.path().to_str().unwrap();
        program
            .env("PROXMOX_VE_ENDPOINT", self.twin.as_ref().unwrap().endpoint())
            .env("PROXMOX_VE_API_TOKEN", format!("{LOGIN}={TOKEN}"))
            .env("PROXMOX_MPC_CA_FILE", authority)
            .env("REQUESTS_CA_BUNDLE", authority)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(twin) = self.twin.take() {
            self.runtime.block_on(twin.stop());
        }
    }
}
