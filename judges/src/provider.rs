//! `provider`: lets the real Terraform and the real provider create, change and destroy things on a twin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::Credentials;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::archive::{self, Answers, Exchanges, Files};
use crate::exchange::Request;
use crate::fidelity::{SetTable, StandIn, sets, stand_ins};
use crate::network::{Network, Served, options};
use crate::programs::{Ended, TOO_LONG};
use crate::terraform::{self, Terraform, summary};
use crate::tools::Missing;
use crate::{JudgeError, Lines, Verdict, fixtures};

/// URL in the recorded code.
const ENDPOINT: &str = "https://127.0.0.8:8006/";

/// Let the real provider work on a twin, and compare with a real cluster
///
/// Each step of fixtures/exchanges/provider-steps.tar.zst has its Terraform code, and the exit code and the numbers of each
/// apply, of the plan after it, and of the destroy on a real cluster. Each step has a fresh twin. A step that failed there for
/// a program which the recorded cluster lacks has to end as on a cluster that lacks nothing (fixtures/exchanges/stand-ins.json).
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Names of steps; those of fixtures/exchanges/floors.json otherwise
    #[arg(value_name = "STEP")]
    pub steps: Vec<String>,
    /// Run every step, which takes minutes; only those of the list must end as on the cluster
    #[arg(long)]
    pub all: bool,
    /// Keep code, state and Terraform's output in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Result of a command on the recorded cluster (`results.json` of a step).
#[derive(Clone, Debug, Deserialize)]
struct Recorded {
    /// `create`, `plan-after-create`, `change`, `destroy`, …
    command: String,
    exit_code: i32,
    summary: Vec<String>,
}

/// Comparison of one step.
#[derive(Debug, Serialize)]
struct Compared {
    step: String,
    /// Commands that ended in another way.
    differences: Vec<String>,
    /// Program that the recorded cluster lacks, if the step is compared with a cluster that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lacking: Option<String>,
}

impl Arguments {
    /// Runs the steps and prints how each of them ended.
    pub fn run(&self, lines: &mut Lines<'_>) -> Result<Verdict, JudgeError> {
        let program = match terraform::find() {
            Ok(program) => program,
            Err(missing) => return Ok(Verdict::Skipped(missing)),
        };
        let scratch = tempfile::tempdir().map_err(JudgeError::file(Path::new("a temporary folder")))?;
        let keep = self.keep.clone().unwrap_or_else(|| scratch.path().to_owned());
        let stage = Stage::new(program, &keep)?;
        let (names, wanted) = self.chosen(&stage)?;
        let mut compared = Vec::new();
        for name in names {
            let step = match stage.compare(&name)? {
                Ok(step) => step,
                Err(missing) => return Ok(Verdict::Skipped(missing)),
            };
            let ended = match &step.lacking {
                _ if !step.differences.is_empty() => step.differences.join("; "),
                Some(why) => format!("as on a healthy cluster: {why}"),
                None => "as on the cluster".to_owned(),
            };
            lines(&format!("{name}: {ended}"));
            compared.push(step);
        }
        let is_alike = |step: &&Compared| step.differences.is_empty();
        let alike = compared.iter().filter(is_alike).count();
        lines(&format!("{alike} of {} steps as on the cluster", compared.len()));
        let passed = compared.iter().all(|step| is_alike(&step) || !wanted.contains(&step.step));
        let report = json!({ "passed": passed, "alike": alike, "total": compared.len(), "steps": compared });
        Ok(Verdict::Judged { passed, report })
    }

    /// The steps that are run, and those of them that must end as on the cluster.
    fn chosen(&self, stage: &Stage) -> Result<(BTreeSet<String>, BTreeSet<String>), JudgeError> {
        let floors: BTreeMap<String, Value> = fixtures::table("exchanges/floors.json")?;
        let listed = floors.get("provider-steps").and_then(Value::as_array).into_iter().flatten();
        let listed: BTreeSet<String> = listed.filter_map(Value::as_str).map(str::to_owned).collect();
        let wanted = if self.steps.is_empty() { listed } else { self.steps.iter().cloned().collect() };
        let known: BTreeSet<String> = stage.steps.keys().cloned().collect();
        match wanted.iter().find(|step| !known.contains(*step)) {
            Some(unknown) => {
                let known = known.into_iter().collect::<Vec<_>>().join(", ");
                Err(JudgeError::Usage(format!("no step is called `{unknown}`; there are {known}")))
            }
            None if self.all => Ok((known, wanted)),
            None => Ok((wanted.clone(), wanted)),
        }
    }
}

/// Everything that the steps share.
struct Stage {
    network: Network,
    terraform: PathBuf,
    keep: PathBuf,
    answers: Arc<Answers>,
    credentials: Credentials,
    /// Files of each step: its code and `results.json`.
    steps: BTreeMap<String, Files>,
    exchanges: BTreeMap<String, Exchanges>,
    stand_ins: BTreeMap<String, StandIn>,
    sets: SetTable,
}

