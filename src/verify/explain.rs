//! What we know about differences and errors: why the provider sees one, and what to do about it.

use serde::Serialize;

use crate::event::Diagnostic;
use crate::toolchain::terraform::{Action, AttributeDifference, Difference};
use crate::verify::known::{ANY, CONTAINER, CREATED, DESTROYED, ERRORS, STORAGE, VM};
use crate::verify::proof::{ExplainedDifference, ExplainedError};

/// Why something differs or fails, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The attribute that it is about, without indexes; empty for an error or for a whole object.
    pub attribute: &'static str,
    /// Why, as a sentence.
    pub why: &'static str,
    /// What to do, as a sentence.
    pub what_to_do: &'static str,
}

/// Adds what we know to a difference, once for each attribute.
pub(super) fn difference(difference: Difference) -> ExplainedDifference {
    let mut explanations: Vec<Explanation> = Vec::new();
    for found in &difference.attributes {
        let explanation = attribute(&difference.address, found);
        if !explanations.contains(&explanation) {
            explanations.push(explanation);
        }
    }
    // What is special says more than that something differs.
    if explanations.iter().any(|explanation| !explanation.attribute.is_empty()) {
        explanations.retain(|explanation| !explanation.attribute.is_empty());
    }
    match difference.action {
        Action::Create => explanations.push(CREATED),
        Action::Destroy => explanations.push(DESTROYED),
        Action::Update | Action::Replace | Action::Other => {}
    }
    ExplainedDifference { difference, explanations }
}

fn attribute(address: &str, found: &AttributeDifference) -> Explanation {
    let resource = address.rsplit_once('.').map_or(address, |(resource, _)| resource);
    let table = match resource.rsplit('.').next().unwrap_or(resource) {
        "proxmox_virtual_environment_vm" => VM,
        "proxmox_virtual_environment_container" => CONTAINER,
        resource if resource.starts_with("proxmox_storage_") => STORAGE,
        _ => ANY,
    };
    let root = found.path.split(['.', '[']).next().unwrap_or_default();
    let is_about = |name: &str| name == root || (name.ends_with('_') && root.starts_with(name));
    table.iter().find(|explanation| is_about(explanation.attribute)).copied().unwrap_or(ANY[0])
}

/// Adds what we know to an error.
pub(super) fn error(diagnostic: Diagnostic) -> ExplainedError {
    let says = |text: &str| diagnostic.summary.contains(text) || diagnostic.detail.contains(text);
    let explanation = ERRORS.iter().find(|(text, _)| says(text)).map(|(_, explanation)| *explanation);
    ExplainedError { diagnostic, explanation }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::event::Severity;

    #[test]
    fn attributes_are_known_by_resource_and_name() {
        let check = |address: &str, paths: &[&str], expected: &[&str]| {
            let attribute = |path: &&str| AttributeDifference {
                path: (*path).to_owned(),
                before: Value::Null,
                after: Value::Null,
                replaces: false,
            };
            let attributes = paths.iter().map(attribute).collect();
            let found = Difference { address: address.to_owned(), action: Action::Update, attributes };
            let explained = difference(found).explanations;
            let found: Vec<_> = explained.iter().map(|explanation| explanation.attribute).collect();
            assert_eq!(found, expected, "{address} {paths:?}");
        };
        check("proxmox_virtual_environment_vm.web", &["scsi_hardware"], &["scsi_hardware"]);
        check("module.x.proxmox_virtual_environment_vm.web[\"a.b\"]", &["x"], &[""]);
        check("proxmox_virtual_environment_vm.web", &["disk[0].size", "disk[1].ssd", "bios"], &["disk"]);
        check("proxmox_virtual_environment_container.c", &["timeout_clone", "timeout_start"], &["timeout_"]);
        check("proxmox_storage_cifs.smb", &["password"], &["password"]);
        check("proxmox_virtual_environment_pool.prod", &["comment", "members"], &[""]);
    }

    #[test]
    fn errors_are_known_by_their_text() {
        let check = |detail: &str, expected: Option<&str>| {
            let diagnostic = Diagnostic {
                severity: Severity::Error,
                summary: "failed".to_owned(),
                detail: detail.to_owned(),
                address: None,
            };
            let explanation = error(diagnostic).explanation;
            assert_eq!(explanation.map(|explanation| explanation.what_to_do), expected, "{detail}");
        };
        check("received an HTTP 401 response - Reason: Authentication failed!", Some("Check PROXMOX_VE_API_TOKEN."));
        check("something new", None);
    }
}
