//! Rules of a round trip: changes before the code is applied, and known reasons for differences after it.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde::Deserialize;

use crate::JudgeError;
use crate::fixtures::{self, Pattern};

/// Tables of `fixtures/rebuilding.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Rules {
    /// Code that any cluster would refuse: the recorded files were edited by hand.
    pub(super) refused: Vec<Refused>,
    /// Lines that say the same in another way.
    alike: Vec<Alike>,
    /// Lines that are on one side only, with good reason.
    known: Vec<Known>,
    /// Objects that cannot be made.
    lacking: Vec<Lacking>,
}

/// Code that is changed before it is applied.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    /// File below `terraform/`.
    pub(super) file: String,
    pub(super) pattern: Pattern,
    pub(super) replacement: Replacement,
    pub(super) reason: String,
}

/// Replacement of refused code.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Replacement {
    /// A text, which may refer to groups of the pattern: `${1}`.
    Text(String),
    /// A well-formed public key, made from the first group of the pattern.
    SshKey,
}

#[derive(Debug, Deserialize)]
struct Alike {
    object: Pattern,
    line: Pattern,
    form: Form,
    reason: String,
}

/// Form in which two lines are compared.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// A drive without the name and the size of its volume.
    Volumes,
    /// Tags without order and case.
    Tags,
}

#[derive(Debug, Deserialize)]
struct Known {
    object: Pattern,
    line: Pattern,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Lacking {
    /// The object, or its address in an error.
    object: Pattern,
    error: Pattern,
    reason: String,
}

impl Rules {
    /// Reads the tables.
    pub(super) fn read() -> Result<Self, JudgeError> {
        fixtures::table("rebuilding.json")
    }

    /// Reports whether an error of Terraform or Ansible is about an object that cannot be made.
    pub(super) fn excuse(&self, error: &str) -> bool {
        self.lacking.iter().any(|lacking| lacking.object.is_in(error) && lacking.error.is_in(error))
    }

    /// The known reason why an object could not be made.
    pub(super) fn missing(&self, object: &str) -> Option<String> {
        let lacking = self.lacking.iter().find(|lacking| lacking.object.begins(object))?;
        Some(lacking.reason.clone())
    }

    /// The known reasons for all of these lines (`- …` and `+ …`); `None` if one of them has none.
    pub(super) fn different(&self, object: &str, lines: &[String]) -> Option<String> {
        let mut reasons = BTreeSet::new();
        let mut lines = lines.to_vec();
        for alike in self.alike.iter().filter(|alike| alike.object.begins(object)) {
            for removed in lines.clone() {
                let is_about =
                    removed.strip_prefix('-').is_some_and(|line| alike.line.begins(line.trim_start_matches(' ')));
                if !is_about {
                    continue;
                }
                let form = alike.form.of(&removed[1..]);
                let same = |line: &String| line.strip_prefix('+').is_some_and(|line| alike.form.of(line) == form);
                if let Some(added) = lines.iter().find(|line| same(line)).cloned() {
                    lines.retain(|line| *line != removed && *line != added);
                    reasons.insert(alike.reason.as_str());
                }
            }
        }
        for line in &lines {
            let known = self.known.iter().find(|known| known.object.begins(object) && known.line.begins(line))?;
            reasons.insert(&known.reason);
        }
        Some(reasons.into_iter().collect::<Vec<_>>().join("; "))
    }
}

impl Form {
    /// The part of a line that is compared.
    fn of(self, line: &str) -> String {
        let regex = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant, and a test compiles it");
        match self {
            Self::Volumes => {
                let unnamed = regex("(: \")[^,\"]+").replace_all(line, "${1}");
                regex(",(size|format)=[^,\"]+").replace_all(&unnamed, "").into_owned()
            }
            Self::Tags => {
                let line = line.to_lowercase();
                let mut words: Vec<&str> = regex(r"[\w-]+").find_iter(&line).map(|word| word.as_str()).collect();
                words.sort_unstable();
                words.join(" ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_known_reasons_or_none() {
        let rules = Rules::read().unwrap();
        let check = |object: &str, lines: &[&str], expected: Option<&str>| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(rules.different(object, &lines).as_deref(), expected, "{object} {lines:?}");
        };
        let volumes = Some("Proxmox names and measures new volumes");
        let (before, after) =
            ("- scsi0: \"local:vm-1-disk-0,size=8G,ssd=1\"", "+ scsi0: \"local:vm-1-disk-7,ssd=1,size=9G\"");
        check("qemu/1", &[before, after], volumes);
        check("qemu/1", &[before, "+ scsi0: \"local:vm-1-disk-7,size=8G\""], None);
        check("lxc/1", &[before, after], None);
        check(
            "lxc/1",
            &["- tags = [\"B\", \"a\"]", "+ tags = [\"a\", \"b\"]"],
            Some("Proxmox writes tags in lower case"),
        );
        check("lxc/1", &["- tags = [\"a\"]", "+ tags = [\"b\"]"], None);
        check(
            "realm/sso",
            &["+ default = false"],
            Some("the provider writes default values that the cluster did not set"),
        );
        check("realm/sso", &["- default = false"], None);
        let both = "Proxmox names and measures new volumes; \
                    Proxmox sets an identity and a boot order for a new virtual machine";
        let both: Vec<&str> = both.split("; ").collect();
        check("qemu/1", &[before, after, "+ smbios1: \"uuid=1\""], Some(&both.join("; ")));
        check("qemu/1", &[before, after, "+ cores = 2"], None);
    }

    #[test]
    fn what_cannot_be_made_is_missing_with_a_reason() {
        let rules = Rules::read().unwrap();
        let check = |object: &str, is_known: bool, error: &str, is_excused: bool| {
            assert_eq!(
                (rules.missing(object).is_some(), rules.excuse(error)),
                (is_known, is_excused),
                "{object} {error}"
            );
        };
        check("replication/101-0", true, "proxmox_replication.x: missing replicate feature on volume 'a'", true);
        check("pool/prod", false, "proxmox_replication.x: no such node", false);
    }
}
