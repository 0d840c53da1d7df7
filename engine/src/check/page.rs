//! The page of the rules: docs/check.md, made from their table.

use std::fmt::Write as _;

use proxmox_mpc_code::check::{RULES, Severity, provider};

/// The page for people, as Markdown.
pub fn page() -> String {
    let mut page = BEGINNING.replace("VERSION", provider::VERSION);
    for rule in RULES {
        writeln!(
            page,
            "| [{}](#{}) | `{}` | {} | {} |",
            rule.code,
            rule.code.to_lowercase(),
            rule.name,
            rule.severity,
            rule.summary
        )
        .expect("writing to a string cannot fail");
    }
    for rule in RULES {
        write!(
            page,
            "\n## <a id=\"{}\"></a>{} {}\n\n{} {}\n\n```terraform\n{}```\n\n{}\n\n**The way out.** {}\n",
            rule.code.to_lowercase(),
            rule.code,
            rule.name,
            match rule.severity {
                Severity::Error => "Error.",
                Severity::Warning => "Warning.",
                Severity::Note => "Note.",
            },
            rule.summary,
            rule.case,
            rule.why,
            rule.remedy,
        )
        .expect("writing to a string cannot fail");
    }
    page
}

const BEGINNING: &str = "\
# Check

`proxmox-mpc check` reads Terraform code of the provider bpg/proxmox and finds what Terraform or Proxmox will refuse, and what you
would be sorry for. It asks no cluster and starts no program, and is quick enough for a hook before every commit.

```console
proxmox-mpc check                             # the workspace, or the repository, around the current folder
proxmox-mpc check terraform/web.tf            # findings in this file alone
proxmox-mpc check --format sarif > check.sarif
proxmox-mpc check --explain PVE101
```

The code may be generated or your own: `.tf` and `.tf.json`, variables, locals, `for_each`, `dynamic` blocks and local modules are
followed as far as that goes without Terraform. A value that only Terraform knows is not judged. Where the workspace has a recording
of its last import or sync, names of nodes, storages, bridges and the like are compared with it; without one these rules are silent.
Attributes are those of version VERSION of the provider; where the lock file has another version, findings about them are warnings.

The exit code is 3 if there is an error, and 0 if there are only warnings and notes. `--output json` prints the report, `--format sarif`
a file for code hosts, `--format github` annotations of a pull request.

## Before every commit

```console
proxmox-mpc hooks install
```

writes a hook of git that runs `proxmox-mpc check --staged`: what is checked is what is committed, also where a file is staged in part. A hook
of somebody else stays as it is. With [pre-commit](https://pre-commit.com), which puts aside what is not staged itself, add to
`.pre-commit-config.yaml`:

```yaml
repos:
  - repo: https://github.com/proxmox-mpc/proxmox-mpc
    rev: v0.1.0
    hooks:
      - id: proxmox-mpc-check
```

Other hooks are `proxmox-mpc-fmt` and `proxmox-mpc-validate`, which run Terraform. The programs have to be installed.

## Levels

`proxmox-mpc.toml` sets the level of a rule, by its code or its name: `error`, `warning`, `note` or `off`.

```toml
[check]
no-prevent-destroy = \"off\"
PVE701 = \"error\"
```

## Exceptions

A comment on the line of a finding, or on the line above, hides it. It names the rules and gives the reason, and may have an end date:

```terraform
# proxmox-mpc:ignore PVE601 a scratch machine, rebuilt each night
resource \"proxmox_virtual_environment_vm\" \"scratch\" {
  node_name = \"pve9\" # proxmox-mpc:ignore PVE201,PVE202 until 2027-03-31 the node arrives in March
}
```

A comment without a reason is a finding itself, and so is one that hides nothing.

## Rules

| code | name | level | summary |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::settings::Sources;

    /// `PROXMOX_MPC_WRITE_DOCS=1 cargo test -p proxmox-mpc-engine check::page` writes the page anew.
    #[test]
    fn the_page_is_made_from_the_rules() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/check.md");
        if Sources::of_process().variable("PROXMOX_MPC_WRITE_DOCS").is_some() {
            fs::write(&path, page()).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == page(), "docs/check.md is out of date: PROXMOX_MPC_WRITE_DOCS=1 writes it anew");
    }
}
