//! `README.md` of a workspace: what the folder holds, how it is used, and which files belong to the user.

use std::fmt::Write as _;

use crate::workspace::FileSet;

/// Text for a workspace with these files; it names only what is there.
pub(crate) fn document(version: &str, files: &FileSet) -> String {
    let below = |folder: &str| files.keys().any(|path| path.starts_with(folder));
    let (ansible, playbooks) = (below("ansible/"), files.contains_key("ansible/playbooks/site.yml"));
    let secrets = files.contains_key("SECRETS.md");
    let mut text = HEAD.replace("VERSION", version);
    let mut row = |name: &str, what: &str| _ = writeln!(text, "| `{name}` | {what} |");
    row(
        "terraform/",
        "a file for each kind of object; `imports.tf` connects each block with its object in the cluster",
    );
    if ansible {
        let what = if playbooks {
            "playbooks for everything that Terraform's provider cannot express, and an inventory of the guests"
        } else {
            "an inventory of the guests"
        };
        row("ansible/", what);
    }
    row("COVERAGE.md", "which settings of the cluster are in the code, which are not, why, and what to do about it");
    if secrets {
        row("SECRETS.md", "the passwords and keys that the code needs, where they come from, and how to provide them");
    }
    row(
        "manifest.json",
        "the Terraform address of each object, and fingerprints of generated files; commit it, and do not edit it",
    );
    row(".proxmox-mpc/", "the answers of the cluster at the last import; git ignores it");
    text.push_str(TERRAFORM);
    if playbooks {
        text.push_str(ANSIBLE);
    }
    if ansible {
        text.push_str(INVENTORY);
    }
    text.push_str(AGAIN);
    text
}

const HEAD: &str = "\
# A Proxmox VE cluster as code

`proxmox-mpc import` wrote this folder: Terraform code for the provider bpg/proxmox VERSION, and Ansible for everything that this
provider cannot express. The import changed nothing in the cluster.

| path | content |
|---|---|
";

const TERRAFORM: &str = "
## Plan

The endpoint and the token come from the environment; no file holds them:

```console
export PROXMOX_VE_ENDPOINT=https://pve.example:8006
export PROXMOX_VE_API_TOKEN='user@realm!name=xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'
terraform -chdir=terraform init
terraform -chdir=terraform plan
```

Set `PROXMOX_VE_INSECURE=true` if the cluster's certificate cannot be verified. As long as the cluster is as it was at the import, the
plan says `to import` for each block and `0 to add, 0 to change, 0 to destroy`. `proxmox-mpc verify .` checks this without the cluster.
`terraform -chdir=terraform apply` imports the objects into a state and changes none of them.
";

const ANSIBLE: &str = "
## Run the playbooks

Use the same variables. The first command only shows what differs; right after an import nothing does:

```console
cd ansible
ansible-playbook --check --diff playbooks/site.yml
ansible-playbook playbooks/site.yml
```
";

const INVENTORY: &str = "
`ansible/inventory/` lists the guests under their own names. Put the variables for logging in to them into
`ansible/inventory/group_vars/` or `host_vars/`: an import never touches these folders.
";

const AGAIN: &str = "
## After a change

- **In the cluster**: `proxmox-mpc import --out .` updates the code. Addresses stay.
- **In the code**: plan, read the plan, apply; then import again.
- **Your own code** goes into files of its own beside the generated ones, such as `terraform/my_machines.tf`. An import never touches them.
- **Generated files** say so in their first line. If you have edited one, the import stops and names it; it overwrites nothing.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_what_is_there() {
        let check = |files: &[&str], present: &[&str], absent: &[&str]| {
            let text = document("0.111.1", &files.iter().map(|path| ((*path).to_owned(), String::new())).collect());
            assert!(text.lines().count() < 80, "{text}");
            for words in present {
                assert!(text.contains(words), "{words}: {text}");
            }
            for words in absent {
                assert!(!text.contains(words), "{words}: {text}");
            }
        };
        check(&[], &["## Plan", "COVERAGE.md", "bpg/proxmox 0.111.1"], &["nsible-playbook", "SECRETS.md", "host_vars"]);
        check(&["ansible/inventory/guests.yml"], &["host_vars", "| `ansible/` | an inventory"], &["nsible-playbook"]);
        check(&["ansible/playbooks/site.yml", "SECRETS.md"], &["--check --diff", "SECRETS.md", "| playbooks for"], &[]);
    }
}
