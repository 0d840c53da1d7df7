//! End of a task: how its work went, as a type and as the text that Proxmox keeps.

use std::fmt;

/// End of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEnd {
    /// `OK`: all of the work was done.
    Ok,
    /// `WARNINGS: 2`: the work was done, and so many lines of the log are warnings.
    Warnings(u64),
    /// Any other text: the reason why the work failed.
    Failed(String),
}

impl TaskEnd {
    /// Reads the text of an end (`PVE::UPID::status_is_error`, `normalize_status_type`).
    pub fn parse(text: &str) -> Self {
        match (text, text.strip_prefix("WARNINGS: ").and_then(|count| count.parse().ok())) {
            ("OK", _) => Self::Ok,
            (_, Some(count)) => Self::Warnings(count),
            _ => Self::Failed(text.to_owned()),
        }
    }

    /// Reports whether the work was done, with warnings or without.
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for TaskEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => formatter.write_str("OK"),
            Self::Warnings(count) => write!(formatter, "WARNINGS: {count}"),
            Self::Failed(reason) => formatter.write_str(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_printed_as_it_was_read() {
        let check = |text: &str, expected: TaskEnd, is_success: bool| {
            let end = TaskEnd::parse(text);
            assert_eq!((end.to_string().as_str(), end.is_success()), (text, is_success));
            assert_eq!(end, expected);
        };
        check("OK", TaskEnd::Ok, true);
        check("WARNINGS: 2", TaskEnd::Warnings(2), true);
        check("WARNINGS: many", TaskEnd::Failed("WARNINGS: many".to_owned()), false);
        check("no space", TaskEnd::Failed("no space".to_owned()), false);
        check("", TaskEnd::Failed(String::new()), false);
    }
}
