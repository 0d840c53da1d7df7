//! The text of a report for people, put together line by line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::ui::Table;
use crate::ui::harmless::harmless;

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// A page as wide as the terminal, where there is one. Its styles are dropped where nobody sees them, and carry
/// nothing that the words do not say.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: Option<usize>,
}

impl Page {
    pub(super) fn new(width: Option<usize>) -> Self {
        Self { text: String::new(), width }
    }

    /// A line, or several.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(&harmless(line.as_ref()));
        self.text.push('\n');
    }

    /// Text that is the result itself: a script, a page of a manual.
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// An empty line, unless the page begins here or the last line is empty already.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The line above a part of the page.
    pub fn heading(&mut self, line: impl AsRef<str>) {
        self.blank();
        self.styled(HEADING, line.as_ref());
    }

    /// A line that says that all is well.
    pub fn good(&mut self, line: impl AsRef<str>) {
        self.styled(GOOD, line.as_ref());
    }

    /// A line that says that something is not.
    pub fn bad(&mut self, line: impl AsRef<str>) {
        self.styled(BAD, line.as_ref());
    }

    /// A table, its columns as wide as they need to be and the terminal allows.
    pub fn table(&mut self, table: &Table) {
        self.text.push_str(&table.render(self.width));
    }

    fn styled(&mut self, style: Style, line: &str) {
        writeln!(self.text, "{style}{}{style:#}", harmless(line)).expect("writing to a string cannot fail");
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
