//! VMIDs, the numbers of guests.

use std::fmt;

/// A VMID: 100 to 999999999, unique among the guests of a cluster (`pve-vmid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VmId(u32);

impl VmId {
    /// Reads three to nine digits, the first of which is not zero; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (3..=9).contains(&text.len());
        if is_number && !text.starts_with('0') { text.parse().ok().map(Self) } else { None }
    }

    /// The plain number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for VmId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vmid_has_three_to_nine_digits() {
        let check = |text: &str, expected: Option<u32>| {
            let vmid = VmId::parse(text);
            assert_eq!(vmid.map(VmId::number), expected, "{text:?}");
            assert!(vmid.is_none_or(|vmid| vmid.to_string() == text), "{text:?}");
        };
        check("100", Some(100));
        check("999999999", Some(999_999_999));
        for text in ["", "99", "0100", "1000000000", "+100", "1e3", " 100", "１００"] {
            check(text, None);
        }
    }
}
