//! Rules of the provider for people: a line for each, or everything about one.

use proxmox_mpc_engine::explain::{Rule, Rules};

use super::Printed;
use crate::page::{Page, Table};

impl Printed for Rules {
    fn page(&self, page: &mut Page) {
        if self.asked.is_some() {
            return self.rules.iter().for_each(|rule| explained(rule, page));
        }
        let mut table = Table::new(["RULE", "OF", "ABOUT"]);
        for rule in &self.rules {
            table.row([rule.rule.clone(), rule.about.clone(), rule.short()]);
        }
        page.table(&table);
    }
}

fn explained(rule: &Rule, page: &mut Page) {
    page.heading(format!("{}  {}", rule.rule, rule.about));
    for column in &rule.says {
        let name = &column.name;
        page.line(if name == "rule" { column.text.clone() } else { format!("{name}: {}", column.text) });
    }
    if !rule.besides.is_empty() {
        page.blank();
        rule.besides.iter().for_each(|paragraph| page.line(paragraph));
    }
    page.blank();
    rule.versions.iter().for_each(|version| page.line(format!("provider {}: {}", version.name, version.text)));
    if !rule.words.is_empty() {
        page.blank();
        rule.words.iter().for_each(|word| page.line(format!("\"{}\" means: {}", word.name, word.text)));
    }
    page.blank();
    page.line(&rule.url);
}
