//! Reader of firewall files: `[OPTIONS]`, `[ALIASES]`, `[IPSET name]`, `[RULES]` and `[group name]` of the cluster, of
//! nodes, guests and virtual networks.

use serde_json::{Value, json};

use super::firewall_file::{Alias, Firewall, Level, address};
use super::rule::{self, RuleContext};
use super::sheet::{Row, Sheet};
use super::words::{is_digits, is_id, lines};
use crate::boolean;

/// Section of the file that a line belongs to.
#[derive(Clone, Debug)]
enum FileSection {
    Options,
    Aliases,
    Rules,
    Set(String),
    Group(String),
}

/// Reads a file (`PVE::Firewall::generic_fw_config_parser`). The other files also know the names of the cluster's file;
/// names of the file itself are known after their definition.
pub(super) fn parse(file: &str, text: &str, level: Level, cluster: Option<&Firewall>, sheet: &mut Sheet) -> Firewall {
    let mut firewall = Firewall::default();
    if let (Level::Cluster, Some(known)) = (level, cluster) {
        firewall.network_sets.clone_from(&known.network_sets);
    }
    let mut section = None;
    for (number, line) in lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let read = match header(line, level) {
            Some(Ok((found, comment))) => {
                firewall.begin(&found, comment);
                section = Some(found);
                Ok(())
            }
            Some(Err(why)) => {
                section = None;
                Err(why)
            }
            None => firewall.line(line, section.as_ref(), level, cluster),
        };
        if let Err(why) = read {
            sheet.warn(file, number, why);
        }
    }
    firewall
}

/// The section that a line begins, with its comment; `None` for another line. The inner error is the reason why the
/// line begins no section.
fn header(line: &str, level: Level) -> Option<Result<(FileSection, Option<String>), String>> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    let word = inner.to_ascii_lowercase();
    match word.as_str() {
        "options" if rest.is_empty() => return Some(Ok((FileSection::Options, None))),
        "aliases" if rest.is_empty() && level.has("aliases") => return Some(Ok((FileSection::Aliases, None))),
        "rules" if rest.is_empty() => return Some(Ok((FileSection::Rules, None))),
        _ => {}
    }
    let (kind, name) = word.split_once(char::is_whitespace)?;
    let name = name.trim_start();
    if !matches!(kind, "ipset" | "group") || !level.has(kind) || name.contains(char::is_whitespace) {
        return None;
    }
    let comment = match rest.trim() {
        "" => None,
        rest => Some(rest.strip_prefix('#')?.trim().to_owned()).filter(|comment| !comment.is_empty()),
    };
    let longest = if kind == "ipset" { 64 } else { 18 };
    if name.len() > longest || !is_id(name) {
        return Some(Err(format!("`{name}` is not the name of a set or group: its lines are skipped")));
    }
    let section = if kind == "ipset" { FileSection::Set(name.to_owned()) } else { FileSection::Group(name.to_owned()) };
    Some(Ok((section, comment)))
}

impl Firewall {
    fn begin(&mut self, section: &FileSection, comment: Option<String>) {
        match section {
            FileSection::Set(name) => {
                self.sets.insert(name.clone(), Vec::new());
                self.set_comments.extend(comment.map(|comment| (name.clone(), comment)));
            }
            FileSection::Group(name) => {
                self.groups.insert(name.clone(), Vec::new());
                self.group_comments.extend(comment.map(|comment| (name.clone(), comment)));
            }
            FileSection::Options | FileSection::Aliases | FileSection::Rules => {}
        }
    }

