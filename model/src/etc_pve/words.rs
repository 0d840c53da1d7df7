//! Notations that the files share: encoded comments, bytes as characters, numbers and ids.

use percent_encoding::percent_decode_str;

/// The text of a comment, which is percent-encoded in a file (`PVE::Tools::decode_text`).
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) use crate::names::as_listed as bytes;

/// Reports whether the text is a number without sign and fraction.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reports whether the text is `[A-Za-z][A-Za-z0-9_-]+` (`pve-configid`).
pub(super) fn is_id(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Reports whether the text is a DNS name (`pve-common`, `pve_verify_dns_name`).
pub(super) fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        !label.is_empty() && label.len() <= 63 && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    text.split('.').all(label)
}

/// The lines of a file with their numbers, from one, without a carriage return at the end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate().map(|(index, line)| (index + 1, line))
}

/// The words of a list, each once, sorted and joined by commas.
pub(super) fn sorted(text: &str) -> String {
    let words: std::collections::BTreeSet<&str> = crate::list::items(text).collect();
    words.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_decoded_and_bytes_are_not() {
        let check = |text: &str, comment: &str, raw: &str| {
            assert_eq!((decoded(text), bytes(text)), (comment.to_owned(), raw.to_owned()), "{text}");
        };
        check("plain %25 text", "plain % text", "plain %25 text");
        check("%C3%BC", "ü", "%C3%BC");
        check("ü 🏠", "ü 🏠", "Ã¼ ð\u{9f}\u{8f}\u{a0}");
        check("100%", "100%", "100%");
        check("", "", "");
    }

    #[test]
    fn names_are_distinguished_from_other_texts() {
        for (text, id, dns) in [
            ("web-01", true, true),
            ("foo_bar", true, false),
            ("fw.home.arpa", false, true),
            ("9a", false, true),
            ("a", false, true),
            ("-a", false, false),
            ("a..b", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_id(text), is_dns_name(text)), (id, dns), "{text}");
        }
    }
}
