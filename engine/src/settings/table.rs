//! Settings table: the names, the form and the place of every setting, declared once. Resolving and documentation loop over
//! it.

/// A setting: its names in each source, and what may be said there.
#[derive(Debug)]
pub struct Setting {
    /// The key in a settings file: `api_token_file`.
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
    /// The environment variable.
    pub variable: Option<&'static str>,
    /// The option of the command line.
    pub option: Option<&'static str>,
    /// The value where no source has one, written as in the environment.
    pub default: Option<&'static str>,
    /// The settings files that it may stand in.
    pub files: Files,
    /// The setting in one sentence.
    pub sentence: &'static str,
}

/// The form of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// Texts: separated by commas in the environment, an array in a file.
    List,
    /// The path of a file; relative to the folder of the settings file that it stands in.
    Path,
    /// A program: a name that `PATH` is searched for, or a path.
    Program,
    /// `true` or `false`.
    Switch,
    /// A whole number between these two, both included.
    Number(u64, u64),
    /// A text that is never shown.
    Secret,
}

/// The settings files that a setting may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// The workspace's file and the user's.
    Both,
    /// Both, but the workspace's file may only name a file in the workspace: whoever wrote the file must not choose
    /// which secret of the user is read.
    BothInside,
    /// The user's file only. A workspace may come from somebody else, who must neither start programs nor turn checks off,
    /// nor choose where the state store is.
    User,
    /// No file, since it is a secret.
    None {
        /// The places where it belongs instead, as a sentence.
        instead: &'static str,
    },
}

/// Every setting, in the order of the documentation.
pub static SETTINGS: [&Setting; 23] = [
    &ENDPOINTS,
    &API_TOKEN,
    &API_TOKEN_FILE,
    &API_TOKEN_COMMAND,
    &USERNAME,
    &PASSWORD,
    &PASSWORD_FILE,
    &PASSWORD_COMMAND,
    &OTP,
    &AUTH_TICKET,
    &CSRF_PREVENTION_TOKEN,
    &CA_FILE,
    &FINGERPRINTS,
    &INSECURE,
    &MIN_TLS,
    &TIMEOUT,
    &CONCURRENCY,
    &TERRAFORM,
    &ANSIBLE_PLAYBOOK,
    &GENERATED_BRANCH,
    &STATE_URL,
    &STATE_URL_FILE,
    &STATE_URL_COMMAND,
];

/// The table of contexts in a settings file.
pub const CONTEXTS: &str = "contexts";

/// The table of levels of the rules of `check` in a settings file.
pub const CHECK: &str = "check";

/// The key of a context in the user's file that names the workspace of its code.
pub const CONTEXT_WORKSPACE: &str = "workspace";

/// The key of a context in a workspace's file that names the folder of its code, inside that workspace.
pub const CONTEXT_FOLDER: &str = "folder";

/// The settings that say which cluster it is and who asks: a context of the user's that names endpoints takes none of them
/// from elsewhere in the files.
pub(super) static CLUSTER: [&Setting; 9] = [
    &ENDPOINTS,
    &API_TOKEN_FILE,
    &API_TOKEN_COMMAND,
    &USERNAME,
    &PASSWORD_FILE,
    &PASSWORD_COMMAND,
    &CA_FILE,
    &FINGERPRINTS,
    &INSECURE,
];

/// `endpoints`
pub static ENDPOINTS: Setting = Setting {
    name: "endpoints",
    form: Form::List,
    variable: Some("PROXMOX_VE_ENDPOINT"),
    option: Some("--endpoint"),
    default: None,
    files: Files::Both,
    sentence: "The nodes of the cluster, best first: `pve.example` or `https://10.0.0.1:8006`. The others stand in for the first.",
};

/// `api_token`
pub static API_TOKEN: Setting = Setting {
    name: "api_token",
    form: Form::Secret,
    variable: Some("PROXMOX_VE_API_TOKEN"),
    option: None,
    default: None,
    files: Files::None {
        instead: "Set PROXMOX_VE_API_TOKEN, or name a file with mode 0600 as `api_token_file`, or a command as `api_token_command`.",
    },
    sentence: "The API token: `USER@REALM!NAME=UUID`.",
};

/// `api_token_file`
pub static API_TOKEN_FILE: Setting = Setting {
    name: "api_token_file",
    form: Form::Path,
    variable: Some("PROXMOX_MPC_API_TOKEN_FILE"),
    option: Some("--api-token-file"),
    default: None,
    files: Files::BothInside,
    sentence: "The file that holds the API token; give it mode 0600.",
};

/// `api_token_command`
pub static API_TOKEN_COMMAND: Setting = Setting {
    name: "api_token_command",
    form: Form::Text,
    variable: Some("PROXMOX_MPC_API_TOKEN_COMMAND"),
    option: Some("--api-token-command"),
    default: None,
    files: Files::User,
    sentence: "The command that prints the API token. No shell reads it.",
};

/// `username`
pub static USERNAME: Setting = Setting {
    name: "username",
    form: Form::Text,
    variable: Some("PROXMOX_VE_USERNAME"),
    option: Some("--username"),
    default: None,
    files: Files::Both,
    sentence: "The user to log in as with a password, instead of with an API token: `root@pam`.",
};

