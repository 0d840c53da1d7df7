//! The workspace's `README.md`: what the folder is, how it is used, and what is whose.

use std::fmt::Write as _;

use crate::workspace::FileSet;

/// The page for a workspace with these files; it names only what is there.
pub(crate) fn document(version: &str, files: &FileSet) -> String {
    let below = |folder: &str| files.keys().any(|path| path.starts_with(folder));
    let (ansible, playbooks) = (below("ansible/"), files.contains_key("ansible/playbooks/site.yml"));
    let secrets = files.contains_key("SECRETS.md");
    let mut text = HEAD.replace("VERSION", version);
    let mut row = |name: &str, what: &str| _ = writeln!(text, "| `{name}` | {what} |");
    row(
        "terraform/",
        "a file for each kind of object; `imports.tf` says which object of the cluster each block stands for",
    );
    if ansible {
        let what = if playbooks {
            "what Terraform's provider cannot say, as playbooks, and an inventory of the guests"
        } else {
            "an inventory of the guests"
        };
        row("ansible/", what);
    }
    row("COVERAGE.md", "what of the cluster is code, what is not, why, and what to do about it");
    if secrets {
        row("SECRETS.md", "passwords and keys that the code refers to, where they come from, and how to provide them");
    }
    row(
        "manifest.json",
        "which object has which Terraform address, and what was generated; commit it, and do not edit it",
    );
    row(".proxmox-mpc/", "what the cluster answered at the last import; stays on this machine");
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

`proxmox-mpc import` wrote this folder from the cluster itself: Terraform code for the provider bpg/proxmox VERSION, and Ansible for what
that provider cannot say. Nothing in the cluster was changed for it.

| here | what it is |
|---|---|
";

const TERRAFORM: &str = "
## Plan

Who asks is said in the environment, and in no file:

```console
export PROXMOX_VE_ENDPOINT=https://pve.example:8006
export PROXMOX_VE_API_TOKEN='user@realm!name=xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'
terraform -chdir=terraform init
terraform -chdir=terraform plan
```

`PROXMOX_VE_INSECURE=true` where the certificate of the cluster cannot be checked. As long as the cluster is as it was imported, the plan
says `to import` for each block and `0 to add, 0 to change, 0 to destroy`. `proxmox-mpc verify .` tries that without the cluster.
`terraform -chdir=terraform apply` takes the objects over into a state, and changes none of them.
";

const ANSIBLE: &str = "
## Run the playbooks

With the same variables. The first run only shows what differs, which right after an import is nothing:

```console
cd ansible
ansible-playbook --check --diff playbooks/site.yml
ansible-playbook playbooks/site.yml
```
";

const INVENTORY: &str = "
`ansible/inventory/` has the guests under their own names. How to log in to them goes into `ansible/inventory/group_vars/` or
`host_vars/`, which are yours.
";

const AGAIN: &str = "
## After something changed

- **In the cluster**: `proxmox-mpc import --out .` brings the code up to date. Names that were given stay.
- **In the code**: plan, look, apply; then import again.
- **Code of your own** goes into files of your own beside the generated ones, such as `terraform/my_machines.tf`. An import never touches them.
- **Generated files** say so in their first line. One that you edited is not overwritten: the import stops and names it.
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
        check(&["ansible/playbooks/site.yml", "SECRETS.md"], &["--check --diff", "SECRETS.md", "as playbooks"], &[]);
    }
}
