//! Reports for programs: one document, JSON or YAML.

use std::io;

use proxmox_mpc_engine::operation::Report;
use proxmox_mpc_engine::operation::report::Document;

/// Formats a report as indented JSON, with a line end.
pub(super) fn json(report: &dyn Report) -> io::Result<String> {
    let mut text = serde_json::to_string_pretty(&Document::of(report))?;
    text.push('\n');
    Ok(text)
}

/// Formats a report as YAML. Text is quoted where a reader of YAML 1.1 would take it for another type.
pub(super) fn yaml(report: &dyn Report) -> io::Result<String> {
    let mut text = serde_saphyr::to_string(&Document::of(report)).map_err(io::Error::other)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
