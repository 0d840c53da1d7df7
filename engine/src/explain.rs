//! Explain: the rules of the provider, as docs/provider.md has them: the page is part of the program.

use proxmox_mpc_generators::bpg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Report, Request};

/// The page itself.
const PAGE: &str = include_str!("../../docs/provider.md");

/// Where it is for people.
const URL: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/provider.md");

/// Explains a rule of the Terraform provider, or lists all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainRequest {
    /// The rule, as messages cite it: `K1`.
    pub rule: Option<String>,
}

/// Rules of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// The rule that was asked for; `None` for all of them.
    pub asked: Option<String>,
    /// The rules, in the order of the page.
    pub rules: Vec<Rule>,
}

impl Report for Rules {
    fn kind(&self) -> &'static str {
        Self::KIND
    }
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

/// There is no rule of that name.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule `{given}`")]
struct NoRule {
    given: String,
    /// Those that begin with the same letter.
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
        let near = (!self.near.is_empty()).then(|| format!("Of this letter there are {}.", self.near.join(", ")));
        near.into_iter().chain(["`proxmox-mpc explain` lists every rule.".to_owned()]).collect()
    }
}

/// A rule: a row of one of the page's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its id: `T3`.
    pub rule: String,
    /// What the table is about, the title of its part of the page.
    pub about: String,
    /// What the row says, column by column.
    pub says: Vec<Said>,
    /// What stands above the table, and a table that belongs to the rule, a paragraph or a row each.
    pub besides: Vec<String>,
    /// For which versions of the provider it holds, and what is known to be other in another one.
    pub versions: Vec<Said>,
    /// The page's own words that the rule uses, with their meaning.
    pub words: Vec<Said>,
    /// Where to read it in its place.
    pub url: String,
}

/// A text and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The head of the column, or the word that is explained.
    pub name: String,
    /// The text, as Markdown.
    pub text: String,
}

/// Every rule, in the order of the page.
pub fn all() -> Vec<Rule> {
    let mut rules = read(PAGE);
    let changes = changes(PAGE);
    for rule in &mut rules {
        let said = |name: &str, text: String| Said { name: name.to_owned(), text };
        rule.versions = bpg::VERSIONS
            .iter()
            .map(|version| {
                let change = changes.iter().find(|change| change.rule == rule.rule && change.version == version.number);
                match (change, version.proven) {
                    (_, true) => said(version.number, "seen with it".to_owned()),
                    (Some(change), false) => said(version.number, format!("{} (as its change log says)", change.what)),
                    (None, false) => said(version.number, "not known to be other; nobody ran it".to_owned()),
                }
            })
            .collect();
    }
    rules
}

/// What is other of a rule from a version of the provider on.
struct Change {
    version: String,
    rule: String,
    what: String,
}

/// The rows of the page's table of versions: the version, the rule, what is other.
fn changes(page: &str) -> Vec<Change> {
    let part = page.split("\n## ").find(|part| part.starts_with("Versions\n")).unwrap_or_default();
    let rows = part.lines().filter(|line| line.starts_with('|')).skip(2).map(cells);
    rows.filter_map(|row| match row.as_slice() {
        [version, rule, what] => {
            Some(Change { version: (*version).to_owned(), rule: (*rule).to_owned(), what: (*what).to_owned() })
        }
        _ => None,
    })
    .collect()
}

/// The page is `## ` titles with paragraphs and tables between. A row with an anchor (`<a id="t3"></a>T3`) is a rule; a table without
/// belongs to the rule that the sentence above it names, as `(V1):` does.
fn read(page: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut words: Vec<Said> = Vec::new();
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
                    None => belongs(&mut rules, &besides, &row),
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

/// `- **fails**: Read ends with an error.`
fn word(item: &str) -> Option<Said> {
    let (name, text) = item.trim_start_matches("- ").strip_prefix("**")?.split_once("**: ")?;
    Some(Said { name: name.to_owned(), text: text.split_whitespace().collect::<Vec<_>>().join(" ") })
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split(" | ").map(str::trim).collect()
}

fn rule(id: &str, title: &str, head: &[&str], row: &[&str], besides: &[String]) -> Rule {
    let columns = head.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
    Rule {
        rule: id.to_owned(),
        about: title.to_owned(),
        says: columns.map(|(name, text)| Said { name: (*name).to_owned(), text: (*text).to_owned() }).collect(),
        besides: besides.to_vec(),
        versions: Vec::new(),
        words: Vec::new(),
        url: format!("{URL}#{}", id.to_lowercase()),
    }
}

/// Adds a row without an anchor to the rule that the last sentence names.
fn belongs(rules: &mut [Rule], besides: &[String], row: &[&str]) {
    let named = besides.last().and_then(|sentence| sentence.strip_suffix("):")?.rsplit_once('('));
    if let Some((_, id)) = named
        && let Some(rule) = rules.iter_mut().find(|rule| rule.rule == id)
    {
        rule.besides.push(row.join(": "));
    }
}

impl Rule {
    /// Its first words, for a list.
    pub fn short(&self) -> String {
        let text = self.says.first().map_or("", |said| said.text.as_str());
        let whole = |end: &usize| text[..*end].matches('`').count().is_multiple_of(2);
        let first = |mark: &str| text.match_indices(mark).map(|(start, _)| start).find(whole);
        let end = first(". ").or_else(|| first(": ")).unwrap_or(text.len());
        text[..end].trim_end_matches('.').to_owned()
    }

    /// Whether it uses a word of the page; `` ignore `x` `` stands for what it ignores.
    fn uses(&self, word: &str) -> bool {
        let word = word.split(" `").next().unwrap_or(word);
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        self.says.iter().any(|said| {
            said.text.match_indices(word).any(|(start, _)| {
                let (before, behind) = (&said.text[..start], &said.text[start + word.len()..]);
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

    /// A change of a version that nobody knows, or of a rule that is none, would never be told.
    #[test]
    fn every_change_is_of_a_known_version_and_rule() {
        let (rules, changes) = (all(), changes(PAGE));
        assert!(!changes.is_empty());
        for change in &changes {
            let known = bpg::VERSIONS.iter().find(|version| version.number == change.version);
            assert!(known.is_some_and(|version| !version.proven), "{}", change.version);
            let rule = rules.iter().find(|rule| rule.rule == change.rule).unwrap();
            assert!(rule.versions.iter().any(|said| said.text.starts_with(&change.what)), "{:?}", rule.versions);
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
        let said = |name: &str, text: &str| Said { name: name.to_owned(), text: text.to_owned() };
        let rules = read(page);
        let [first, second, third] = &rules[..] else { panic!("{rules:?}") };
        assert_eq!(first.says, [said("where", "`a`"), said("what", "fails. More")]);
        assert_eq!(first.words, [said("fails", "an end.")]);
        assert_eq!(first.besides, ["Said of all.", "`x`: never"]);
        assert!(first.url.ends_with("/docs/provider.md#b1"), "{}", first.url);
        assert_eq!((second.says.len(), second.besides.len(), second.short()), (1, 1, "c".to_owned()));
        assert_eq!((third.about.as_str(), third.short()), ("C", "failsafe".to_owned()));
        assert_eq!(third.words, [said("ignore `x`", "not looked at, ever.")]);
    }
}
