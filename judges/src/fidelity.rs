//! `fidelity`: measures how many answers of a real cluster the twin gives as well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::Credentials;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::archive::{self, Exchanges};
use crate::fixtures::{self, Pattern};
use crate::network::{Network, Served, options};
use crate::replay::{Equality, percentage, replay};
use crate::{JudgeError, Lines, Verdict};

/// Measure how many answers of a real cluster the twin gives as well
///
/// For each set of recorded exchanges in fixtures/exchanges: start a twin of the cluster in the state in which the set began,
/// send the requests as `replay` does, and compare the figure with the floor in fixtures/exchanges/floors.json. A set of
/// several steps (provider-writes) is sent step by step in the order in which it was recorded: a step finds the objects that
/// the steps before it left behind, except for those that failed on the recorded cluster alone. Figures may only rise: raise the floor
/// with them. fixtures/exchanges/differences.json has the known reasons for differences.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Names of sets; all of them otherwise
    #[arg(value_name = "SET")]
    pub sets: Vec<String>,
    /// Show the first N differences of each set
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub show: usize,
    /// Count the differences by their reasons, and show those without one
    #[arg(long)]
    pub reasons: bool,
}

/// Table of the sets (`fixtures/exchanges/sets.json`).
#[derive(Debug, Deserialize)]
pub(crate) struct SetTable {
    sets: Vec<Set>,
    /// Steps before which the recorded cluster was put back to its first state.
    fresh: Vec<String>,
    /// Changes that a step before had made to the recorded cluster, by the step that needs them. Used by `provider`.
    pub(crate) before: BTreeMap<String, String>,
}

/// A set of exchanges.
#[derive(Debug, Deserialize)]
struct Set {
    name: String,
    /// Archive of the answers with which the twin is loaded.
    loaded: String,
    /// File of the twin's logins.
    logins: String,
}

/// A step that fails on the recorded cluster for a program that this cluster lacks (`fixtures/exchanges/stand-ins.json`).
#[derive(Debug, Deserialize)]
pub(crate) struct StandIn {
    /// Program that the recorded cluster lacks, and the consequence.
    pub(crate) why: String,
    /// Requests that left something behind all the same.
    #[serde(default)]
    leaves: Vec<String>,
    /// Exit code and last line of Terraform on a cluster that lacks nothing, by command.
    pub(crate) results: BTreeMap<String, (i32, String)>,
}

/// Figure of a set.
#[derive(Debug, Serialize)]
struct Figure {
    set: String,
    equal: usize,
    total: usize,
    floor: usize,
    differences: Vec<Differing>,
}

/// An exchange that is not answered as recorded.
#[derive(Debug, Serialize)]
struct Differing {
    /// File name, after the name of the step in a set that has steps.
    exchange: String,
    difference: String,
    /// Known reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Reads the steps that end in another way on a cluster that lacks nothing.
pub(crate) fn stand_ins() -> Result<BTreeMap<String, StandIn>, JudgeError> {
    fixtures::table("exchanges/stand-ins.json")
}

/// Reads the table of the sets.
pub(crate) fn sets() -> Result<SetTable, JudgeError> {
    fixtures::table("exchanges/sets.json")
}

impl Arguments {
    /// Measures the sets and prints their figures.
    pub fn run(&self, lines: &mut Lines<'_>) -> Result<Verdict, JudgeError> {
        let sets = sets()?;
        let judge = Judge {
            network: Network::new(Duration::from_secs(15))?,
            equality: Equality::read()?,
            stand_ins: stand_ins()?,
            fresh: &sets.fresh,
        };
        let floors: BTreeMap<String, serde_json::Value> = fixtures::table("exchanges/floors.json")?;
        let reasons: BTreeMap<String, BTreeMap<String, Vec<String>>> = fixtures::table("exchanges/differences.json")?;
        let mut figures = Vec::new();
        for set in self.chosen(&sets)? {
            let floor = floors.get(&set.name).and_then(serde_json::Value::as_u64).unwrap_or_default();
            let mut figure = judge.measure(set, usize::try_from(floor).unwrap_or(usize::MAX))?;
            for difference in &mut figure.differences {
                difference.reason = reasons.get(&set.name).and_then(|known| reason(known, &difference.exchange));
            }
            self.print(&figure, lines);
            figures.push(figure);
        }
        let passed = figures.iter().all(|figure| figure.equal >= figure.floor);
        Ok(Verdict::Judged { passed, report: json!({ "passed": passed, "sets": figures }) })
    }

