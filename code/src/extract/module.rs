//! Extraction of a group of resources to a module.

use super::{ExtractInput, Extraction, Refusal};

/// Makes a module of resources.
///
/// # Errors
/// Resources that cannot be put together.
pub fn module(_input: ExtractInput<'_>, _blocks: &[String], name: &str) -> Result<Extraction, Refusal> {
    Err(Refusal(format!("`{name}` cannot be made")))
}
