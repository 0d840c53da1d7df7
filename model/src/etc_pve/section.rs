//! Reader of section configs, the dialect of most files: a header `type: id`, then indented `key value` lines, up to an
//! empty line.

use serde_json::{Value, json};

use super::sheet::{Row, Sheet};
use super::words::{bytes, is_id, lines};

/// Dialect of one file: the types and keys of its sections.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// The types of sections; a section of another type is skipped. A file with one type writes no types in its
    /// headers where `bare` is set.
    pub(super) types: &'static str,
    /// True if a header is the id alone.
    pub(super) bare: bool,
    /// The keys that not every type has, by type (`options` of each plugin): such a key is read in sections of these
    /// types only.
    pub(super) own: &'static [(&'static str, &'static str)],
    /// The keys: `mtu:i` is a number, `disable:b` a switch, `map:l` may be there many times, others are text.
    pub(super) keys: &'static str,
}

impl Dialect {
    /// Reports whether sections of this type have this key.
    fn has(&self, kind: &str, key: &str) -> bool {
        let names = |keys: &str| keys.split_ascii_whitespace().any(|known| known == key);
        let mut naming = self.own.iter().filter(|(_, keys)| names(keys)).peekable();
        naming.peek().is_none() || naming.any(|(owner, _)| *owner == kind)
    }
}

/// Section of a file.
#[derive(Debug)]
pub(super) struct Section {
    /// Its type: `dir`.
    pub(super) kind: String,
    /// Its id: `local`.
    pub(super) id: String,
    /// Its keys, without the type.
    pub(super) keys: Row,
}

/// Reads a file as `PVE::SectionConfig` does: unknown lines are left out with a warning, and of a repeated key the
/// first line counts. Of sections with one id the last one counts.
pub(super) fn parse(file: &str, text: &str, dialect: Dialect, sheet: &mut Sheet) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut place = Position::Between;
    for (number, line) in lines(text).filter(|(_, line)| !line.trim_start().starts_with('#')) {
        if line.is_empty() {
            keep(&mut sections, std::mem::replace(&mut place, Position::Between));
            continue;
        }
        match &mut place {
            Position::Between => match header(line, dialect) {
                Some(Ok(section)) => place = Position::In(section),
                Some(Err(why)) => {
                    sheet.warn(file, number, why);
                    place = Position::Skipped;
                }
                None => sheet.warn(file, number, "ignored, since it is not the header of a section"),
            },
            Position::Skipped => {}
            Position::In(section) => {
                if let Err(why) = add(section, line, dialect) {
                    let looks = matches!(header(line, dialect), Some(Ok(_))) && !line.starts_with([' ', '\t']);
                    let missing = format!("`{}` is not read: an empty line is missing before it", line.trim_end());
                    sheet.warn(file, number, if looks { missing } else { why });
                }
            }
        }
    }
    keep(&mut sections, place);
    sections
}

/// Position of a line in the file.
enum Position {
    Between,
    /// Inside a section that is left out.
    Skipped,
    In(Section),
}

fn keep(sections: &mut Vec<Section>, place: Position) {
    if let Position::In(section) = place {
        sections.retain(|known| known.id != section.id);
        sections.push(section);
    }
}

/// The section that a header begins; `None` for a line that is not a header. The inner error is the reason why the
/// section is skipped.
fn header(line: &str, dialect: Dialect) -> Option<Result<Section, String>> {
    let line = line.trim_end();
    let (kind, id) = if dialect.bare {
        (dialect.types, line)
    } else if let Some((head, id)) = line.split_once(char::is_whitespace) {
        (head.strip_suffix(':')?, id.trim_start())
    } else {
        // `a:b:c` has the type `a:b`.
        line.rsplit_once(':')?
    };
    if kind.is_empty() || kind.contains(char::is_whitespace) || id.is_empty() || id.contains(char::is_whitespace) {
        return None;
    }
    if dialect.bare && !is_id(id) {
        return Some(Err(format!("section `{id}` is skipped: this is not an id")));
    }
    let kind = &kind.to_ascii_lowercase();
    if dialect.types.split(' ').all(|known| known != kind) {
        return Some(Err(format!("section `{id}` is skipped: type `{kind}` is not known here")));
    }
    Some(Ok(Section { kind: kind.clone(), id: id.to_owned(), keys: Row::new() }))
}

fn add(section: &mut Section, line: &str, dialect: Dialect) -> Result<(), String> {
    let (_, rest) = line.split_at(line.len() - line.trim_start().len());
    let rest = rest.trim_end();
    if rest.is_empty() || rest.len() == line.trim_end().len() {
        return Err("ignored, since it is not indented".to_owned());
    }
    let (key, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let value = Some(value.trim_start()).filter(|value| !value.is_empty());
    let form = form(dialect.keys, key).ok_or_else(|| format!("key `{key}` is not known here"))?;
    if !dialect.has(&section.kind, key) {
        return Err(format!("sections of type `{}` have no key `{key}`", section.kind));
    }
    let value = match form {
        ValueForm::Switch => number(value.unwrap_or("1"), |text| crate::boolean::parse(text).is_some()),
        ValueForm::Integer => number(value.unwrap_or_default(), |text| text.parse::<i64>().is_ok()),
        ValueForm::Number => number(value.unwrap_or_default(), |text| text.parse::<f64>().is_ok()),
        ValueForm::Text | ValueForm::List => value.map(|value| json!(bytes(value))),
    };
    let value = value.ok_or_else(|| format!("the value of `{key}` cannot be read"))?;
    match section.keys.entry(key) {
        serde_json::map::Entry::Occupied(known) if form != ValueForm::List => {
            return Err(format!("`{}` is there twice: the first one counts", known.key()));
        }
        entry => {
            if form == ValueForm::List {
                if let Some(items) = entry.or_insert_with(|| json!([])).as_array_mut() {
                    items.push(value);
                }
            } else {
                entry.or_insert(value);
            }
        }
    }
    Ok(())
}

/// Form of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueForm {
    Text,
    Switch,
    Integer,
    Number,
    /// One of several lines.
    List,
}