/// `password`
pub static PASSWORD: Setting = Setting {
    name: "password",
    form: Form::Secret,
    variable: Some("PROXMOX_VE_PASSWORD"),
    option: None,
    default: None,
    files: Files::None {
        instead: "Set PROXMOX_VE_PASSWORD, or name a file with mode 0600 as `password_file`, or a command as `password_command`.",
    },
    sentence: "The password of the user.",
};

/// `password_file`
pub static PASSWORD_FILE: Setting = Setting {
    name: "password_file",
    form: Form::Path,
    variable: Some("PROXMOX_MPC_PASSWORD_FILE"),
    option: Some("--password-file"),
    default: None,
    files: Files::BothInside,
    sentence: "The file that holds the password; give it mode 0600.",
};

/// `password_command`
pub static PASSWORD_COMMAND: Setting = Setting {
    name: "password_command",
    form: Form::Text,
    variable: Some("PROXMOX_MPC_PASSWORD_COMMAND"),
    option: Some("--password-command"),
    default: None,
    files: Files::User,
    sentence: "The command that prints the password. No shell reads it.",
};

/// `otp`
pub static OTP: Setting = Setting {
    name: "otp",
    form: Form::Secret,
    variable: Some("PROXMOX_VE_OTP"),
    option: None,
    default: None,
    files: Files::None { instead: "Set PROXMOX_VE_OTP for one login." },
    sentence: "The current code of the user's second factor (TOTP).",
};

/// `auth_ticket`
pub static AUTH_TICKET: Setting = Setting {
    name: "auth_ticket",
    form: Form::Secret,
    variable: Some("PROXMOX_VE_AUTH_TICKET"),
    option: None,
    default: None,
    files: Files::None { instead: "Set PROXMOX_VE_AUTH_TICKET." },
    sentence: "A ticket from another login, instead of a password: `PVE:user@realm:…`.",
};

/// `csrf_prevention_token`
pub static CSRF_PREVENTION_TOKEN: Setting = Setting {
    name: "csrf_prevention_token",
    form: Form::Secret,
    variable: Some("PROXMOX_VE_CSRF_PREVENTION_TOKEN"),
    option: None,
    default: None,
    files: Files::None { instead: "Set PROXMOX_VE_CSRF_PREVENTION_TOKEN." },
    sentence: "The token that writes carry beside the ticket.",
};

/// `ca_file`
pub static CA_FILE: Setting = Setting {
    name: "ca_file",
    form: Form::Path,
    variable: Some("PROXMOX_MPC_CA_FILE"),
    option: Some("--ca-file"),
    default: None,
    files: Files::Both,
    sentence: "The PEM file of the certificate authorities to trust, and of no others.",
};

/// `fingerprints`
pub static FINGERPRINTS: Setting = Setting {
    name: "fingerprints",
    form: Form::List,
    variable: Some("PROXMOX_MPC_FINGERPRINT"),
    option: Some("--fingerprint"),
    default: None,
    files: Files::Both,
    sentence: "The SHA-256 fingerprints of the certificates to trust, one for each node.",
};

/// `insecure`
pub static INSECURE: Setting = Setting {
    name: "insecure",
    form: Form::Switch,
    variable: Some("PROXMOX_VE_INSECURE"),
    option: Some("--insecure"),
    default: Some("false"),
    files: Files::User,
    sentence: "Trust any certificate: anybody on the network path can read the token or the password.",
};

/// `min_tls`
pub static MIN_TLS: Setting = Setting {
    name: "min_tls",
    form: Form::Text,
    variable: Some("PROXMOX_VE_MIN_TLS"),
    option: Some("--min-tls"),
    default: Some("1.3"),
    files: Files::Both,
    sentence: "The least version of TLS: 1.2 or 1.3.",
};

/// `timeout`
pub static TIMEOUT: Setting = Setting {
    name: "timeout",
    form: Form::Number(1, u64::MAX),
    variable: None,
    option: Some("--timeout"),
    default: Some("60"),
    files: Files::Both,
    sentence: "The seconds that one answer may take.",
};

/// `concurrency`
pub static CONCURRENCY: Setting = Setting {
    name: "concurrency",
    form: Form::Number(1, 256),
    variable: None,
    option: Some("--concurrency"),
    default: Some("16"),
    files: Files::Both,
    sentence: "The number of requests of an import that may be under way at once.",
};

/// `generated_branch`
pub static GENERATED_BRANCH: Setting = Setting {
    name: "generated_branch",
    form: Form::Text,
    variable: None,
    option: None,
    default: Some("proxmox-mpc/generated"),
    files: Files::Both,
    sentence: "The branch of the generated code. Two workspaces of one repository need two.",
};

/// `terraform`
pub static TERRAFORM: Setting = Setting {
    name: "terraform",
    form: Form::Program,
    variable: Some("PROXMOX_MPC_TERRAFORM"),
    option: Some("--terraform-bin"),
    default: None,
    files: Files::User,
    sentence: "The Terraform or OpenTofu to run. Without it, `PATH` is searched for `terraform`, then `tofu`.",
};