    fn line(
        &mut self,
        line: &str,
        section: Option<&FileSection>,
        level: Level,
        cluster: Option<&Self>,
    ) -> Result<(), String> {
        let is_cluster = level == Level::Cluster;
        match section.ok_or("ignored, since it is in no section")? {
            FileSection::Options => {
                let (key, value) = option(line, level)?;
                self.options.insert(key, value);
            }
            FileSection::Aliases => {
                let alias = alias(line)?;
                self.aliases.insert(alias.name.to_ascii_lowercase(), alias);
            }
            FileSection::Rules => {
                let shared = if is_cluster { &*self } else { cluster.unwrap_or(&*self) };
                let local = if is_cluster { None } else { Some(&*self) };
                let rule = rule::parse(line, RuleContext { level, cluster: shared, local })?;
                self.rules.push(rule);
            }
            FileSection::Group(name) => {
                let rule = rule::parse(line, RuleContext { level: Level::Group, cluster: self, local: None })?;
                self.groups.entry(name.clone()).or_default().push(rule);
            }
            FileSection::Set(name) => {
                let entry = self.entry(line, name, if is_cluster { None } else { cluster })?;
                self.sets.entry(name.clone()).or_default().push(entry);
            }
        }
        Ok(())
    }

    /// An entry of a set: an address or a name; `!` before it excludes it.
    fn entry(&self, line: &str, set: &str, cluster: Option<&Self>) -> Result<Row, String> {
        let (text, comment) = line.split_once('#').map_or((line, ""), |(text, comment)| (text, comment.trim()));
        let text = text.trim();
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text.trim_start()));
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(format!("`{line}` is not an entry of a set"));
        }
        let (scope, name) = rule::scoped(text);
        let mut error = None;
        let cidr = if is_id(name) {
            let alias = name.to_ascii_lowercase();
            let (shared, local) = cluster.map_or((self, None), |cluster| (cluster, Some(self)));
            let local = local.filter(|local| scope != "dc/" && local.aliases.contains_key(&alias));
            if local.is_none() && (scope == "guest/" || !shared.aliases.contains_key(&alias)) {
                error = Some(format!("no such alias '{name}'"));
            }
            text.to_owned()
        } else if let Some((cidr, _)) = address(text) {
            cidr
        } else {
            error = Some("value does not look like a valid IP address or CIDR network".to_owned());
            text.to_owned()
        };
        let is_same = |entry: &Row| entry.get("cidr").and_then(Value::as_str) == Some(&cidr);
        if error.is_none() && self.sets.get(set).is_some_and(|entries| entries.iter().any(is_same)) {
            error = Some(format!("duplicate ipset entry for '{cidr}'"));
        }
        if cidr.rsplit_once('/').is_some_and(|(_, prefix)| is_digits(prefix) && prefix.bytes().all(|byte| byte == b'0'))
        {
            error = Some("a zero prefix is not allowed in ipset entries\n".to_owned());
        }
        let mut entry = Row::from_iter([("cidr".to_owned(), json!(cidr))]);
        if negated {
            entry.insert("nomatch".to_owned(), json!(1));
        }
        if !comment.is_empty() {
            entry.insert("comment".to_owned(), json!(comment));
        }
        entry.extend(error.map(|why| ("errors".to_owned(), json!({ "cidr": why }))));
        Ok(entry)
    }
}

fn option(line: &str, level: Level) -> Result<(String, Value), String> {
    let wrong = || format!("`{line}` is not an option");
    let (key, value) = line.split_once(':').ok_or_else(wrong)?;
    let (key, value) = (key.to_ascii_lowercase(), value.trim());
    let known = level
        .options()
        .split_ascii_whitespace()
        .find_map(|known| known.split_once(':').filter(|(name, _)| *name == key));
    let level = value.to_ascii_lowercase();
    let is_level =
        level.is_empty() || "emerg alert crit err warning notice info debug nolog".split(' ').any(|l| l == level);
    let value = match known.ok_or_else(wrong)?.1 {
        "b" if matches!(value, "0" | "1") => json!(u8::from(boolean::parse(value) == Some(true))),
        // The switch of the cluster may hold a time until which it is on, which has passed.
        "i" if key == "enable" && is_digits(value) => json!(u8::from(value.trim_start_matches('0') == "1")),
        "i" if is_digits(value) => json!(value.parse::<u64>().map_err(|_| wrong())?),
        "l" if is_level => json!(level),
        "p" if ["accept", "drop", "reject"].contains(&level.as_str()) => json!(value.to_ascii_uppercase()),
        "t" if !value.is_empty() && !value.contains(char::is_whitespace) => json!(value),
        _ => return Err(wrong()),
    };
    Ok((key, value))
}

