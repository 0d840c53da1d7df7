//! Tables for people: a heading, no rules, columns two spaces apart.

use comfy_table::{Cell, ContentArrangement, presets};

use super::harmless;

/// A table: its heading and its rows.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates an empty table with these column heads.
    pub fn new<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Self {
        Self { head: head.map(str::to_owned).into(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.map(|cell| harmless(&cell).into_owned()).into());
    }

    /// Removes the columns that are empty in every row.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        let used: Vec<bool> =
            (0..self.head.len()).map(|column| self.rows.iter().any(|row| !row[column].is_empty())).collect();
        for row in self.rows.iter_mut().chain([&mut self.head]) {
            let mut used = used.iter();
            row.retain(|_| used.next() == Some(&true));
        }
        self
    }

    /// Reports whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text of the table. Cells are wrapped if it would be wider than `width`.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(self.head.iter().map(Cell::new));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::new));
        }
        if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().fold(String::new(), |mut text, line| {
            text.push_str(line.trim_end());
            text.push('\n');
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_anything_are_dropped() {
        let mut table = Table::new(["NAME", "EMPTY", "SOME"]);
        table.row(["a".to_owned(), String::new(), "1".to_owned()]);
        table.row(["b".to_owned(), String::new(), String::new()]);
        assert_eq!(table.without_empty_columns().render(None), "NAME  SOME\na     1\nb\n");
    }
}
