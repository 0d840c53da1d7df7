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
3. the context that counts (below),
4. `proxmox-mpc.toml` in the workspace, for everybody who works with it,
5. your own file: `$XDG_CONFIG_HOME/proxmox-mpc/config.toml`, or `~/.config/proxmox-mpc/config.toml`,
6. the default.

`proxmox-mpc config list` shows each setting with its source, and `proxmox-mpc config set KEY VALUE` writes one into a file.

Both files are written in [TOML](https://toml.io), all keys at the top but those of contexts. A relative path in a file is relative
to the folder of that file. A key that is not known is an error.

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

## Contexts

A context is a cluster with a name. Your own file has contexts of yours, each with the keys of the table below, and with the
workspace of its code if it has one:

```toml
# ~/.config/proxmox-mpc/config.toml
[contexts.prod]
endpoints = [\"pve1.example\", \"pve2.example\"]
api_token_command = \"pass show pve/prod\"
workspace = \"/home/alice/prod\"
```

A workspace may hold several clusters, each in a folder inside it, with its own code, manifest and recordings:

```toml
# infra/proxmox-mpc.toml
[contexts.lab]
folder = \"lab\"
endpoints = [\"10.0.0.1\"]
```

The context that counts is the first of these:

1. the one that `--context NAME` asks for,
2. the one that `PROXMOX_MPC_CONTEXT` asks for,
3. the one whose folder or workspace the command works in,
4. in a workspace that holds several clusters: the one that `proxmox-mpc context use NAME` chose there,
5. outside of every workspace: the one of yours that `proxmox-mpc context use NAME` chose.

So a workspace never means another cluster because of a choice that was made elsewhere. Without a folder, a command works in the one of
the context: `proxmox-mpc --context prod verify` from anywhere, `proxmox-mpc verify` in `infra/` after `context use lab`.

- A context of yours that names `endpoints` is a cluster of its own: logins and certificates at the top of your file, or of another
  workspace, are not used for it.
- A name in both files is an error where both are seen: a workspace never adds to a context of yours.
- The environment comes before the context. Where it names another endpoint, a warning says so.
- A choice is kept in `$XDG_STATE_HOME/proxmox-mpc/context.toml` (`~/.local/state` without it), or in the `.proxmox-mpc/` of the
  workspace, never in a file that is committed.

## Secrets and trust

No settings file holds a secret: the program refuses a file with a password or a token in it. Name a file with mode 0600 or a command
instead, or use the environment.

A workspace may come from somebody else, through git. Its file therefore starts no programs, turns no checks off, does not say where the state
store is, and names only secrets that are files inside the workspace; put such a file into `.proxmox-mpc/`, which git ignores, with mode 0600: the
program warns where others can read it. It does say where the cluster is and which certificates are trusted: look at the settings of a workspace
that is not yours before you use it with your login.

## Levels of rules

The table `[check]` sets the level of a rule of [`check`](check.md#levels), by its code or its name: `error`, `warning`, `note` or `off`. The
workspace's file comes before yours.

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
