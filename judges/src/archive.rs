//! Archives of recorded exchanges, `fixtures/exchanges/<name>.tar.zst`, read into memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use proxmox_mpc_model::{AnswerText, ApiPath};
use serde_json::Value;

use crate::exchange::Exchange;
use crate::{JudgeError, fixtures};

/// Files of an archive by their path in it, without the folder that has the archive's name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Exchanges in the order in which they were recorded: JSON documents by the name of their file.
pub(crate) type Exchanges = BTreeMap<String, Value>;

/// Answers to the `GET` requests of a cluster, with which a twin is loaded.
pub(crate) type Answers = BTreeMap<ApiPath, AnswerText>;

/// Reads all files of an archive.
pub(crate) fn files(name: &str) -> Result<Files, JudgeError> {
    let path = fixtures::path(&format!("exchanges/{name}.tar.zst"));
    let unreadable = || JudgeError::file(&path);
    let file = File::open(&path).map_err(unreadable())?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).map_err(unreadable())?);
    let mut files = Files::new();
    for entry in archive.entries().map_err(unreadable())? {
        let mut entry = entry.map_err(unreadable())?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let inside = entry.path().map_err(unreadable())?.to_string_lossy().into_owned();
        let inside = inside.trim_start_matches("./");
        let inside = inside.strip_prefix(name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(inside).to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(unreadable())?;
        files.insert(inside, content);
    }
    Ok(files)
}

/// Parses the exchanges of an archive: those of each folder in it, or all of them under an empty name.
pub(crate) fn steps(files: &Files) -> Result<BTreeMap<String, Exchanges>, JudgeError> {
    let mut steps: BTreeMap<String, Exchanges> = BTreeMap::new();
    for (path, content) in files {
        let (step, name) = path.rsplit_once('/').unwrap_or(("", path));
        if is_json(name) {
            let form = |source| JudgeError::Form { name: path.clone(), source };
            let exchange = serde_json::from_slice(content).map_err(form)?;
            steps.entry(step.to_owned()).or_default().insert(name.to_owned(), exchange);
        }
    }
    Ok(steps)
}

/// Answers to the `GET` requests of an archive. Of a request that was sent twice the last answer counts.
pub(crate) fn answers(name: &str) -> Result<Answers, JudgeError> {
    let mut answers = Answers::new();
    for (file, content) in files(name)? {
        let form = |source| JudgeError::Form { name: file.clone(), source };
        let Some(exchange) = Exchange::parse(&serde_json::from_slice(&content).map_err(form)?) else { continue };
        let Some(path) = exchange.request.path.strip_prefix("/api2/json") else { continue };
        if exchange.request.method != "GET" || exchange.body.is_none() {
            continue;
        }
        let text = AnswerText::parse(exchange.response().to_string().as_bytes()).map_err(form)?;
        answers.insert(ApiPath::parse(path), text);
    }
    Ok(answers)
}

/// Reports whether this is the name of a JSON file, and not of an archive's index.
pub(crate) fn is_json(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "json") && name != "INDEX.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_a_set_of_exchanges_or_of_steps() {
        let check = |name: &str, step: &str, exchange: &str| {
            let steps = steps(&files(name).unwrap()).unwrap();
            assert!(steps[step].contains_key(exchange), "{name}: {:?}", steps.keys());
        };
        check("pve-9.1-flows", "", "120_start_ha_managed_task_log.json");
        check("provider-writes", "24-cluster-options", "1063_change_PUT_cluster-options.json");
        check("provider-steps", "01-pool", "results.json");
    }

    #[test]
    fn answers_are_by_request() {
        let answers = answers("homelab-get").unwrap();
        let version = answers[&ApiPath::parse("version")].parsed().unwrap();
        assert_eq!(version.status, 200);
        assert!(version.data().unwrap()["version"].is_string());
    }
}
