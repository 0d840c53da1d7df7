//! The result of a command: a value that people read as a page and programs as JSON or YAML.

use std::io;

use serde::Serialize;

use crate::ui::Page;

/// What a command ends with. Programs read the value itself, its keys in the order of its fields.
pub trait Report: Serialize {
    /// Writes it for people.
    fn human(&self, page: &mut Page);

    /// Writes it in a line or two, for people who asked for quiet; problems are counted, not told.
    fn brief(&self, page: &mut Page) {
        self.human(page);
    }
}

/// Indented, with a line end.
pub(super) fn json(report: &impl Report) -> io::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// Quoted where a reader of YAML 1.1 would take text for something else.
pub(super) fn yaml(report: &impl Report) -> io::Result<String> {
    let mut text = serde_saphyr::to_string(report).map_err(io::Error::other)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