fn alias(line: &str) -> Result<Alias, String> {
    let (text, comment) = line.split_once('#').map_or((line, ""), |(text, comment)| (text, comment.trim()));
    let wrong = || format!("`{line}` is not an alias");
    let (name, cidr) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (cidr, version) = address(cidr).ok_or_else(wrong)?;
    let comment = Some(comment.to_owned()).filter(|comment| !comment.is_empty());
    Ok(Alias { name: name.to_owned(), cidr, version, comment })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster() {
        let text = "stray\n[OPTIONS]\r\nENABLE: 1\r\npolicy_in: drop\nebtables: 2\ncolour: red\n
[aliases]\nLan\t10.0.0.0/8 # all\nrange 10.0.0.1-10.0.0.2\none 10.0.0.1/32\n
[IPSET Mgmt] # who\n!10.0.0.66\ndc/lan\nnone\n10.0.0.66\n0.0.0.0/0\n10.0.0.7 # é\n
[ipset 1x]\n10.0.0.1\n
[RULES]\nIN ACCEPT -source dc/lan\nIN ACCEPT -source +late\n
[IPSET late]\n[group Web] # w\nIN HTTP(ACCEPT)\nGROUP other\n[group x y]\n";
        let mut sheet = Sheet::default();
        let firewall = parse("cluster.fw", text, Level::Cluster, None, &mut sheet);
        assert_eq!(Value::Object(firewall.options), json!({"enable": 1, "policy_in": "DROP"}));
        let aliases: Vec<_> = firewall
            .aliases
            .iter()
            .map(|(key, alias)| (key.as_str(), alias.name.as_str(), alias.cidr.as_str()))
            .collect();
        assert_eq!(aliases, [("lan", "Lan", "10.0.0.0/8"), ("one", "one", "10.0.0.1")]);
        let expected = json!([
            {"cidr": "10.0.0.66", "nomatch": 1},
            {"cidr": "dc/lan"},
            {"cidr": "none", "errors": {"cidr": "no such alias 'none'"}},
            {"cidr": "10.0.0.66", "errors": {"cidr": "duplicate ipset entry for '10.0.0.66'"}},
            {"cidr": "0.0.0.0/0", "errors": {"cidr": "a zero prefix is not allowed in ipset entries\n"}},
            {"cidr": "10.0.0.7", "comment": "é"},
        ]);
        assert_eq!(json!(firewall.sets["mgmt"]), expected);
        assert_eq!(firewall.set_comments["mgmt"], "who");
        assert_eq!(firewall.rules[0]["ipversion"], json!(4));
        // A set is known after its definition.
        assert_eq!(firewall.rules[1]["errors"], json!({"source": "no such ipset 'late'"}));
        assert_eq!(firewall.groups["web"].len(), 2);
        assert_eq!(
            firewall.groups["web"][1]["errors"]["type"],
            json!("invalid rule type 'group' for rule_env 'group'")
        );
        // The stray line, two options, the range, the name, its line, and the last header, which is no rule.
        assert_eq!(sheet.warnings.len(), 7, "{:?}", sheet.warnings);
    }

    #[test]
    fn other_levels() {
        let check = |level: Level, text: &str, options: Value, warnings: usize| {
            let mut sheet = Sheet::default();
            let firewall = parse("x.fw", text, level, Some(&Firewall::default()), &mut sheet);
            assert_eq!((Value::Object(firewall.options), sheet.warnings.len()), (options, warnings), "{text:?}");
        };
        check(Level::Host, "", json!({}), 0);
        check(
            Level::Host,
            "[OPTIONS]\nlog_level_in:\nnf_conntrack_max: 9\nenable: 5\n",
            json!({"log_level_in": "", "nf_conntrack_max": 9}),
            1,
        );
        check(
            Level::Machine,
            "[OPTIONS]\npolicy_in: REJECT\nlog_level_out: INFO\n",
            json!({"policy_in": "REJECT", "log_level_out": "info"}),
            0,
        );
        check(
            Level::Network,
            "[OPTIONS]\npolicy_forward: DROP\n[ALIASES]\na 1.2.3.4\n",
            json!({"policy_forward": "DROP"}),
            2,
        );
    }
}
