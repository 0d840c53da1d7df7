//! Extraction of alike resources to one resource with a `for_each` over a map.

use super::{ExtractInput, Extraction, Refusal};

/// Makes one resource of alike ones.
///
/// # Errors
/// Resources that cannot be put together.
pub fn for_each(_input: ExtractInput<'_>, _blocks: &[String], name: &str) -> Result<Extraction, Refusal> {
    Err(Refusal(format!("`{name}` cannot be made")))
}
