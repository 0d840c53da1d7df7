//! `.terraform.lock.hcl`: the versions of the providers that `terraform init` chose.

use crate::Document;

/// The version of a provider in the text of a lock file, by the end of its source (`/bpg/proxmox`), whatever registry it came
/// from. `None` where the file has none or is not HCL.
pub fn version(text: &str, source: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let is_provider = |labels: Vec<&str>| labels.first().is_some_and(|label| label.ends_with(source));
    let block = document.blocks().find(|block| block.keyword() == "provider" && is_provider(block.labels()))?;
    Some(block.attribute("version")?.string()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        let lock = "provider \"registry.terraform.io/x/y\" {\n  version = \"1.0.0\"\n}\n\nprovider \
                    \"registry.terraform.io/bpg/proxmox\" {\n  version     = \"0.111.1\"\n  constraints = \"0.111.1\"\n}\n";
        assert_eq!(version(lock, "/bpg/proxmox").as_deref(), Some("0.111.1"));
        assert_eq!(version("", "/bpg/proxmox"), None);
        assert_eq!(version("{", "/bpg/proxmox"), None);
    }
}