impl Stage {
    fn new(terraform: PathBuf, keep: &Path) -> Result<Self, JudgeError> {
        let mut steps: BTreeMap<String, Files> = BTreeMap::new();
        for (path, content) in archive::files("provider-steps")? {
            if let Some((step, name)) = path.split_once('/') {
                steps.entry(step.to_owned()).or_default().insert(name.to_owned(), content);
            }
        }
        Ok(Self {
            network: Network::new(Duration::from_mins(1))?,
            terraform,
            keep: std::path::absolute(keep).map_err(JudgeError::file(keep))?,
            answers: Arc::new(archive::answers("pve-9.1-get")?),
            credentials: Credentials::read(&fixtures::path("pve-9.1.credentials.json"))?,
            steps,
            exchanges: archive::steps(&archive::files("provider-writes")?)?,
            stand_ins: stand_ins()?,
            sets: sets()?,
        })
    }

    /// Runs a step on a fresh twin, and compares its end with the recorded one.
    fn compare(&self, name: &str) -> Result<Result<Compared, Missing>, JudgeError> {
        let empty = Exchanges::new();
        let exchanges = self.exchanges.get(name).unwrap_or(&empty);
        let stand_in = self.stand_ins.get(name);
        let twin = self.network.serve(self.answers.clone(), options(self.credentials.clone()))?;
        let folder = self.prepare(name, &twin)?;
        let log = folder.join("terraform.log");
        let terraform = Terraform::new(&self.terraform, &folder, &BTreeMap::new(), &log, Duration::from_mins(5));
        if let Err(missing) = terraform.init()? {
            return Ok(Err(missing));
        }
        if let Some(earlier) = self.sets.before.get(name) {
            let (step, exchange) = earlier.split_once('/').unwrap_or(("", earlier));
            self.send(&twin, self.exchanges.get(step).and_then(|exchanges| exchanges.get(exchange)))?;
        }
        let mut differences = Vec::new();
        for recorded in self.recorded(name)? {
            for by_hand in by_hand(exchanges, &recorded.command) {
                self.send(&twin, Some(by_hand))?;
            }
            let ended = command(&terraform, &folder, &recorded.command)?;
            let healthy = stand_in.and_then(|stand_in| stand_in.results.get(&recorded.command));
            differences.extend(difference(&recorded, healthy, &ended));
        }
        let lacking = stand_in.map(|stand_in| stand_in.why.clone());
        Ok(Ok(Compared { step: name.to_owned(), differences, lacking }))
    }

    /// Writes the code of a step, which is led to the twin.
    fn prepare(&self, name: &str, twin: &Served<'_>) -> Result<PathBuf, JudgeError> {
        let folder = self.keep.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(JudgeError::file(&folder))?;
        }
        let code = folder.join("code");
        fs::create_dir_all(&code).map_err(JudgeError::file(&code))?;
        let is_code = |file: &str| Path::new(file).extension().is_some_and(|extension| extension == "tf");
        for (file, content) in self.steps.get(name).into_iter().flatten().filter(|(file, _)| is_code(file)) {
            let text = String::from_utf8_lossy(content).replace(ENDPOINT, &format!("{}/", twin.endpoint));
            fs::write(code.join(file), text).map_err(JudgeError::file(&code))?;
        }
        fs::write(folder.join("small.iso"), "DATA").map_err(JudgeError::file(&folder))?;
        fs::copy(code.join("before.tf"), folder.join("main.tf")).map_err(JudgeError::file(&folder))?;
        Ok(folder)
    }

    fn recorded(&self, name: &str) -> Result<Vec<Recorded>, JudgeError> {
        let content = self.steps.get(name).and_then(|files| files.get("results.json"));
        let form = |source| JudgeError::Form { name: format!("{name}/results.json"), source };
        serde_json::from_slice(content.map(Vec::as_slice).unwrap_or_default()).map_err(form)
    }

    /// Sends a request that was no command's, whatever comes of it.
    fn send(&self, twin: &Served<'_>, exchange: Option<&Value>) -> Result<(), JudgeError> {
        let request = exchange.and_then(|exchange| Request::deserialize(exchange.get("request")?).ok());
        let request = request.unwrap_or_default();
        let answered = self.network.send(&twin.endpoint, &request);
        answered.map(drop).map_err(|error| JudgeError::Network(error.into()))
    }
}

/// Runs a command of the recording: `create`, `plan-after-create`, `destroy`.
fn command(terraform: &Terraform, folder: &Path, name: &str) -> Result<Ended, JudgeError> {
    if name.starts_with("plan") {
        return terraform.run(&["plan", "-detailed-exitcode", "-parallelism=1"]);
    }
    if name == "destroy" {
        return terraform.run(&["destroy", "-auto-approve", "-parallelism=1"]);
    }
    let code = match name {
        "create" => "before.tf",
        "change" => "after.tf",
        _ => "after2.tf",
    };
    fs::copy(folder.join("code").join(code), folder.join("main.tf")).map_err(JudgeError::file(folder))?;
    terraform.run(&["apply", "-auto-approve", "-parallelism=1"])
}

