//! Page: the text of a report for people, put together line by line.

mod harmless;
mod table;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

pub use harmless::harmless;
pub use table::Table;

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// A page, as wide as the terminal if there is one. Styles are dropped elsewhere, so that the words must say everything.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: Option<usize>,
}

impl Page {
    /// An empty page, `width` columns wide.
    pub fn new(width: Option<usize>) -> Self {
        Self { text: String::new(), width }
    }

    /// Adds a line, or several.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(&harmless(line.as_ref()));
        self.text.push('\n');
    }

    /// Adds text as it is: a script, a page of a manual.
    pub fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds an empty line, unless the page begins here or the last line is empty already.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Adds a heading, with an empty line above it.
    pub fn heading(&mut self, line: impl AsRef<str>) {
        self.blank();
        self.styled(HEADING, line.as_ref());
    }

    /// Adds a line of success.
    pub fn good(&mut self, line: impl AsRef<str>) {
        self.styled(GOOD, line.as_ref());
    }

    /// Adds a line about a problem.
    pub fn bad(&mut self, line: impl AsRef<str>) {
        self.styled(BAD, line.as_ref());
    }

    /// Adds a table, with columns as wide as their content needs and the terminal allows.
    pub fn table(&mut self, table: &Table) {
        self.text.push_str(&table.render(self.width));
    }

    fn styled(&mut self, style: Style, line: &str) {
        writeln!(self.text, "{style}{}{style:#}", harmless(line)).expect("writing to a string cannot fail");
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}
