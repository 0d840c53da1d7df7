//! Explain: rules of the Terraform provider, read from docs/provider.md, which is part of the program.

use proxmox_mpc_generators::bpg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Request};

/// The text of the page.
const PAGE: &str = include_str!("../../docs/provider.md");

/// The page on the web.
const URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/provider.md");

/// Request to explain a rule of the Terraform provider, or to list all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainRequest {
    /// The rule, as messages cite it: `K1`.
    pub rule: Option<String>,
}

/// Report of rules of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// The rule that was requested; none if all of them were.
    pub asked: Option<String>,
    /// The rules, in the order of the page.
    pub rules: Vec<Rule>,
}

impl ReportType for Rules {
    const KIND: &'static str = "rules";
}

impl Request for ExplainRequest {
    const NAME: &'static str = "explain";
    const EFFECT: Effect = Effect::Reads;
    type Report = Rules;

    async fn run(self, _: Context) -> Result<Rules, Failure> {
        let mut rules = all();
        if let Some(given) = &self.rule {
            if !rules.iter().any(|rule| rule.rule.eq_ignore_ascii_case(given)) {
                return Err(NoRule::new(given.clone(), &rules).into());
            }
            rules.retain(|rule| rule.rule.eq_ignore_ascii_case(given));
        }
        Ok(Rules { asked: self.rule, rules })
    }
}

/// No rule has this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule `{given}`")]
struct NoRule {
    given: String,
    /// The rules that begin with the same letter.
    near: Vec<String>,
}

impl NoRule {
    fn new(given: String, rules: &[Rule]) -> Self {
        let letter = |id: &str| id.chars().next().map(|first| first.to_ascii_uppercase());
        let near = rules.iter().map(|rule| rule.rule.clone()).filter(|id| letter(id) == letter(&given)).collect();
        Self { given, near }
    }
}

impl Fault for NoRule {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hints(&self) -> Vec<String> {
        let near = (!self.near.is_empty()).then(|| format!("The rules of this letter are {}.", self.near.join(", ")));
        near.into_iter().chain(["`proxmox-mpc explain` lists every rule.".to_owned()]).collect()
    }
}

/// A rule: a row of one of the page's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// The id: `T3`.
    pub rule: String,
    /// The subject: the title of the rule's part of the page.
    pub about: String,
    /// The text of the rule, column by column.
    pub says: Vec<NamedText>,
    /// Further paragraphs: those above the table, and the rows of a table that belongs to the rule.
    pub besides: Vec<String>,
    /// The versions of the provider, each with what is known of the rule in it.
    pub versions: Vec<NamedText>,
    /// Terms of the page that the rule uses, with their meaning.
    pub words: Vec<NamedText>,
    /// The address of the rule on the web.
    pub url: String,
}

/// A text with its name: the head of its column, a version, or the term that it explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedText {
    /// The name.
    pub name: String,
    /// The text, as Markdown.
    pub text: String,
}

/// Every rule, in the order of the page.
pub fn all() -> Vec<Rule> {
    let mut rules = read(PAGE);
    let changes = changes(PAGE);
    for rule in &mut rules {
        let named = |name: &str, text: String| NamedText { name: name.to_owned(), text };
        rule.versions = bpg::VERSIONS
            .iter()
            .map(|version| {
                let change = changes.iter().find(|change| change.rule == rule.rule && change.version == version.number);
                match (change, version.proven) {
                    (_, true) => named(version.number, "tested".to_owned()),
                    (Some(change), false) => {
                        named(version.number, format!("{} (according to its change log)", change.difference))
                    }
                    (None, false) => named(version.number, "not tested; its change log names no difference".to_owned()),
                }
            })
            .collect();
    }
    rules
}

/// Difference of a rule from a version of the provider on.
struct VersionChange {
    version: String,
    rule: String,
    difference: String,
}

/// Reads the rows of the page's table of versions: the version, the rule, the difference.
fn changes(page: &str) -> Vec<VersionChange> {
    let part = page.split("\n## ").find(|part| part.starts_with("Versions\n")).unwrap_or_default();
    let rows = part.lines().filter(|line| line.starts_with('|')).skip(2).map(cells);
    rows.filter_map(|row| match row.as_slice() {
        [version, rule, difference] => Some(VersionChange {
            version: (*version).to_owned(),
            rule: (*rule).to_owned(),
            difference: (*difference).to_owned(),
        }),
        _ => None,
    })
    .collect()
}

