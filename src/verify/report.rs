//! A proof for people: Terraform's numbers last, what differs and what to do before them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::toolchain::terraform::Action;
use crate::ui::{Page, Report};
use crate::verify::explain::Explanation;
use crate::verify::proof::{Against, ExplainedDifference, ExplainedError, Proof};

/// Longer lists are cut: an error may leave every object out.
const MOST: usize = 20;
/// Longer values are cut: a description can be a book.
const LONGEST: usize = 100;

impl Report for Proof {
    fn human(&self, page: &mut Page) {
        for error in &self.errors {
            failed(error, page);
        }
        for difference in &self.differences {
            differs(difference, page);
        }
        self.lacks(page);
        self.warns(page);
        self.live(page);
        page.blank();
        self.origin(page);
        self.verdict(page);
    }
}

impl Proof {
    fn lacks(&self, page: &mut Page) {
        // Without a plan everything is missing from it.
        if self.missing.is_empty() || self.counts.is_none() {
            return;
        }
        page.heading("Not in the plan, although the workspace has them:");
        for address in self.missing.iter().take(MOST) {
            page.line(format!("  {address}"));
        }
        if self.missing.len() > MOST {
            page.line(format!("  … and {} more", self.missing.len() - MOST));
        }
    }

    /// Each warning once: Terraform repeats it for every object.
    fn warns(&self, page: &mut Page) {
        let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
        for warning in &self.warnings {
            *counted.entry(warning.summary.trim()).or_default() += 1;
        }
        if counted.is_empty() {
            return;
        }
        page.heading("Warnings of the provider, which change nothing:");
        for (summary, count) in counted {
            page.line(format!("  {count} x {summary}"));
        }
    }

    fn live(&self, page: &mut Page) {
        if self.live_refusals.is_empty() {
            return;
        }
        page.heading("A plan against the cluster (`--live`) would be refused with the login of the recording:");
        for refusal in &self.live_refusals {
            page.line(format!("  {}: lacks {} on {}", refusal.identity, refusal.privilege, refusal.path));
        }
    }

    fn origin(&self, page: &mut Page) {
        let provider = self.provider.as_deref().map(|version| format!(", provider {version}")).unwrap_or_default();
        let against = match self.against {
            Against::Twin => "a twin of the recording",
            Against::Cluster => "the cluster",
        };
        page.line(format!("{}{provider}, against {against}", self.tool));
        if let Some(answers) = self.answers {
            let total = answers.recorded + answers.derived + answers.unknown;
            page.line(format!(
                "{total} answers: {} as recorded, {} derived, {} not known",
                answers.recorded, answers.derived, answers.unknown
            ));
        }
        if self.against == Against::Cluster && self.complete {
            page.line(format!("{} of {} objects are managed already", self.managed, self.expected));
        }
    }

    fn verdict(&self, page: &mut Page) {
        match self.counts {
            Some(counts) if self.clean => page.good(counts.to_string()),
            Some(counts) if self.complete => {
                page.bad(counts.to_string());
                page.line("The code is not the cluster.");
            }
            Some(counts) => {
                page.bad(format!("{counts}, but Terraform failed: the plan is incomplete and proves nothing"));
            }
            None => page.bad("Terraform failed before it had a plan: there is no proof"),
        }
    }
}

fn failed(error: &ExplainedError, page: &mut Page) {
    let address = error.diagnostic.address.as_deref().map(|address| format!("{address}: ")).unwrap_or_default();
    page.blank();
    page.bad(format!("{address}{}", error.diagnostic.summary.trim_end()));
    for line in error.diagnostic.detail.lines() {
        page.line(format!("  {line}"));
    }
    if let Some(explanation) = &error.explanation {
        explained(explanation, page);
    }
}

fn differs(found: &ExplainedDifference, page: &mut Page) {
    let difference = &found.difference;
    let action = match difference.action {
        Action::Create => "would be created",
        Action::Update => "would be changed",
        Action::Replace => "would be REPLACED: destroyed and made again",
        Action::Destroy => "would be DESTROYED",
        Action::Other => "would be touched",
    };
    page.heading(format!("{} {action}", difference.address));
    for attribute in &difference.attributes {
        let replaces = if attribute.replaces { "  (forces the replacement)" } else { "" };
        let (before, after) = (shown(&attribute.before), shown(&attribute.after));
        page.line(format!("  {}: {before} -> {after}{replaces}", attribute.path));
    }
    for explanation in &found.explanations {
        explained(explanation, page);
    }
}

fn explained(explanation: &Explanation, page: &mut Page) {
    page.line(format!("  why: {}", explanation.why));
    page.line(format!("  what to do: {}", explanation.what_to_do));
}

/// A value on one line, none of its characters able to move the cursor.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) if text.starts_with('(') => text.clone(),
        value => value.to_string(),
    };
    let mut plain: String = text
        .chars()
        .flat_map(|character| {
            let hidden = character.is_control() || ('\u{202a}'..='\u{2069}').contains(&character);
            if hidden { character.escape_unicode().collect::<String>() } else { character.to_string() }
                .chars()
                .collect::<Vec<_>>()
        })
        .take(LONGEST + 1)
        .collect();
    if plain.chars().count() > LONGEST {
        plain.pop();
        plain.push('…');
    }
    plain
}
