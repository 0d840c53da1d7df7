//! Missing privileges, read from the errors of a plan that Proxmox refused.

use std::collections::BTreeSet;

use crate::operation::event::{Diagnostic, Severity};

/// The beginning of Proxmox's reason: `Permission check failed (/storage/local, Datastore.Allocate)`.
const REFUSED: &str = "Permission check failed";

/// Returns the privileges that the errors of a plan name as missing. Warnings do not count: the plan is complete without the
/// answers of guest agents.
pub(super) fn missing(diagnostics: &[Diagnostic]) -> BTreeSet<String> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.flat_map(|error| [&error.summary, &error.detail]).flat_map(|text| named(text)).collect()
}

fn named(text: &str) -> Vec<String> {
    // The provider may break lines anywhere in the text.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = words.split(REFUSED).skip(1);
    let privilege = |rest: &str| match rest.strip_prefix(" (").and_then(|rest| rest.split_once(')')) {
        // Any one of several is enough.
        Some((what, _)) => Some(what.rsplit_once(", ")?.1.split('|').next()?.to_owned()),
        // For users, Proxmox does not name the missing privilege.
        None => words.contains("user token").then(|| "User.Modify".to_owned()),
    };
    parts.filter_map(privilege).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are those of the real provider.
    #[test]
    fn privileges_are_read_from_errors() {
        let check = |severity: Severity, detail: &str, expected: &[&str]| {
            let (summary, detail) = ("Error reading dir storage".to_owned(), detail.to_owned());
            let diagnostic = Diagnostic { severity, summary, detail, address: None };
            assert_eq!(missing(&[diagnostic]).into_iter().collect::<Vec<_>>(), expected);
        };
        let says = |what: &str| {
            format!("error reading: received an HTTP 403 response - Reason:\nPermission check failed{what}")
        };
        check(Severity::Error, &says("\n(/storage/pbs, Datastore.Allocate)"), &["Datastore.Allocate"]);
        check(
            Severity::Error,
            &says(" (/vms/100, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)"),
            &["VM.GuestAgent.Audit"],
        );
        check(Severity::Warning, &says(" (/vms/100, VM.GuestAgent.Audit)"), &[]);
        check(Severity::Error, &format!("error retrieving user token: {}", says("")), &["User.Modify"]);
        check(Severity::Error, "something else", &[]);
    }
}
