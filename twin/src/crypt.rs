//! Passwords as Linux keeps them: `$5$salt$hash` (glibc's `crypt` with SHA-256, as Ulrich Drepper described it).

use ring::digest::{Context, SHA256, digest};

const ROUNDS: usize = 5000;
const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash of a password with a salt of up to 16 letters, digits, dots and slashes.
pub(crate) fn sha256(password: &str, salt: &str) -> String {
    let (password, salt) = (password.as_bytes(), salt.as_bytes());
    let both = of(&[password, salt, password]);
    let mut first = Context::new(&SHA256);
    first.update(password);
    first.update(salt);
    first.update(&repeated(&both, password.len()));
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { &both } else { password });
        length >>= 1;
    }
    let mut sum = first.finish().as_ref().to_vec();
    let passwords = repeated(&of(&vec![password; password.len()]), password.len());
    let salts = repeated(&of(&vec![salt; 16 + usize::from(sum[0])]), salt.len());
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        let mut parts: Vec<&[u8]> = vec![if odd { &passwords } else { &sum }];
        if round % 3 != 0 {
            parts.push(&salts);
        }
        if round % 7 != 0 {
            parts.push(&passwords);
        }
        parts.push(if odd { &sum } else { &passwords });
        sum = of(&parts);
    }
    format!("$5${}${}", String::from_utf8_lossy(salt), written(&sum))
}

fn of(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

/// Repeats these bytes up to a length.
fn repeated(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

/// Writes the hash as letters, three bytes as four of them, in an order that is the format's own.
fn written(sum: &[u8]) -> String {
    let mut text = String::new();
    let mut letters = |bytes: [u8; 3], count: usize| {
        let mut number = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for _ in 0..count {
            text.push(char::from(LETTERS[(number % 64) as usize]));
            number /= 64;
        }
    };
    let mut places = [0, 10, 20];
    for _ in 0..10 {
        letters(places.map(|place| sum[place]), 4);
        places = [places[2] + 1, places[0] + 1, places[1] + 1];
    }
    letters([0, sum[31], sum[30]], 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl passwd -5` says.
    #[test]
    fn passwords_are_hashed_as_linux_does() {
        let check = |password: &str, salt: &str, expected: &str| assert_eq!(sha256(password, salt), expected);
        check("Hello world!", "saltstring", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
        let long = "a-rather-long-password-of-more-than-32-bytes-in-all";
        check(long, "ab123456", "$5$ab123456$rLiS4AElkhmIYZvl1MzHYYHWH4npNvlJiCTc/Y4Mwj7");
    }
}