/// Reads the rules of a page: `## ` titles with paragraphs and tables between them. A row with an anchor
/// (`<a id="t3"></a>T3`) is a rule. A table without anchors belongs to the rule that the sentence above it names, as
/// `(V1):` does.
fn read(page: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut words: Vec<NamedText> = Vec::new();
    let (mut title, mut besides, mut head) = ("", Vec::new(), Vec::new());
    for part in page.split("\n\n").map(str::trim) {
        if let Some(heading) = part.strip_prefix("## ") {
            (title, besides) = (heading, Vec::new());
        } else if part.starts_with("- **") {
            words.extend(part.split("\n- ").filter_map(word));
        } else if part.starts_with('|') {
            let mut rows = part.lines().map(cells);
            head.clone_from(&rows.next().unwrap_or_default());
            for row in rows.skip(1) {
                match row.first().and_then(|cell| cell.split_once("</a>")) {
                    Some((_, id)) => rules.push(rule(id, title, &head, &row, &besides)),
                    None => append(&mut rules, &besides, &row),
                }
            }
        } else {
            besides.push(part.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    for rule in &mut rules {
        rule.besides.retain(|sentence| !sentence.ends_with(':'));
        rule.words = words.iter().filter(|word| rule.uses(&word.name)).cloned().collect();
    }
    rules
}

/// Reads a term and its meaning: `- **fails**: Read ends with an error.`
fn word(item: &str) -> Option<NamedText> {
    let (name, text) = item.trim_start_matches("- ").strip_prefix("**")?.split_once("**: ")?;
    Some(NamedText { name: name.to_owned(), text: text.split_whitespace().collect::<Vec<_>>().join(" ") })
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split(" | ").map(str::trim).collect()
}

fn rule(id: &str, title: &str, head: &[&str], row: &[&str], besides: &[String]) -> Rule {
    let columns = head.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
    Rule {
        rule: id.to_owned(),
        about: title.to_owned(),
        says: columns.map(|(name, text)| NamedText { name: (*name).to_owned(), text: (*text).to_owned() }).collect(),
        besides: besides.to_vec(),
        versions: Vec::new(),
        words: Vec::new(),
        url: format!("{URL}#{}", id.to_lowercase()),
    }
}

/// Adds a row without an anchor to the rule that the last sentence names.
fn append(rules: &mut [Rule], besides: &[String], row: &[&str]) {
    let named = besides.last().and_then(|sentence| sentence.strip_suffix("):")?.rsplit_once('('));
    if let Some((_, id)) = named
        && let Some(rule) = rules.iter_mut().find(|rule| rule.rule == id)
    {
        rule.besides.push(row.join(": "));
    }
}

impl Rule {
    /// The first sentence, for a list.
    pub fn short(&self) -> String {
        let text = self.says.first().map_or("", |column| column.text.as_str());
        let whole = |end: &usize| text[..*end].matches('`').count().is_multiple_of(2);
        let first = |mark: &str| text.match_indices(mark).map(|(start, _)| start).find(whole);
        let end = first(". ").or_else(|| first(": ")).unwrap_or(text.len());
        text[..end].trim_end_matches('.').to_owned()
    }

    /// Reports whether the rule uses a term of the page; of `` ignore `x` `` only the first word counts.
    fn uses(&self, word: &str) -> bool {
        let word = word.split(" `").next().unwrap_or(word);
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        self.says.iter().any(|column| {
            column.text.match_indices(word).any(|(start, _)| {
                let (before, behind) = (&column.text[..start], &column.text[start + word.len()..]);
                edge(before.chars().next_back()) && edge(behind.chars().next())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_row_with_an_anchor_is_a_rule() {
        let rules = all();
        let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.rule.as_str()).collect();
        assert_eq!(ids.len(), rules.len(), "an id is there twice");
        assert_eq!(rules.len(), PAGE.matches("| <a id=\"").count());
        assert!(rules.iter().all(|rule| !rule.says.is_empty() && !rule.about.is_empty() && !rule.short().is_empty()));
    }

    /// A change of an unknown version, or of an unknown rule, would never be shown.
    #[test]
    fn every_change_is_of_a_known_version_and_rule() {
        let (rules, changes) = (all(), changes(PAGE));
        assert!(!changes.is_empty());
        for change in &changes {
            let known = bpg::VERSIONS.iter().find(|version| version.number == change.version);
            assert!(known.is_some_and(|version| !version.proven), "{}", change.version);
            let rule = rules.iter().find(|rule| rule.rule == change.rule).unwrap();
            assert!(
                rule.versions.iter().any(|version| version.text.starts_with(&change.difference)),
                "{:?}",
                rule.versions
            );
        }
        let text = bpg::VERSIONS.iter().all(|version| PAGE.contains(&format!("**{}**", version.number)));
        assert!(text, "the page names every known version");
    }

    #[test]
    fn a_rule_has_its_columns_its_words_and_what_stands_beside_it() {
        let page = "# A\n\nWords used below:\n\n- **fails**: an end.\n- **ignore `x`**: not looked at,\n  ever.\n\n## B\n\nSaid of\nall.\n\n\
                    | id | where | what |\n|---|---|---|\n| <a id=\"b1\"></a>B1 | `a` | fails. More |\n| <a id=\"b2\"></a>B2 | c | |\n\n\
                    Some of B1 (B1):\n\n| block | when |\n|---|---|\n| `x` | never |\n\n## C\n\n| id | rule |\n|---|---|\n\
                    | <a id=\"c1\"></a>C1 | failsafe: ignore it |\n";
        let named = |name: &str, text: &str| NamedText { name: name.to_owned(), text: text.to_owned() };
        let rules = read(page);
        let [first, second, third] = &rules[..] else { panic!("{rules:?}") };
        assert_eq!(first.says, [named("where", "`a`"), named("what", "fails. More")]);
        assert_eq!(first.words, [named("fails", "an end.")]);
        assert_eq!(first.besides, ["Said of all.", "`x`: never"]);
        assert!(first.url.ends_with("/docs/provider.md#b1"), "{}", first.url);
        assert_eq!((second.says.len(), second.besides.len(), second.short()), (1, 1, "c".to_owned()));
        assert_eq!((third.about.as_str(), third.short()), ("C", "failsafe".to_owned()));
        assert_eq!(third.words, [named("ignore `x`", "not looked at, ever.")]);
    }
}
