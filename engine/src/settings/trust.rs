//! Trust: the certificates that are believed, and the fingerprints that name them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The certificates that are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that the operating system trusts.
    System,
    /// Those that these certificate authorities signed, and no others.
    Authorities {
        /// The file that they were read from.
        file: PathBuf,
        /// The certificates, as PEM text.
        pem: String,
    },
    /// Exactly these certificates, whoever signed them and whatever name they carry: one for each node.
    Pinned(Vec<Fingerprint>),
    /// Any certificate: anybody on the network path can read the credentials.
    Insecure,
}

/// The least version of TLS that is spoken. Everything below 1.2 is beyond the TLS library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinimumTls {
    /// TLS 1.2.
    V12,
    /// TLS 1.3: Terraform's provider refuses less by default, and every Proxmox VE since 6 speaks it.
    #[default]
    V13,
}

impl FromStr for MinimumTls {
    type Err = ();

    /// Reads the values of the provider's `PROXMOX_VE_MIN_TLS`; those below 1.2 mean 1.2.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "1.3" => Ok(Self::V13),
            "1.0" | "1.1" | "1.2" => Ok(Self::V12),
            _ => Err(()),
        }
    }
}

/// The SHA-256 of a certificate in DER form, as `openssl x509 -fingerprint -sha256` and `pvenode cert info` show it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of this certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

/// The text is not 32 bytes in hexadecimal.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint is 32 bytes in hexadecimal, as in `AB:CD:…`")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// Takes either case, colons or none, and what openssl prints before it (`sha256 Fingerprint=`).
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let text = text.rsplit_once('=').map_or(text, |(_, text)| text);
        let digits: Vec<u32> = text
            .trim()
            .chars()
            .filter(|character| *character != ':')
            .map(|character| character.to_digit(16).ok_or(NoFingerprint))
            .collect::<Result<_, _>>()?;
        let pairs = digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]));
        let bytes: Vec<u8> = pairs.collect::<Result<_, _>>().map_err(|_| NoFingerprint)?;
        if digits.len() != 64 {
            return Err(NoFingerprint);
        }
        bytes.try_into().map(Self).map_err(|_| NoFingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '' | openssl dgst -sha256`
    const EMPTY: &str =
        "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";

    #[test]
    fn fingerprints_are_read_in_every_form_that_tools_print() {
        let check = |text: &str| assert_eq!(text.parse(), Ok(Fingerprint::of(b"")), "{text}");
        check(EMPTY);
        check(&EMPTY.to_lowercase());
        check(&EMPTY.replace(':', ""));
        check(&format!("sha256 Fingerprint={EMPTY}\n"));
        assert_eq!(Fingerprint::of(b"").to_string(), EMPTY);
    }

    #[test]
    fn half_a_fingerprint_is_refused() {
        let check = |text: &str| assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        check("");
        check(&EMPTY[..EMPTY.len() - 1]);
        check(&EMPTY[..EMPTY.len() - 3]);
        check(&EMPTY.replace('E', "G"));
        check(&format!("{EMPTY}:00"));
    }
}
