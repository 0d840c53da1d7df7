//! The settings page: docs/settings.md, made from the table.

use std::fmt::Write as _;

use super::table::{Files, Form, OTHER_VARIABLES, SETTINGS, Setting};

/// The page for people, as Markdown.
pub fn document() -> String {
    let mut page = BEGINNING.to_owned();
    for setting in SETTINGS {
        write!(page, "{}", row(setting)).expect("writing to a string cannot fail");
    }
    page.push_str(BETWEEN);
    for variable in &OTHER_VARIABLES {
        let names: Vec<String> = variable.name.split(", ").map(|name| format!("`{name}`")).collect();
        writeln!(page, "| {} | {} |", names.join(", "), variable.sentence).expect("writing to a string cannot fail");
    }
    page
}

fn row(setting: &Setting) -> String {
    let code = |text: Option<&str>| text.map(|text| format!("`{text}`")).unwrap_or_default();
    let files = match setting.files {
        Files::Both => "both",
        Files::BothInside => "both; of the workspace, a file inside it",
        Files::User => "the user's",
        Files::None { .. } => "none: a secret",
    };
    let form = match setting.form {
        Form::Text => "text".to_owned(),
        Form::List => "array of texts".to_owned(),
        Form::Path => "path".to_owned(),
        Form::Program => "name or path".to_owned(),
        Form::Switch => "`true` or `false`".to_owned(),
        Form::Number(least, u64::MAX) => format!("number from {least}"),
        Form::Number(least, most) => format!("number from {least} to {most}"),
        Form::Secret => String::new(),
    };
    format!(
        "| `{}` | {} | {} | {} | {form} | {} | {files} |\n",
        setting.name,
        setting.sentence,
        code(setting.option),
        code(setting.variable),
        code(setting.default),
    )
}

const BEGINNING: &str = "\
# Settings

The program takes each setting from the first of these that has it:

1. the options of the command,
2. the environment,
3. `proxmox-mpc.toml` in the workspace, for everybody who works with it,
4. your own file: `$XDG_CONFIG_HOME/proxmox-mpc/config.toml`, or `~/.config/proxmox-mpc/config.toml`,
5. the default.

Both files are written in [TOML](https://toml.io), all keys at the top. A relative path in a file is relative to the folder of that
file. A key that is not known is an error.

```toml
# lab/proxmox-mpc.toml
endpoints = [\"pve1.example\", \"pve2.example\"]
ca_file = \"pve-root-ca.pem\"
```

Three rules go beyond single settings:

- **Login.** The first source that names any way to log in chooses it: a token before a ticket, a ticket before a password. A
  password's user name may come from a later source than the password, and the other way round.
- **Certificates.** The first source that says anything about certificates decides, and in it the strictest word: fingerprints, then
  `ca_file`, then `insecure`. Where a source says `insecure = false`, no later source turns the check off.
- **Endpoints.** A source's endpoints replace those of later sources.

## Secrets and trust

No settings file holds a secret: the program refuses a file with a password or a token in it. Name a file with mode 0600 or a command
instead, or use the environment.

A workspace may come from somebody else, through git. Its file therefore starts no programs, turns no checks off, does not say where the state
store is, and names only secrets that are files inside the workspace; put such a file into `.proxmox-mpc/`, which git ignores. It does say where the
cluster is and which certificates are trusted: look at the settings of a workspace that is not yours before you use it with your login.

## All settings

| key | what it is | option | environment | form | default | files |
|---|---|---|---|---|---|---|
";

const BETWEEN: &str = "
In the environment a list is separated by commas, and an empty variable counts as unset. The variables that begin with `PROXMOX_VE_` are
those of Terraform's provider, so they are set once for both.

## Variables of other programs

| variable | effect |
|---|---|
";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::settings::Sources;

    /// `PROXMOX_MPC_WRITE_DOCS=1 cargo test -p proxmox-mpc-engine settings::document` writes the page anew.
    #[test]
    fn the_page_is_made_from_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
        if Sources::of_process().variable("PROXMOX_MPC_WRITE_DOCS").is_some() {
            fs::write(&path, document()).unwrap();
        }
        let page = fs::read_to_string(&path).unwrap_or_default();
        assert!(page == document(), "docs/settings.md is out of date: PROXMOX_MPC_WRITE_DOCS=1 writes it anew");
    }
}
