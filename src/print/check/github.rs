//! Annotations of GitHub Actions: one command for each finding, which the host shows beside the line.

use proxmox_mpc_code::check::{Finding, Severity};

/// The command: `::error file=main.tf,line=3,col=15,endColumn=18,title=PVE101 duplicate-vmid::message`.
pub(super) fn annotation(finding: &Finding) -> String {
    let place = &finding.place;
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![
        format!("file={}", property(&place.file)),
        format!("line={}", place.line),
        format!("endLine={}", place.end_line),
    ];
    // The host takes columns of a single line only.
    if place.line == place.end_line {
        properties.push(format!("col={}", place.column));
        properties.push(format!("endColumn={}", place.end_column));
    }
    properties.push(format!("title={}", property(&format!("{} {}", finding.rule, finding.name))));
    let address = finding.address.as_ref().map(|address| format!(" (in {address})")).unwrap_or_default();
    let text: Vec<String> =
        std::iter::once(format!("{}{address}", finding.message)).chain(finding.help.clone()).collect();
    format!("::{word} {}::{}", properties.join(","), message(&text.join("\n")))
}

/// Text of a command, escaped as the toolkit of the host does it.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
