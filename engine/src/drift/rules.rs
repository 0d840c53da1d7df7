//! Rules that ignore drift: `[[drift.ignore]]` in the settings of a workspace. They silence `drift`, and change nothing of what
//! an apply does.

use std::fs;
use std::io;

use proxmox_mpc_generators::selection::glob;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime};

use super::{Drift, DriftError};
use crate::workspace::Workspace;

/// Rule that ignores drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    /// The objects: an identity in which `*` stands for anything: `qemu/1*`.
    pub object: String,
    /// The settings, each a key of Proxmox (`memory`, `net*`) or an attribute of the code (`memory.dedicated`). Without any, all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// The reason.
    pub reason: String,
    /// The person or team to ask.
    pub owner: String,
    /// The last day on which it holds: `2027-01-31`. Without it, it holds for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// The part of a settings file that is about drift.
#[derive(Debug, Default, Deserialize)]
struct SettingsFile {
    #[serde(default)]
    drift: Section,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    #[serde(default)]
    ignore: Vec<IgnoreRule>,
}

/// The rules of a workspace.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Those that hold.
    pub(super) valid: Vec<IgnoreRule>,
    /// Those whose end has passed.
    pub(super) expired: Vec<IgnoreRule>,
}

impl Rules {
    /// Reads the rules in the settings of a workspace. `now` is in seconds since 1970 (UTC).
    pub(super) fn read(workspace: &Workspace, now: i64) -> Result<Self, DriftError> {
        let path = workspace.settings();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(DriftError::Rules { path, problem: error.to_string() }),
        };
        let file: SettingsFile = toml::from_str(&text)
            .map_err(|error| DriftError::Rules { path: path.clone(), problem: error.message().to_owned() })?;
        let mut rules = Self::default();
        for rule in file.drift.ignore {
            let end = rule
                .until
                .as_deref()
                .map(|text| date(text).ok_or_else(|| DriftError::Date { path: path.clone(), text: text.to_owned() }));
            let today = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
            let is_expired = end.transpose()?.is_some_and(|end| today > end);
            if is_expired { &mut rules.expired } else { &mut rules.valid }.push(rule);
        }
        Ok(rules)
    }

    /// Takes what a rule ignores out of an object's drift. The rule, if nothing is left.
    pub(super) fn ignore(&self, drift: &mut Drift) -> Option<&IgnoreRule> {
        for rule in self.valid.iter().filter(|rule| glob(&rule.object, drift.identity.as_str())) {
            if rule.settings.is_empty() {
                return Some(rule);
            }
            let is_meant = |name: &str| rule.settings.iter().any(|pattern| glob(pattern, name));
            let (settings, code) = (drift.settings.len(), drift.code.len());
            drift.settings.retain(|setting| !is_meant(&setting.key));
            drift.code.retain(|difference| !is_meant(&difference.attribute));
            if drift.renamed.is_some() && is_meant("name") {
                drift.renamed = None;
            }
            if drift.moved.is_some() && is_meant("node") {
                drift.moved = None;
            }
            // One of both vocabularies is enough: each names all that changed.
            let is_silent = settings > 0 && drift.settings.is_empty() || code > 0 && drift.code.is_empty();
            if is_silent && drift.renamed.is_none() && drift.moved.is_none() {
                return Some(rule);
            }
        }
        None
    }
}

/// The day of a text such as `2027-01-31`.
fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month: u8 = month.parse().ok()?;
    Date::from_calendar_date(year.parse().ok()?, Month::try_from(month).ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::Identity;
    use proxmox_mpc_model::observation::AttributeChange;

    use super::*;
    use crate::drift::DriftKind;

    fn drift(keys: &[&str]) -> Drift {
        let change = |key: &&str| AttributeChange {
            key: (*key).to_owned(),
            property: None,
            before: None,
            after: Some("1".to_owned()),
        };
        Drift {
            identity: Identity::new("qemu", 101),
            name: None,
            kind: DriftKind::Changed,
            address: None,
            renamed: None,
            moved: None,
            settings: keys.iter().map(change).collect(),
            code: Vec::new(),
            severity: crate::drift::Severity::Low,
            revert: None,
            origin: None,
        }
    }

    #[test]
    fn a_rule_silences_what_it_names_until_its_end() {
        let check = |rule: &str, keys: &[&str], left: Option<&[&str]>, expired: usize| {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace::at(folder.path());
            let text = format!("[[drift.ignore]]\n{rule}\nreason = \"r\"\nowner = \"o\"\n");
            fs::write(workspace.settings(), text).unwrap();
            // 2026-12-01.
            let rules = Rules::read(&workspace, 1_796_083_200).unwrap();
            let mut drift = drift(keys);
            let silenced = rules.ignore(&mut drift).is_some();
            let names: Vec<&str> = drift.settings.iter().map(|setting| &*setting.key).collect();
            assert_eq!((!silenced).then_some(&names[..]), left, "{rule}");
            assert_eq!(rules.expired.len(), expired, "{rule}");
        };
        check("object = \"qemu/101\"", &["memory"], None, 0);
        check("object = \"qemu/*\"", &["memory"], None, 0);
        check("object = \"lxc/*\"", &["memory"], Some(&["memory"]), 0);
        check("object = \"*\"\nsettings = [\"net*\"]", &["memory", "net0", "net1"], Some(&["memory"]), 0);
        check("object = \"*\"\nsettings = [\"memory\"]", &["memory"], None, 0);
        check("object = \"*\"\nuntil = \"2026-12-01\"", &["memory"], None, 0);
        check("object = \"*\"\nuntil = \"2026-11-30\"", &["memory"], Some(&["memory"]), 1);
    }

    #[test]
    fn a_broken_rule_is_refused() {
        for rule in ["object = 1", "object = \"*\"\nuntil = \"soon\"", "object = \"*\"\nunknown = 1"] {
            let folder = tempfile::tempdir().unwrap();
            let workspace = Workspace::at(folder.path());
            let text = format!("[[drift.ignore]]\n{rule}\nreason = \"r\"\nowner = \"o\"\n");
            fs::write(workspace.settings(), text).unwrap();
            assert!(Rules::read(&workspace, 0).is_err(), "{rule}");
        }
    }
}