    fn chosen<'s>(&self, sets: &'s SetTable) -> Result<Vec<&'s Set>, JudgeError> {
        if self.sets.is_empty() {
            return Ok(sets.sets.iter().collect());
        }
        let find = |name: &String| {
            let known = || sets.sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>().join(", ");
            let found = sets.sets.iter().find(|set| set.name == *name);
            found.ok_or_else(|| JudgeError::Usage(format!("no set is called `{name}`; there are {}", known())))
        };
        self.sets.iter().map(find).collect()
    }

    fn print(&self, figure: &Figure, lines: &mut Lines<'_>) {
        for Differing { exchange, difference, .. } in figure.differences.iter().take(self.show) {
            lines(&format!("  {exchange}: {difference}"));
        }
        let Figure { set, equal, total, floor, .. } = figure;
        let floor = if equal < floor { format!("below its floor of {floor}") } else { format!("floor {floor}") };
        lines(&format!("{set}: {equal} of {total} equal ({}), {floor}", percentage(*equal, *total)));
        if !self.reasons {
            return;
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in figure.differences.iter().filter_map(|difference| difference.reason.as_deref()) {
            *counts.entry(reason).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (reason, count) in counts {
            lines(&format!("  {count:4} {reason}"));
        }
        for Differing { exchange, difference, .. } in figure.differences.iter().filter(|other| other.reason.is_none()) {
            lines(&format!("     ? {exchange}: {difference}"));
        }
    }
}

/// The known reason for which an exchange differs: the first whose patterns (`*`, `[2-5]`) match its name.
fn reason(known: &BTreeMap<String, Vec<String>>, exchange: &str) -> Option<String> {
    let matches = |patterns: &Vec<String>| patterns.iter().any(|pattern| is_like(exchange, pattern));
    known.iter().find(|(_, patterns)| matches(patterns)).map(|(reason, _)| reason.clone())
}

/// Reports whether a name matches a pattern of a shell: `*` is any text, `?` a character, `[2-5]` one of these.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut expression = String::from("^");
    for character in pattern.chars() {
        match character {
            '*' => expression += ".*",
            '?' => expression += ".",
            '[' | ']' | '-' => expression.push(character),
            other => expression += &regex_lite::escape(other.encode_utf8(&mut [0; 4])),
        }
    }
    Pattern::try_from(expression + "$").is_ok_and(|pattern| pattern.is_in(name))
}

/// Everything that one run needs to measure sets.
struct Judge<'f> {
    network: Network,
    equality: Equality,
    stand_ins: BTreeMap<String, StandIn>,
    fresh: &'f [String],
}

