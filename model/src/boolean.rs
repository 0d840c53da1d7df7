//! Boolean values as Proxmox writes them.

/// Reads `1`, `on`, `yes`, `true` and `0`, `off`, `no`, `false` in any letter case; `None` for every other text
/// (`PVE::JSONSchema::parse_boolean`).
///
/// Configuration files and property strings hold any of these; the API's answers hold `0` and `1`.
pub fn parse(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["1", "on", "yes", "true"]) {
        Some(true)
    } else if is_one_of(["0", "off", "no", "false"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_truth() {
        let check = |text: &str, expected: Option<bool>| assert_eq!(parse(text), expected, "{text:?}");
        for text in ["1", "on", "yes", "true", "On", "YES"] {
            check(text, Some(true));
        }
        for text in ["0", "off", "no", "false", "False"] {
            check(text, Some(false));
        }
        for text in ["", " ", "2", "01", "enabled", "y", " 1"] {
            check(text, None);
        }
    }
}