/// The form of a key, by the letter after its name.
fn form(keys: &str, key: &str) -> Option<ValueForm> {
    keys.split_ascii_whitespace().find_map(|known| {
        let (name, form) = known.split_once(':').unwrap_or((known, ""));
        (name == key).then_some(match form {
            "b" => ValueForm::Switch,
            "i" => ValueForm::Integer,
            "n" => ValueForm::Number,
            "l" => ValueForm::List,
            _ => ValueForm::Text,
        })
    })
}

/// A value that is checked and then used as a number, as Perl does: `yes` passes for a switch, and is no number.
fn number(text: &str, fits: impl FnOnce(&str) -> bool) -> Option<Value> {
    if !fits(text) {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(json!(number));
    }
    let number = text.parse::<f64>().unwrap_or_default();
    // A whole number is printed without a fraction.
    Some(if number.fract() == 0.0 {
        format!("{number:.0}").parse::<i64>().map_or(json!(number), |n| json!(n))
    } else {
        json!(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORAGE: Dialect = Dialect {
        types: "dir nfs",
        bare: false,
        own: &[("nfs", "server")],
        keys: "path server content disable:b maxfiles:i rate:n map:l",
    };

    #[test]
    fn sections_are_read_as_proxmox_does() {
        let check = |text: &str, expected: &[(&str, &str, Value)], warnings: usize| {
            let mut sheet = Sheet::default();
            let sections = parse("x.cfg", text, STORAGE, &mut sheet);
            let read: Vec<(&str, &str, Value)> = sections
                .iter()
                .map(|section| (section.kind.as_str(), section.id.as_str(), Value::Object(section.keys.clone())))
                .collect();
            assert_eq!(read, expected, "{text:?}");
            assert_eq!(sheet.warnings.len(), warnings, "{text:?}: {:?}", sheet.warnings);
        };
        check("", &[], 0);
        check("\n\n# only a comment\n", &[], 0);
        check("dir: a\n\tpath /x\n", &[("dir", "a", json!({"path": "/x"}))], 0);
        check("DIR: a\n", &[("dir", "a", json!({}))], 0);
        check("dir: a:b\n", &[("dir", "a:b", json!({}))], 0);
        check("dir:a\n  path  /with blank \n", &[("dir", "a", json!({"path": "/with blank"}))], 0);
        // Windows' line ends, tabs, a comment inside, a switch without value.
        check(
            "dir: a\r\n\tpath\t/x\r\n\t# no\r\n\tdisable\r\n\r\n",
            &[("dir", "a", json!({"path": "/x", "disable": 1}))],
            0,
        );
        check("dir: a\n\tdisable yes\n\tmaxfiles x\n", &[("dir", "a", json!({"disable": 0}))], 1);
        check("dir: a\n\tdisable maybe\n\tpath\n", &[("dir", "a", json!({}))], 2);
        check("dir: a\n\trate 1.5\n\tmaxfiles 03\n", &[("dir", "a", json!({"rate": 1.5, "maxfiles": 3}))], 0);
        check("dir: a\n\trate 10.0\n", &[("dir", "a", json!({"rate": 10}))], 0);
        // The first of two values and the last of two sections count; lists take all.
        check("dir: a\n\tpath /x\n\tpath /y\n", &[("dir", "a", json!({"path": "/x"}))], 1);
        check("dir: a\n\tpath /x\n\nnfs: a\n\tpath /y\n", &[("nfs", "a", json!({"path": "/y"}))], 0);
        check("dir: a\n\tmap x\n\tmap y\n", &[("dir", "a", json!({"map": ["x", "y"]}))], 0);
        // Only unknown lines are left out.
        check("zfs: a\n\tpath /x\n\ndir: b\n\tcolour red\n\tpath /y\n", &[("dir", "b", json!({"path": "/y"}))], 2);
        check("dir: a\npath /x\n\tpath /y\n", &[("dir", "a", json!({"path": "/y"}))], 1);
        check("nonsense\n\ndir: b\n", &[("dir", "b", json!({}))], 1);
        // Each type has keys of its own.
        check(
            "dir: a\n\tserver x\n\nnfs: b\n\tserver y\n",
            &[("dir", "a", json!({})), ("nfs", "b", json!({"server": "y"}))],
            1,
        );
        // Without an empty line, a header is a stray line of the section before.
        check("dir: a\ndir: b\n", &[("dir", "a", json!({}))], 1);
        check("dir: a\n\tpath /ü\n", &[("dir", "a", json!({"path": "/Ã¼"}))], 0);
    }

    #[test]
    fn some_headers_are_an_id_alone() {
        let dialect = Dialect { types: "pci", bare: true, own: &[], keys: "map:l" };
        let mut sheet = Sheet::default();
        let sections = parse("pci.cfg", "gpu\n\tmap id=1\n\nbäd\n\tmap id=2\n", dialect, &mut sheet);
        assert_eq!(sections.iter().map(|section| section.id.as_str()).collect::<Vec<_>>(), ["gpu"]);
        assert_eq!(sheet.warnings.len(), 1);
    }
}
