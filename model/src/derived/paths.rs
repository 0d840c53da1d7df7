//! Which GETs Proxmox has, and what parameters they take (`paths.txt`, from the schema of PVE 9.1.9).

use super::{invalid, not_implemented};
use crate::Answer;

/// One GET a line: its path, then `parameter=type` or `parameter=one|of|these`; a `!` marks what must be given.
/// A `*` at the end lets pass whatever else is said.
static PATHS: &str = include_str!("paths.txt");

/// Proxmox's refusal of a path that it does not have, or of parameters that the path does not take.
pub(super) fn check(segments: &[&str], query: &[(String, String)]) -> Option<Answer> {
    let Some((parameters, lax)) = find(segments) else { return Some(not_implemented(segments)) };
    for (key, value) in query {
        let Some((_, form)) = parameters.clone().find(|(name, _)| name.trim_end_matches('!') == key) else {
            if lax {
                continue;
            }
            let why = "property is not defined in schema and the schema does not allow additional properties";
            return Some(invalid(key, why));
        };
        if let Some(why) = mismatch(form, value) {
            return Some(invalid(key, &why));
        }
    }
    let missing = parameters.filter_map(|(name, _)| name.strip_suffix('!'));
    let missing = missing.into_iter().find(|name| query.iter().all(|(key, _)| key != name));
    missing.map(|name| invalid(name, "property is missing and it is not optional"))
}

/// The parameters of a path, and whether it lets pass others.
fn find<'s>(segments: &[&str]) -> Option<(impl Iterator<Item = (&'s str, &'s str)> + Clone, bool)> {
    let line = PATHS.lines().find(|line| {
        let pattern = line.split_once(' ').map_or(*line, |(pattern, _)| pattern);
        let mut pattern = pattern.split('/').filter(|segment| !segment.is_empty());
        segments.iter().all(|segment| pattern.next().is_some_and(|part| part.starts_with('{') || part == *segment))
            && pattern.next().is_none()
    })?;
    let parameters = line.split(' ').skip(1).filter_map(|parameter| parameter.split_once('='));
    Some((parameters, line.ends_with(" *")))
}

/// Why a value is not of its form.
fn mismatch(form: &str, value: &str) -> Option<String> {
    let fits = match form {
        "boolean" => matches!(value, "0" | "1"),
        "integer" => value.parse::<i64>().is_ok(),
        "string" => true,
        words if words.contains('|') || words != "number" => {
            if words.split('|').any(|word| word == value) {
                return None;
            }
            let words = words.replace('|', ", ");
            return Some(format!("value '{value}' does not have a value in the enumeration '{words}'"));
        }
        _ => true,
    };
    (!fits).then(|| format!("type check ('{form}') failed - got '{value}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiPath;

    /// Recorded refusals.
    #[test]
    fn what_proxmox_does_not_have_is_refused_as_it_does() {
        let check = |request: &str, expected: &str| {
            let path = ApiPath::parse(request);
            let owned = path.segments();
            let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
            let refusal = check(&segments, &path.query()).map_or("null".to_owned(), |answer| answer.body.to_string());
            assert!(refusal.contains(expected), "{request}: {refusal}");
        };
        check("", "null");
        check("version", "null");
        check("nodes/pve1/qemu/100/config?current=1", "null");
        check("cluster/sdn/fabrics/fabric/f1?pending=1", "null");
        check("nope", "Method 'GET /nope' not implemented");
        check("nodes/pve1/qemu/100/config?current=on", r#"{"current":"type check ('boolean') failed - got 'on'"}"#);
        check("version?x=1", "property is not defined in schema and the schema does not allow additional properties");
        let words = "value 'foo' does not have a value in the enumeration 'vm, storage, node, sdn'";
        check("cluster/resources?type=foo", words);
        check("nodes/pve1/qemu/100/cloudinit/dump", r#"{"type":"property is missing and it is not optional"}"#);
    }
}
