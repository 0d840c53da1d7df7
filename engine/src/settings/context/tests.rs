//! Contexts: the one that counts, the settings that it gives, and what a workspace may not do with them.

use std::fs;
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::operation::fault::Fault as _;
use crate::settings::{Connection, Layers};

/// A home with two contexts, a workspace of one of them, a workspace with two clusters, and one without contexts.
struct Stage {
    folder: TempDir,
}

const USER: &str = "
timeout = 9
api_token_file = 'everyday'
[contexts.prod]
endpoints = ['prod1', 'prod2']
api_token_file = 'prod'
workspace = '../../../prod'
[contexts.bare]
endpoints = ['bare']
[contexts.named]
username = 'a@pve'
";

const INFRA: &str = "
endpoints = ['infra']
[contexts.lab]
folder = 'lab'
endpoints = ['lab']
[contexts.edge]
folder = 'sites/edge'
";

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["home/.config/proxmox-mpc", "prod", "infra/lab/terraform", "infra/sites/edge", "plain", "single"]
        {
            fs::create_dir_all(stage.at(folder)).unwrap();
        }
        stage.write("home/.config/proxmox-mpc/config.toml", USER);
        stage.write("infra/proxmox-mpc.toml", INFRA);
        stage.write("infra/sites/edge/proxmox-mpc.toml", "endpoints = ['edge']\n");
        stage.write("single/proxmox-mpc.toml", "endpoints = ['single']\n");
        stage
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    /// Works with a command in this folder: `--context` and `PROXMOX_MPC_CONTEXT` as given, empty where there are none.
    fn with<T>(&self, asked: [&str; 2], work: impl FnOnce(&World<'_>) -> T) -> T {
        let [option, variable] = asked;
        let home = self.at("home").display().to_string();
        work(&World {
            context: (!option.is_empty()).then_some(option),
            variable: &|name| match name {
                "HOME" => Some(home.clone()),
                VARIABLE => Some(variable.to_owned()),
                _ => None,
            },
            read: &|path| fs::read_to_string(path),
            run: &|_| Err("no programs".into()),
        })
    }

    /// Context, workspace and endpoints of a command that is started in this folder, or the error.
    fn here(&self, folder: &str, asked: [&str; 2]) -> String {
        self.with(asked, |world| {
            let told = || -> Result<String, SettingsError> {
                let workspace = crate::settings::in_context(&self.at(folder), true, world)?;
                let layers = Layers::read(Connection::default(), Some(&workspace), world)?;
                let endpoints = layers.endpoints().map_or_else(
                    |_| "nowhere".to_owned(),
                    |endpoints| {
                        endpoints.iter().map(|endpoint| endpoint.host().to_owned()).collect::<Vec<_>>().join(",")
                    },
                );
                let root = fs::canonicalize(workspace.root()).unwrap();
                let root = root.strip_prefix(fs::canonicalize(self.folder.path()).unwrap()).unwrap();
                Ok(format!("{} {} {endpoints}", layers.context().unwrap_or("-"), root.display()))
            };
            told().unwrap_or_else(|error| error.to_string().replace(&self.folder.path().display().to_string(), ""))
        })
    }

    /// The file that a login's secret is read from, by its name.
    fn secret(&self, folder: &str, context: &str) -> Option<String> {
        self.with([context, ""], |world| {
            let layers = Layers::read(Connection::default(), Some(&Workspace::at(self.at(folder))), world).unwrap();
            Some(layers.secret_file()?.file_name().unwrap().to_str().unwrap().to_owned())
        })
    }
}

#[test]
fn the_first_way_to_name_a_context_counts() {
    let stage = Stage::new();
    let check = |folder: &str, asked: [&str; 2], expected: &str| {
        assert_eq!(stage.here(folder, asked), expected, "{folder} {asked:?}");
    };
    check("plain", ["", ""], "- plain nowhere");
    check("single", ["", ""], "- single single");
    check("plain", ["prod", ""], "prod prod prod1,prod2");
    check("plain", ["", "prod"], "prod prod prod1,prod2");
    check("plain", ["bare", "prod"], "bare plain bare");
    check("single", ["prod", ""], "prod prod prod1,prod2");
    check("prod", ["", ""], "prod prod prod1,prod2");
    // A workspace with several clusters.
    check("infra", ["", ""], "- infra infra");
    check("infra", ["lab", ""], "lab infra/lab lab");
    check("infra/lab/terraform", ["", ""], "lab infra/lab lab");
    check("infra/sites/edge", ["", ""], "edge infra/sites/edge edge");
    check("infra/sites/edge", ["lab", ""], "lab infra/lab lab");
    // What is chosen counts in its own place only.
    stage.write("home/.local/state/proxmox-mpc/context.toml", "current = 'bare'\n");
    stage.write("infra/.proxmox-mpc/context.toml", "current = 'lab'\n");
    check("plain", ["", ""], "bare plain bare");
    check("single", ["", ""], "- single single");
    check("prod", ["", ""], "prod prod prod1,prod2");
    check("infra", ["", ""], "lab infra/lab lab");
    check("infra/lab/terraform", ["", ""], "lab infra/lab lab");
    check("infra/sites/edge", ["", ""], "edge infra/sites/edge edge");
    check("infra", ["", "edge"], "edge infra/sites/edge edge");
}

