//! Paths to values inside a block: `memory`, `disk[interface=scsi0].size`, `network_device[0].bridge`, `tags[1]`.

use std::fmt;
use std::str::FromStr;

use crate::quote;

/// Path from a block to a value in it. As text, names are joined by dots, and positions and keys stand in brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An attribute, a nested block, or an entry of a map: `memory`. Of several blocks with the name, it is the first.
    Name(String),
    /// A position among nested blocks of one name, or in a list, counted from 0: `[0]`.
    Index(usize),
    /// The nested block, or the object in a list, in which an attribute has a value: `[interface=scsi0]`.
    Where(String, String),
}

impl Path {
    /// The path of an attribute.
    pub fn of(name: &str) -> Self {
        Self(vec![Step::Name(name.to_owned())])
    }

    /// The path with another step at its end.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The path with a name at its end.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        self.with(Step::Name(name.to_owned()))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if is_plain(name) => {
                    write!(formatter, "{}{name}", if index > 0 { "." } else { "" })?;
                }
                Step::Name(name) => write!(formatter, "[{}]", quote::quoted(name))?,
                Step::Index(position) => write!(formatter, "[{position}]")?,
                Step::Where(name, value) if is_plain(value) => write!(formatter, "[{name}={value}]")?,
                Step::Where(name, value) => write!(formatter, "[{name}={}]", quote::quoted(value))?,
            }
        }
        Ok(())
    }
}

/// Reports whether a name or a value stands in a path without quotes.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.chars().all(is_word)
}

/// Text that is not a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError(pub String);

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not a path in a block", self.0)
    }
}

impl std::error::Error for PathError {}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        parse(text).ok_or_else(|| PathError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Path> {
    let mut path = Path::default();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = end_of_bracket(inside)?;
            path.0.push(parse_bracket(&inside[..end])?);
            rest = &inside[end + 1..];
            continue;
        }
        rest = rest.strip_prefix('.').filter(|_| !path.0.is_empty()).unwrap_or(rest);
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = Some(&rest[..end]).filter(|name| is_plain(name))?;
        path.0.push(Step::Name(name.to_owned()));
        rest = &rest[end..];
    }
    (!path.0.is_empty()).then_some(path)
}

/// Offset of the closing bracket, outside of quotes.
fn end_of_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (offset, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(offset),
            _ => {}
        }
    }
    None
}

fn parse_bracket(inside: &str) -> Option<Step> {
    if inside.starts_with('"') {
        return Some(Step::Name(quote::unquote(inside)));
    }
    if let Some((name, value)) = inside.split_once('=') {
        return Some(Step::Where(name.to_owned(), quote::unquote(value)));
    }
    inside.parse().ok().map(Step::Index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_back() {
        let check = |text: &str, steps: usize| {
            let path: Path = text.parse().unwrap();
            assert_eq!((path.to_string().as_str(), path.0.len()), (text, steps));
        };
        check("memory", 1);
        check("disk[interface=scsi0].size", 3);
        check("network_device[0].bridge", 3);
        check("cidr[name=\"10.0.0.0/8\"].comment", 3);
        check("a[\"x.y\"].b", 3);
        for text in ["", ".a", "a..b", "a[", "a[x]", "a."] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}
