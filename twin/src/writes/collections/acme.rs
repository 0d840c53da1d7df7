//! ACME plugins: rules that the schema does not have (`PVE::API2::ACMEPlugin`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Decodes the data of a plugin, which is sent in base 64 and read as text.
pub(super) fn settle(_: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    if let Some(data) = call.text("data") {
        let broken = |_| Refusal::beyond_the_twin("ACME plugin data that is no base 64");
        let bytes = STANDARD.decode(data.trim()).map_err(broken)?;
        row.insert("data".to_owned(), String::from_utf8_lossy(&bytes).into_owned().into());
    }
    if before.is_none() {
        row.entry("validation-delay").or_insert_with(|| 30.into());
    }
    Ok(())
}
