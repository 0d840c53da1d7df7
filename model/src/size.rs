//! Sizes of disks and volumes: `32G`, `528K`, `1.5T`, `1073741824`.

use std::fmt;

const GIBIBYTE: u64 = 1 << 30;

/// Digits of a fraction that can matter: 10^-18 of a tebibyte is far below one byte.
const FRACTION_DIGITS: usize = 18;

/// A size as a configuration has it, in bytes, with the text that it was written in.
///
/// Two sizes are equal where their text is: Terraform compares some of them as text (`mount_point.size`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    text: String,
    count: u64,
}

impl Bytes {
    /// Reads a number of bytes, or a number with a capital `K`, `M`, `G` or `T` (powers of 1024); a fraction of a
    /// byte is cut off (`PVE::JSONSchema::parse_size`). `None` for any other text and for what is over 16 EiB.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = match text.as_bytes().last()? {
            b'K' => (&text[..text.len() - 1], 1 << 10),
            b'M' => (&text[..text.len() - 1], 1 << 20),
            b'G' => (&text[..text.len() - 1], GIBIBYTE),
            b'T' => (&text[..text.len() - 1], 1 << 40),
            _ => (text, 1),
        };
        let count = match number.split_once('.') {
            Some((whole, fraction)) => digits(whole)?.checked_mul(unit)?.checked_add(part(fraction, unit)?)?,
            None => digits(number)?.checked_mul(unit)?,
        };
        Some(Self { text: text.to_owned(), count })
    }

    /// The number of bytes.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The gibibytes in it as a decimal number, exactly: `1.5` of `1536M`.
    pub fn gib(&self) -> String {
        let mut text = self.gib_floor().to_string();
        let mut rest = self.count % GIBIBYTE;
        if rest > 0 {
            text.push('.');
        }
        while rest > 0 {
            rest *= 10;
            text.push_str(&(rest / GIBIBYTE).to_string());
            rest %= GIBIBYTE;
        }
        text
    }

    /// The whole gibibytes in it: 1 of `1536M`, 0 of `528K`.
    pub fn gib_floor(&self) -> u64 {
        self.count / GIBIBYTE
    }

    /// Reports whether it is a whole number of gibibytes.
    pub fn is_whole_gib(&self) -> bool {
        self.count.is_multiple_of(GIBIBYTE)
    }
}

/// Reads a plain decimal number: digits only, no sign.
fn digits(text: &str) -> Option<u64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The bytes in this fraction of a unit, given by the digits after the point.
fn part(fraction: &str, unit: u64) -> Option<u64> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let kept = fraction.get(..FRACTION_DIGITS).unwrap_or(fraction);
    let numerator = if is_number { digits(kept)? } else { return None };
    let denominator = kept.chars().fold(1_u128, |power, _| power * 10);
    u64::try_from(u128::from(numerator) * u128::from(unit) / denominator).ok()
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_in_bytes() {
        let check = |text: &str, bytes: u64, gibibytes: u64| {
            let size = Bytes::parse(text).unwrap();
            assert_eq!((size.count(), size.gib_floor()), (bytes, gibibytes), "{text}");
            assert_eq!(size.to_string(), text);
        };
        check("32G", 32 << 30, 32);
        check("528K", 528 << 10, 0);
        check("4M", 4 << 20, 0);
        check("1536M", 1536 << 20, 1);
        check("1.5T", 1536 << 30, 1536);
        check("3907018584K", 3_907_018_584 << 10, 3726);
        check("1073741824", 1 << 30, 1);
        check("1.1K", 1126, 0);
        check("0.9", 0, 0);
        check("0", 0, 0);
        check("1.00000000000000000000000001T", 1 << 40, 1024);
    }

    #[test]
    fn other_texts_are_no_sizes() {
        for text in [
            "",
            "G",
            "32g",
            "32GB",
            " 32G",
            "1.G",
            ".5G",
            "1.-5G",
            "-1",
            "+1",
            "1e3",
            "1.5.2",
            "99999999T",
            "32\u{212a}",
        ] {
            assert_eq!(Bytes::parse(text), None, "{text:?}");
        }
    }
}
