//! Foreign text made safe for a line of a message: one line, nothing invisible, of bounded length.

/// The text on one line of at most `longest` characters; the end of a longer one is `…`. White space becomes one blank,
/// control characters and marks of direction are left out.
pub(super) fn plain(text: &str, longest: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut blank = false;
    for character in text.chars() {
        if character.is_whitespace() {
            blank = length > 0;
            continue;
        }
        if is_invisible(character) {
            continue;
        }
        let needed = usize::from(blank) + 1;
        if length + needed > longest {
            // The ellipsis takes the place of the last character.
            if length >= longest {
                line.pop();
            }
            line.push('…');
            return line;
        }
        if blank {
            line.push(' ');
            blank = false;
        }
        line.push(character);
        length += needed;
    }
    line
}

/// Reports whether a character shows nothing itself: control characters, marks of direction, zero-width ones.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_short_line() {
        let check = |text: &str, longest: usize, expected: &str| assert_eq!(plain(text, longest), expected, "{text:?}");
        check("web", 10, "web");
        check("a\r\n\nSigned-off-by: x", 40, "a Signed-off-by: x");
        check("\u{1b}[2Jgone\u{202e}exe", 40, "[2Jgoneexe");
        check("  lead and trail  ", 40, "lead and trail");
        check("0123456789", 10, "0123456789");
        check("0123456789a", 10, "012345678…");
        check("01234 6789a", 6, "01234…");
        check("ünï 🚀", 40, "ünï 🚀");
        check("\u{2028}", 5, "");
    }
}
