//! Rows: inserts many rows with few statements, since each statement is a journey to the database.

use sqlx::{AnyConnection, AssertSqlSafe};

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    Number(i64),
    Text(&'a str),
    Null,
}

impl<'a> Cell<'a> {
    pub(super) fn optional(text: Option<&'a String>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text))
    }
}

/// The number of rows of a statement. SQLite takes 32,766 values in one, PostgreSQL 65,535.
const ROWS: usize = 200;

/// Inserts rows of `N` values. `into` is the table with its columns, `conflict` the end of the statement.
pub(super) async fn insert<const N: usize>(
    connection: &mut AnyConnection,
    into: &str,
    rows: &[[Cell<'_>; N]],
    conflict: &str,
) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS) {
        let statement = format!("INSERT INTO {into} VALUES {} {conflict}", places(rows.len(), N));
        // The names in the statement are ours; all values are bound.
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for cell in rows.iter().flatten() {
            query = match *cell {
                Cell::Number(number) => query.bind(number),
                Cell::Text(text) => query.bind(text),
                Cell::Null => query.bind(None::<String>),
            };
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The places of values: `($1,$2),($3,$4)`.
fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_through_all_rows() {
        assert_eq!(places(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(places(1, 1), "($1)");
    }
}