#[test]
fn a_name_that_leads_nowhere_is_an_error_with_the_names() {
    let stage = Stage::new();
    let check = |folder: &str, name: &str, message: &str, hint: &str| {
        let error = stage.with([name, ""], |world| {
            Layers::read(Connection::default(), Some(&Workspace::at(stage.at(folder))), world).unwrap_err()
        });
        let message_here = error.to_string().replace(&stage.folder.path().display().to_string(), "");
        assert_eq!((message_here.as_str(), error.hints()[0].as_str()), (message, hint));
    };
    check(
        "plain",
        "prud",
        "there is no context `prud`",
        "Did you mean `prod`? The contexts here are bare, named, prod.",
    );
    check("infra", "xyz", "there is no context `xyz`", "The contexts here are bare, edge, lab, named, prod.");
    let hint = "Leave out the folder, or use `--context edge`.";
    check("infra/sites/edge", "lab", "`/infra/sites/edge` is the folder of the context `edge`, not of `lab`", hint);
    stage.write("infra/proxmox-mpc.toml", "[contexts.prod]\nfolder = 'lab'\nendpoints = ['evil']\n");
    let message =
        "two files name the context `prod`: `/infra/proxmox-mpc.toml` and `/home/.config/proxmox-mpc/config.toml`";
    check("infra", "prod", message, "Rename the one in your own file.");
    stage.write("infra/.proxmox-mpc/context.toml", "current = 'bare'\n");
    assert_eq!(stage.here("infra", ["", ""]), "- infra nowhere", "a workspace does not choose a context of the user's");
}

/// A login is sent to the cluster that it was named for.
#[test]
fn a_context_of_the_users_brings_its_own_login() {
    let stage = Stage::new();
    stage.write("single/proxmox-mpc.toml", "api_token_file = 'inside'\n");
    stage.write("prod/proxmox-mpc.toml", "fingerprints = []\nmin_tls = '1.2'\n");
    let check = |folder: &str, context: &str, expected: Option<&str>| {
        assert_eq!(stage.secret(folder, context).as_deref(), expected, "{folder} {context}");
    };
    check("plain", "prod", Some("prod"));
    check("plain", "bare", None);
    check("single", "bare", None);
    check("single", "", Some("inside"));
    check("infra/lab", "lab", Some("everyday"));
    stage.with(["prod", ""], |world| {
        let layers = Layers::read(Connection::default(), Some(&Workspace::at(stage.at("prod"))), world).unwrap();
        let value = |setting| layers.holder(setting).unwrap().source(setting);
        assert!(matches!(value(&crate::settings::table::TIMEOUT), crate::settings::Source::User { .. }));
        assert!(matches!(value(&crate::settings::table::MIN_TLS), crate::settings::Source::Workspace { .. }));
    });
}

#[test]
fn what_a_file_may_not_say_is_refused_in_a_context_as_well() {
    let check = |file: &str, text: &str, expected: &str| {
        let stage = Stage::new();
        stage.write(file, text);
        let error = stage.with(["", ""], |world| {
            Layers::read(Connection::default(), Some(&Workspace::at(stage.at("infra"))), world).unwrap_err()
        });
        assert!(error.to_string().contains(expected), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
    };
    let (infra, user) = ("infra/proxmox-mpc.toml", "home/.config/proxmox-mpc/config.toml");
    check(infra, "[contexts.x]\nfolder = '../prod'", "`contexts.x.folder` in ");
    check(infra, "[contexts.x]\nfolder = '.'", "names a file outside of the workspace");
    check(infra, "[contexts.x]\nworkspace = 'lab'", "`contexts.x.workspace` in ");
    check(infra, "[contexts.x]\napi_token_file = '/prod'", "names a file outside of the workspace");
    check(infra, "[contexts.x]\napi_token_command = 'x'", "is not taken from a workspace");
    check(infra, "[contexts.x]\ninsecure = true", "is not taken from a workspace");
    check(user, "[contexts.x]\napi_token = 'CANARY'", "`contexts.x.api_token` in ");
    check(user, "[contexts.x]\nfolder = 'lab'", "is not a setting");
    check(user, "[contexts.'-']\ntimeout = 1", "is not the name of a context");
    check(user, "contexts = 'x'", "has to be a table, as in `[contexts.prod]`");
}

#[test]
fn the_choice_before_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/context.toml");
    let read = || {
        let world = World {
            context: None,
            variable: &|name| (name == "XDG_STATE_HOME").then(|| folder.path().display().to_string()),
            read: &|_| match fs::read_to_string(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::ErrorKind::NotFound.into()),
                text => text,
            },
            run: &|_| Err("no programs".into()),
        };
        StoredChoice::of_user(&world).unwrap()
    };
    let mut choices = Vec::new();
    for name in ["a", "b", "b", "c"] {
        read().then(name).write(&path).unwrap();
        choices.push((read().current.unwrap(), read().previous));
    }
    let expected = [("a", None), ("b", Some("a")), ("b", Some("a")), ("c", Some("b"))];
    assert_eq!(choices, expected.map(|(current, before)| (current.to_owned(), before.map(str::to_owned))));
}