/// `ansible_playbook`
pub static ANSIBLE_PLAYBOOK: Setting = Setting {
    name: "ansible_playbook",
    form: Form::Program,
    variable: None,
    option: Some("--ansible-bin"),
    default: Some("ansible-playbook"),
    files: Files::User,
    sentence: "The `ansible-playbook` that a rehearsal runs.",
};

/// `state_url`
pub static STATE_URL: Setting = Setting {
    name: "state_url",
    form: Form::Secret,
    variable: Some("PROXMOX_MPC_STATE_URL"),
    option: None,
    default: None,
    files: Files::None {
        instead: "Set PROXMOX_MPC_STATE_URL, or name a file with mode 0600 as `state_url_file`, or a command as `state_url_command`.",
    },
    sentence: "The PostgreSQL database of the state store, instead of a file in the workspace: `postgres://user:password@host/database?sslmode=verify-full`.",
};

/// `state_url_file`
pub static STATE_URL_FILE: Setting = Setting {
    name: "state_url_file",
    form: Form::Path,
    variable: Some("PROXMOX_MPC_STATE_URL_FILE"),
    option: None,
    default: None,
    files: Files::User,
    sentence: "The file that holds the URL of the state store; give it mode 0600.",
};

/// `state_url_command`
pub static STATE_URL_COMMAND: Setting = Setting {
    name: "state_url_command",
    form: Form::Text,
    variable: Some("PROXMOX_MPC_STATE_URL_COMMAND"),
    option: None,
    default: None,
    files: Files::User,
    sentence: "The command that prints the URL of the state store. No shell reads it.",
};

/// A variable of another program, which this one reads or hands on.
#[derive(Debug)]
pub struct OtherVariable {
    /// The variable, or the beginning of its name and `…`.
    pub name: &'static str,
    /// Its effect here in one sentence.
    pub sentence: &'static str,
}

/// The variables of other programs, in the order of the documentation.
pub static OTHER_VARIABLES: [OtherVariable; 12] = [
    OtherVariable {
        name: "TF_VAR_…",
        sentence: "A value for a variable of the Terraform code, in a rehearsal and with `verify --live`.",
    },
    OtherVariable { name: "TF_WORKSPACE", sentence: "Terraform's own workspace, whose state a rehearsal copies." },
    OtherVariable {
        name: "TF_DATA_DIR",
        sentence: "Terraform's folder of what it has set up; a rehearsal looks there for the state.",
    },
    OtherVariable {
        name: "TF_CLI_CONFIG_FILE",
        sentence: "Terraform's own settings, such as mirrors of providers; handed on.",
    },
    OtherVariable { name: "TF_PLUGIN_CACHE_DIR", sentence: "Terraform's cache of providers; handed on." },
    OtherVariable {
        name: "HTTPS_PROXY, ALL_PROXY",
        sentence: "A proxy, which is not used: nodes are connected to directly, and a caution says so.",
    },
    OtherVariable { name: "NO_PROXY", sentence: "The hosts for which that caution is left out." },
    OtherVariable {
        name: "XDG_CONFIG_HOME",
        sentence: "The folder of the user's settings, where it is an absolute path; `~/.config` without it.",
    },
    OtherVariable {
        name: "XDG_STATE_HOME",
        sentence: "The folder of the context that was chosen with `context use`, where it is an absolute path; `~/.local/state` without it.",
    },
    OtherVariable { name: "USER, LOGNAME", sentence: "The name that the lock of a workspace shows to others." },
    OtherVariable {
        name: "PGPASSWORD, PGPASSFILE, PG…",
        sentence: "PostgreSQL's own variables: they, and `~/.pgpass`, complete a `state_url` that leaves something open.",
    },
    OtherVariable { name: "NO_COLOR", sentence: "No colours, whatever its value." },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_stands_for_two_settings() {
        let check = |names: Vec<&str>| {
            let different: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(different.len(), names.len(), "{names:?}");
        };
        check(SETTINGS.iter().map(|setting| setting.name).collect());
        check(SETTINGS.iter().filter_map(|setting| setting.variable).collect());
        check(SETTINGS.iter().filter_map(|setting| setting.option).collect());
    }

    #[test]
    fn secrets_stand_in_no_file_and_are_no_options() {
        for setting in SETTINGS {
            let secret = setting.form == Form::Secret;
            assert_eq!(matches!(setting.files, Files::None { .. }), secret, "{}", setting.name);
            assert!(!secret || (setting.option.is_none() && setting.default.is_none()), "{}", setting.name);
        }
    }

    #[test]
    fn programs_commands_and_the_place_of_the_state_are_not_for_the_workspace() {
        let starts = |setting: &&&Setting| setting.form == Form::Program || setting.name.ends_with("_command");
        for setting in SETTINGS.iter().filter(starts).chain([&&INSECURE, &&STATE_URL_FILE]) {
            assert_eq!(setting.files, Files::User, "{}", setting.name);
        }
    }
}
