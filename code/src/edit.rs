//! Edits of a text: byte ranges are replaced, and every other byte stays, with its comments, order, alignment and line ends.

use std::ops::Range;

/// A replacement of a byte range. An empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace, as [`Document`](crate::Document) gives them.
    pub range: Range<usize>,
    /// The new text.
    pub text: String,
}

/// Applies edits, in any order.
///
/// # Panics
/// On ranges that overlap or do not lie between characters of the text: edits come from one parsed document.
pub fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.range.start);
    let mut edited = String::with_capacity(text.len());
    let mut end = 0;
    for Edit { range, text: replacement } in edits {
        edited.push_str(&text[end..range.start]);
        edited.push_str(&replacement);
        end = range.end;
    }
    edited + &text[end..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    #[test]
    fn only_the_edited_bytes_change() {
        let code =
            "# kept\nresource \"a\" \"b\" {\n  text = <<-EOT\n    y = 1\n  EOT\n  y    =  1 # kept\n  z = [ 1,2 ]\n}\n";
        for text in [code.to_owned(), code.replace('\n', "\r\n"), format!("\u{feff}{code}")] {
            let document = Document::parse(&text).unwrap();
            let block = document.resource("a.b").unwrap();
            let edit = |name: &str, text: &str| Edit {
                range: block.attribute(name).unwrap().value_range(),
                text: text.to_owned(),
            };
            let end = block.range().end;
            let edits = vec![Edit { range: end..end, text: " # end".to_owned() }, edit("z", "[]"), edit("y", "22")];
            let expected = text.replace("=  1 #", "=  22 #").replace("[ 1,2 ]", "[]");
            let expected = format!(
                "{}}} # end{}",
                &expected[..expected.rfind('}').unwrap()],
                &expected[expected.rfind('}').unwrap() + 1..]
            );
            assert_eq!(apply(&text, edits), expected);
        }
        assert_eq!(apply("a", Vec::new()), "a");
    }
}