/// The requests that somebody sent by hand right before a command.
fn by_hand<'e>(exchanges: &'e Exchanges, command: &str) -> Vec<&'e Value> {
    let mut waiting = Vec::new();
    let mut before = Vec::new();
    for (name, exchange) in exchanges {
        match command_of(name) {
            Some("prepare") => waiting.push(exchange),
            Some(following) if following == command => before.append(&mut waiting),
            _ => waiting.clear(),
        }
    }
    before
}

/// The command that a request belongs to: `change` of `1063_change_PUT_cluster-options.json`.
fn command_of(exchange: &str) -> Option<&str> {
    let (number, rest) = exchange.split_once('_')?;
    let (command, method) = rest.split_once('_')?;
    let is_command = number.bytes().all(|byte| byte.is_ascii_digit()) && method.starts_with(char::is_uppercase);
    is_command.then_some(command)
}

/// Difference between the end of a command and its end on the recorded cluster, or on one that lacks nothing.
fn difference(recorded: &Recorded, healthy: Option<&(i32, String)>, ended: &Ended) -> Option<String> {
    let command = &recorded.command;
    if ended.code == TOO_LONG {
        return Some(format!("{command}: it did not end in time"));
    }
    // A refusal of the cluster's own ends in the same way.
    let refusal = "the twin cannot do this: ";
    if let Some(start) = ended.output.find(refusal) {
        let words: Vec<&str> = ended.output[start + refusal.len()..].split_whitespace().take(2).collect();
        return Some(format!("{command}: {refusal}{}", words.join(" ")));
    }
    let numbers = summary(&ended.output);
    let last = numbers.last().map_or("no numbers", String::as_str);
    let is_alike = match healthy {
        Some((code, line)) => ended.code == *code && numbers.last() == Some(line),
        None => ended.code == recorded.exit_code && numbers == recorded.summary,
    };
    let (cluster, code, line) = match healthy {
        Some((code, line)) => ("on a healthy cluster", *code, line.as_str()),
        None => ("on the cluster", recorded.exit_code, recorded.summary.last().map_or("no numbers", String::as_str)),
    };
    (!is_alike).then(|| format!("{command}: exit code {}, {last}; {cluster} {code}, {line}", ended.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_as_on_the_cluster_or_not() {
        let done = "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.";
        let check =
            |recorded: (i32, &[&str]), healthy: Option<(i32, &str)>, ended: (i32, &str), expected: Option<&str>| {
                let summary = recorded.1.iter().map(|line| (*line).to_owned()).collect();
                let recorded = Recorded { command: "create".to_owned(), exit_code: recorded.0, summary };
                let healthy = healthy.map(|(code, line)| (code, line.to_owned()));
                let ended = Ended { code: ended.0, output: ended.1.to_owned() };
                assert_eq!(difference(&recorded, healthy.as_ref(), &ended).as_deref(), expected);
            };
        check((0, &[done]), None, (0, done), None);
        check((1, &[]), None, (1, "Error: no"), None);
        let failed = "create: exit code 1, no numbers; on the cluster 0, \
                      Apply complete! Resources: 1 added, 0 changed, 0 destroyed.";
        check((0, &[done]), None, (1, "Error: no"), Some(failed));
        check((1, &[]), Some((0, done)), (0, done), None);
        let failed = "create: exit code 1, no numbers; on a healthy cluster 0, \
                      Apply complete! Resources: 1 added, 0 changed, 0 destroyed.";
        check((1, &[]), Some((0, done)), (1, ""), Some(failed));
        let refused = "Error: 501 the twin cannot do this: POST /nodes/{node}/ceph/init now";
        check((1, &[]), None, (1, refused), Some("create: the twin cannot do this: POST /nodes/{node}/ceph/init"));
        check((0, &[done]), None, (TOO_LONG, done), Some("create: it did not end in time"));
    }

    #[test]
    fn requests_by_hand_belong_to_the_next_command() {
        let names = [
            "1_prepare_POST_a.json",
            "2_create_POST_b.json",
            "3_prepare_PUT_c.json",
            "4_prepare_PUT_d.json",
            "5_change_PUT_e.json",
        ];
        let exchanges: Exchanges = names.map(|name| (name.to_owned(), name.into())).into();
        let check = |command: &str, expected: &[&str]| assert_eq!(by_hand(&exchanges, command), expected, "{command}");
        check("create", &["1_prepare_POST_a.json"]);
        check("change", &["3_prepare_PUT_c.json", "4_prepare_PUT_d.json"]);
        check("destroy", &[]);
    }

    #[test]
    fn a_request_names_its_command() {
        let check = |exchange: &str, expected: Option<&str>| assert_eq!(command_of(exchange), expected, "{exchange}");
        check("1063_change_PUT_cluster-options.json", Some("change"));
        check("12_plan-after-create_GET_pools.json", Some("plan-after-create"));
        check("results.json", None);
    }
}
