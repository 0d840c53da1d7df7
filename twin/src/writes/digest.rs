//! Checksums of configuration, by which a client says which version it has read.

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::hexadecimal::hexadecimal;
use crate::state::Row;

/// Form of a digest: Proxmox's Perl makes SHA-1, its Rust SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestForm {
    /// 40 hexadecimal digits.
    Sha1,
    /// 64 hexadecimal digits.
    Sha256,
}

/// A stable digest of these objects. Digests of the twin's are not those that Proxmox would make: Proxmox hashes its
/// files.
pub(super) fn of<'r>(form: DigestForm, rows: impl IntoIterator<Item = &'r Row>) -> String {
    let algorithm: &Algorithm = match form {
        DigestForm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        DigestForm::Sha256 => &SHA256,
    };
    let mut text = String::new();
    for row in rows {
        for (key, value) in row.iter().filter(|(key, _)| *key != "digest") {
            text.extend([key, ": ", &value.to_string(), "\n"]);
        }
        text.push('\n');
    }
    hexadecimal(digest(algorithm, text.as_bytes()).as_ref())
}