impl Judge<'_> {
    fn measure(&self, set: &Set, floor: usize) -> Result<Figure, JudgeError> {
        let answers = Arc::new(archive::answers(&set.loaded)?);
        let credentials = Credentials::read(&fixtures::path(&format!("{}.credentials.json", set.logins)))?;
        let serve = || self.network.serve(answers.clone(), options(credentials.clone()));
        let steps = archive::steps(&archive::files(&set.name)?)?;
        // In the order in which they were recorded: the numbers of the files go on from step to step.
        let mut steps: Vec<(&String, &Exchanges)> = steps.iter().collect();
        steps.sort_by_key(|(_, exchanges)| exchanges.keys().next());
        let mut figure = Figure { set: set.name.clone(), equal: 0, total: 0, floor, differences: Vec::new() };
        let mut twin = serve()?;
        for (name, exchanges) in steps {
            if self.fresh.contains(name) {
                twin = serve()?;
            }
            if let Some(stand_in) = self.stand_ins.get(name) {
                self.count(&serve()?, name, exchanges, &mut figure);
                self.leave(&twin, name, exchanges, &stand_in.leaves)?;
            } else {
                self.count(&twin, name, exchanges, &mut figure);
            }
        }
        Ok(figure)
    }

    /// Sends the exchanges of a step and adds the results to the figure.
    fn count(&self, twin: &Served<'_>, step: &str, exchanges: &Exchanges, figure: &mut Figure) {
        for compared in replay(&self.network, &twin.endpoint, exchanges, &self.equality) {
            figure.total += 1;
            let Some(difference) = compared.difference else {
                figure.equal += 1;
                continue;
            };
            let name = compared.exchange;
            let exchange = if step.is_empty() { name } else { format!("{step}/{name}") };
            figure.differences.push(Differing { exchange, difference, reason: None });
        }
    }

    /// Sends the requests with which a step that has a twin of its own left something behind.
    fn leave(&self, twin: &Served<'_>, step: &str, exchanges: &Exchanges, leaves: &[String]) -> Result<(), JudgeError> {
        for name in leaves {
            let exchange = exchanges.get(name).cloned().unwrap_or_default();
            let compared = replay(&self.network, &twin.endpoint, &[(name.clone(), exchange)].into(), &self.equality);
            if compared.first().is_none_or(|compared| compared.difference.is_some()) {
                return Err(JudgeError::Unequal(format!("{step}/{name}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_by_patterns() {
        let known = [("ssh".to_owned(), vec!["19[2-5]_*.json".to_owned(), "187_a.json".to_owned()])].into();
        let check = |exchange: &str, expected: Option<&str>| {
            assert_eq!(reason(&known, exchange).as_deref(), expected, "{exchange}");
        };
        check("192_delete_vm.json", Some("ssh"));
        check("196_delete_vm.json", None);
        check("187_a.json", Some("ssh"));
        check("187_aXjson", None);
        check("1187_a.json", None);
    }

    #[test]
    fn every_set_has_its_fixtures() {
        let sets = sets().unwrap();
        for set in &sets.sets {
            for name in [&set.name, &set.loaded] {
                assert!(fixtures::path(&format!("exchanges/{name}.tar.zst")).exists(), "{name}");
            }
            assert!(fixtures::path(&format!("{}.credentials.json", set.logins)).exists(), "{}", set.logins);
        }
        let steps = archive::steps(&archive::files("provider-writes").unwrap()).unwrap();
        let named = stand_ins().unwrap().into_keys().chain(sets.fresh).chain(sets.before.into_keys());
        for step in named {
            assert!(steps.contains_key(&step), "{step}");
        }
    }

    #[test]
    fn an_unknown_set_is_wrong_usage() {
        let arguments = Arguments { sets: vec!["pve-9.1".to_owned()], show: 0, reasons: false };
        let error = arguments.run(&mut |_| ()).unwrap_err();
        assert!(matches!(error, JudgeError::Usage(_)), "{error}");
        assert!(error.to_string().starts_with("no set is called `pve-9.1`; there are pve-9.1-get, "), "{error}");
    }

    /// The smallest set, from the archive to the figure.
    #[test]
    fn a_set_is_measured() {
        let mut printed = Vec::new();
        let arguments = Arguments { sets: vec!["homelab-get".to_owned()], show: 5, reasons: true };
        let verdict = arguments.run(&mut |line| printed.push(line.to_owned())).unwrap();
        let Verdict::Judged { passed, report } = verdict else { panic!("nothing was skipped") };
        assert_eq!(printed, ["homelab-get: 634 of 634 equal (100.0 %), floor 634"]);
        assert!(passed && report["sets"][0]["differences"] == json!([]), "{report}");
    }
}
