//! Foreign text made safe for a terminal: no character may move the cursor, hide text, or change its direction.

use std::borrow::Cow;

use proxmox_mpc_generators::hcl::invisible;

/// Replaces every invisible character by `\u{fffd}`, but for line ends and tabs. Names and notes of guests, and whatever a
/// server answers, may hold escape sequences.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| invisible(c) && !matches!(c, '\n' | '\t');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_marks_of_direction_are_replaced() {
        let check = |text: &str, expected: &str| assert_eq!(harmless(text), expected);
        check("web\tfrontend\nünï 🚀", "web\tfrontend\nünï 🚀");
        check("\u{1b}[2Jgone", "\u{fffd}[2Jgone");
        check("a\rb\u{7}", "a\u{fffd}b\u{fffd}");
        check("user\u{202e}txt.exe", "user\u{fffd}txt.exe");
    }
}
