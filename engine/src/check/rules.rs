//! Rules of `check` with their pages.

use proxmox_mpc_code::check::{self, RULES, Rule, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CheckError;
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};

/// Request to explain a rule of `check`, or to list all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRulesRequest {
    /// The rule, by its code or name.
    pub rule: Option<String>,
}

/// Report of rules of `check`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckRulesReport {
    /// The rule that was requested; none if all of them were.
    pub asked: Option<String>,
    /// The rules, by their codes.
    pub rules: Vec<RulePage>,
}

/// A rule with its page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RulePage {
    /// The code: `PVE101`.
    pub code: String,
    /// The name: `duplicate-vmid`.
    pub name: String,
    /// The severity where the settings say nothing.
    pub severity: Severity,
    /// The rule in one sentence.
    pub summary: String,
    /// Terraform code in which the rule finds something.
    pub case: String,
    /// The reason why it matters on Proxmox.
    pub why: String,
    /// The way out.
    pub remedy: String,
}

impl ReportType for CheckRulesReport {
    const KIND: &'static str = "check_rules";
}

impl Request for CheckRulesRequest {
    const NAME: &'static str = "check rules";
    const EFFECT: Effect = Effect::Reads;
    type Report = CheckRulesReport;

    async fn run(self, _: Context) -> Result<CheckRulesReport, Failure> {
        let rules = match &self.rule {
            None => RULES.iter().copied().map(RulePage::from).collect(),
            Some(word) => {
                let rule = check::rule(word).ok_or_else(|| CheckError::NoRule { word: word.clone() })?;
                vec![RulePage::from(rule)]
            }
        };
        Ok(CheckRulesReport { asked: self.rule, rules })
    }
}

impl From<&Rule> for RulePage {
    fn from(rule: &Rule) -> Self {
        Self {
            code: rule.code.to_owned(),
            name: rule.name.to_owned(),
            severity: rule.severity,
            summary: rule.summary.to_owned(),
            case: rule.case.to_owned(),
            why: rule.why.to_owned(),
            remedy: rule.remedy.to_owned(),
        }
    }
}
