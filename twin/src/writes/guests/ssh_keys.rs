//! Public SSH keys as cloud-init is given them: percent-encoded, one a line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use crate::call::Refusal;

/// Refuses a list with a line that is not a key. Proxmox lets `ssh-keygen` read each line.
pub(super) fn check(encoded: &str) -> Result<(), Refusal> {
    check_plain(&percent_decode_str(encoded).decode_utf8_lossy())
}

/// The same for keys that are not encoded, as containers get them.
pub(super) fn check_plain(keys: &str) -> Result<(), Refusal> {
    if keys.split('\n').filter(|line| !line.trim().is_empty()).all(is_key) {
        return Ok(());
    }
    Err(Refusal::failed("SSH public key validation error"))
}

/// Reports whether a line holds a key: its type and its data, before which options and behind which a comment may
/// stand.
fn is_key(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).any(|pair| {
        let [kind, data] = pair else { return false };
        STANDARD.decode(data).is_ok_and(|data| parts(&data).is_some_and(|parts| is_whole(kind, &parts)))
    })
}

/// The parts of a key, each behind its length; `None` where they do not fill it.
fn parts(mut data: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        parts.push(part);
        data = rest;
    }
    Some(parts)
}

/// Reports whether these are the parts of a key of this type (RFC 4253, 5656, 8709; OpenSSH's `PROTOCOL.u2f`).
fn is_whole(kind: &str, parts: &[&[u8]]) -> bool {
    let named = parts.first().is_some_and(|first| *first == kind.as_bytes());
    let lengths: Vec<usize> = parts.iter().skip(1).map(|part| part.len()).collect();
    named
        && match (kind, &lengths[..]) {
            ("ssh-rsa", [exponent, modulus]) => *exponent > 0 && *modulus >= 128,
            ("ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521", [curve, point]) => {
                *curve > 0 && *point > 1
            }
            ("ssh-ed25519", [32])
            | ("sk-ssh-ed25519@openssh.com", [32, _])
            | ("ssh-dss", [_, _, _, _])
            | ("sk-ecdsa-sha2-nistp256@openssh.com", [_, _, _]) => true,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_or_is_refused() {
        let check = |keys: &str, expected: bool| assert_eq!(self::check(keys).is_ok(), expected, "{keys}");
        let good = "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIDDJUvqxIsP5dZ8CptlcN1iyRrT%2B4jmVey1P7kbiYXDE%20pw@example";
        check("", true);
        check(good, true);
        check(&format!("%0A{good}%0A%0A{good}%0A"), true);
        check(&format!("restrict%20{good}"), true);
        // Recorded: refused by the real `ssh-keygen`.
        check("ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIO%2BabcdefghijklmnopqrstuvwxyzABCDEFG%20pw@example", false);
        check(&format!("{good}%0Assh-rsa%20AAAA"), false);
        check("no key", false);
    }
}
