//! `explain`: a rule of the provider that a message or a comment in the code cites.

use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten};
use crate::fault::{Fault, FaultKind};
use crate::rules::{self, Rule};
use crate::ui::{Page, Report, Table, Ui};

/// Explain a rule of the Terraform provider that the code or a message cites
///
/// What `bpg/proxmox` reads, cannot read and would change is written down in rules with short names. Without one, all of
/// them are listed.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc explain       every rule in a line
  proxmox-mpc explain K1    what the provider has no attribute for")]
pub struct Arguments {
    /// The rule, as it is cited: K1
    rule: Option<String>,
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let rules = rules::all();
        let Some(given) = self.rule else {
            ui.report(&Rules { rules }).map_err(Unwritten)?;
            return Ok(Outcome::Done);
        };
        match rules.iter().find(|rule| rule.rule.eq_ignore_ascii_case(&given)) {
            Some(rule) => ui.report(rule).map_err(Unwritten)?,
            None => return Err(Unknown::new(given, &rules).into()),
        }
        Ok(Outcome::Done)
    }
}

#[derive(Serialize)]
struct Rules {
    rules: Vec<Rule>,
}

impl Report for Rules {
    fn human(&self, page: &mut Page) {
        let mut table = Table::new(["RULE", "OF", "ABOUT"]);
        for rule in &self.rules {
            table.row([rule.rule.clone(), rule.about.clone(), rule.short()]);
        }
        page.table(&table);
    }
}

impl Report for Rule {
    fn human(&self, page: &mut Page) {
        page.heading(format!("{}  {}", self.rule, self.about));
        for said in &self.says {
            let name = &said.name;
            page.line(if name == "rule" { said.text.clone() } else { format!("{name}: {}", said.text) });
        }
        if !self.besides.is_empty() {
            page.blank();
            self.besides.iter().for_each(|paragraph| page.line(paragraph));
        }
        page.blank();
        self.versions.iter().for_each(|version| page.line(format!("provider {}: {}", version.name, version.text)));
        if !self.words.is_empty() {
            page.blank();
            self.words.iter().for_each(|word| page.line(format!("\"{}\" means: {}", word.name, word.text)));
        }
        page.blank();
        page.line(&self.url);
    }
}

/// Nobody wrote down such a rule.
#[derive(Debug, thiserror::Error)]
#[error("there is no rule `{given}`")]
struct Unknown {
    given: String,
    /// Those that begin with the same letter.
    near: Vec<String>,
}

impl Unknown {
    fn new(given: String, rules: &[Rule]) -> Self {
        let letter = |id: &str| id.chars().next().map(|first| first.to_ascii_uppercase());
        let near = rules.iter().map(|rule| rule.rule.clone()).filter(|id| letter(id) == letter(&given)).collect();
        Self { given, near }
    }
}

impl Fault for Unknown {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hints(&self) -> Vec<String> {
        let near = (!self.near.is_empty()).then(|| format!("Of this letter there are {}.", self.near.join(", ")));
        near.into_iter().chain(["`proxmox-mpc explain` lists every rule.".to_owned()]).collect()
    }
}
