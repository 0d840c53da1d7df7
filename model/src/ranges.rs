//! Numbers and ranges of them: the VLANs of a trunk and the CPUs of a NUMA node, `10;20;2-4094`.

use std::fmt;
use std::ops::RangeInclusive;

/// Numbers and ranges separated by semicolons (`trunks` of a network card; `cpus` and `hostnodes` of `numaN`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    text: String,
    items: Vec<RangeInclusive<u32>>,
}

impl Ranges {
    /// Reads such a list; `None` for any other text. A range may run backwards, as Proxmox does not check that.
    pub fn parse(text: &str) -> Option<Self> {
        let items = text.split(';').map(item).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), items })
    }

    /// The items in their order; a single number is a range of one.
    pub fn iter(&self) -> impl Iterator<Item = &RangeInclusive<u32>> {
        self.items.iter()
    }

    /// The first item that is written as a range: `2-4094`.
    pub fn first_range(&self) -> Option<&str> {
        self.text.split(';').find(|item| item.contains('-'))
    }
}

fn item(text: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(number(first)?..=number(last)?)
}

/// Reads a number: digits only, no sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

impl fmt::Display for Ranges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges() {
        let check = |text: &str, items: &[RangeInclusive<u32>], range: Option<&str>| {
            let ranges = Ranges::parse(text).unwrap();
            assert!(ranges.iter().eq(items), "{text}");
            assert_eq!(ranges.first_range(), range, "{text}");
        };
        check("10;20;30", &[10..=10, 20..=20, 30..=30], None);
        check("10;20;2-4094", &[10..=10, 20..=20, 2..=4094], Some("2-4094"));
        check("0-1", &[0..=1], Some("0-1"));
        check("007", &[7..=7], None);
        for text in ["", ";", "1;", "1,2", "-1", "+1", "1-", "1-2-3", " 1", "a", "99999999999"] {
            assert_eq!(Ranges::parse(text), None, "{text:?}");
        }
    }
}
