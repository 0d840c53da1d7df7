//! Section of a settings file for one context, and the names that contexts may have.

use std::path::PathBuf;

use super::layer::Layer;

/// A context as a settings file has it.
#[derive(Debug)]
pub(super) struct ContextSection {
    pub(super) name: String,
    pub(super) layer: Layer,
    /// The folder of its code. A context of the user's need not have one.
    pub(super) folder: Option<PathBuf>,
}

impl ContextSection {
    /// Reports whether the user's file names it.
    pub(super) fn is_of_user(&self) -> bool {
        !self.layer.origin.is_of_workspace()
    }
}

/// Reports whether this can be the name of a context: letters, digits, `.`, `_` and `-`, and not `-` alone.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes().all(plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The name that is most like an unknown one, if any is.
pub(super) fn nearest<'n>(unknown: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let like = |name: &str| strsim::jaro_winkler(unknown, name);
    let nearest = names.max_by(|one, other| like(one).total_cmp(&like(other)))?;
    (like(nearest) > 0.75).then_some(nearest)
}
