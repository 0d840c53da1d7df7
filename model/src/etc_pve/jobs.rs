//! Answers about jobs: backups and realm syncs (`jobs.cfg`, and `vzdump.cron` of older releases), and replications.

use serde_json::{Value, json};

use super::access::decoded_again;
use super::section::{self, Dialect};
use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::{File, Tree, file};
use super::words::{is_digits, lines};
use crate::property::Properties;
use crate::{ApiPath, boolean};

/// Dialect of `jobs.cfg`.
const JOBS: Dialect =
    Dialect { types: "vzdump realm-sync", bare: false, own: &[("realm-sync", SYNCS), ("vzdump", BACKUPS)], keys: KEYS };

const SYNCS: &str = "enable-new realm remove-vanished scope";

const BACKUPS: &str = "all bwlimit compress dow dumpdir exclude exclude-path fleecing ionice lockwait \
    mailnotification mailto maxfiles mode node notes-template notification-mode notification-policy \
    notification-target pbs-change-detection-mode performance pigz pool protected prune-backups quiet remove \
    repeat-missed script starttime stdexcludes stop stopwait storage tmpdir vmid zstd";

const KEYS: &str = "all:b bwlimit:i comment compress dow dumpdir enable-new:b enabled:b exclude exclude-path:l fleecing \
    ionice:i lockwait:i mailnotification mailto maxfiles:i mode node notes-template notification-mode \
    notification-policy notification-target pbs-change-detection-mode performance pigz:i pool protected:b \
    prune-backups quiet:b realm remove:b remove-vanished repeat-missed:b schedule scope script starttime stdexcludes:b \
    stop:b stopwait:i storage tmpdir vmid zstd:i";

/// Keys of backups that Proxmox VE 9 has dropped. It ignores a line of `vzdump.cron` with one of them.
const DROPPED: &[&str] = &["maxfiles", "notification-policy", "notification-target"];

/// Keys that are shown as objects; switches inside them become numbers.
const OBJECTS: &[&str] = &["fleecing", "performance", "prune-backups"];

/// Answers the lists of jobs. Returns the backup jobs.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) -> Vec<Row> {
    let (mut backups, mut syncs) = (cron(tree.get("vzdump.cron"), sheet), Vec::new());
    for section in section::parse("jobs.cfg", &file(tree, "jobs.cfg").text, JOBS, sheet) {
        let mut keys = with(with(section.keys, "id", section.id.clone()), "type", section.kind.clone());
        for dropped in DROPPED.iter().filter(|_| !sheet.before_nine) {
            if keys.remove(*dropped).is_some() {
                let why = "is left out, since Proxmox VE 9 has dropped it";
                sheet.warnings.push(format!("jobs.cfg: `{dropped}` of `{}` {why}", section.id));
            }
        }
        keys.entry("enabled").or_insert(json!(1));
        if let Some(comment) = keys.get_mut("comment") {
            *comment = json!(decoded_again(comment));
        }
        show_objects(&mut keys);
        if section.kind == "vzdump" {
            backups.push(keys);
        } else {
            syncs.push(with(keys, "last-run", Value::Null));
        }
    }
    sheet.put("cluster/backup", rows(backups.clone()));
    sheet.put("cluster/jobs/realm-sync", rows(syncs));
    sheet.put("cluster/jobs", json!([{ "subdir": "schedule-analyze" }, { "subdir": "realm-sync" }]));
    backups
}

/// The id of a job and its comment.
pub(super) fn named(keys: &Row) -> (String, Value) {
    let id = keys.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    (id, keys.get("comment").cloned().unwrap_or_default())
}

fn show_objects(keys: &mut Row) {
    for key in OBJECTS {
        if let Some(value) = keys.get_mut(*key) {
            *value = object(value.as_str().unwrap_or_default());
        }
    }
}

fn object(text: &str) -> Value {
    const SWITCHES: &[&str] = &["enabled", "keep-all"];
    let properties = Properties::parse(text);
    let pairs = properties.iter().map(|(key, value)| {
        let key = key.unwrap_or("enabled");
        let flag = if SWITCHES.contains(&key) { boolean::parse(value) } else { None };
        (key.to_owned(), flag.map_or_else(|| json!(value), |flag| json!(u8::from(flag))))
    });
    Value::Object(pairs.collect())
}

const EVERY_DAY: &str = "mon,tue,wed,thu,fri,sat,sun";

/// The backup jobs of the old form: `0 2 * * 6 root vzdump 103 --mode snapshot`, with a `#` before `vzdump` where the
/// job is disabled.
fn cron(file: Option<&File>, sheet: &mut Sheet) -> Vec<Row> {
    let Some(file) = file else { return Vec::new() };
    let mut jobs = Vec::new();
    for (number, line) in lines(&file.text) {
        let line = line.trim_end();
        if line.trim().is_empty() || line.starts_with('#') || line.starts_with("PATH") {
            continue;
        }
        let dropped: &[&str] = if sheet.before_nine { &[] } else { DROPPED };
        match cron_line(line, dropped) {
            Some(job) => {
                let id = format!("{}:{}", file.sha1, jobs.len() + 1);
                jobs.push(with(job, "id", id));
            }
            None => sheet.warn("vzdump.cron", number, "ignored, since it is not a backup"),
        }
    }
    jobs
}

fn cron_line(line: &str, dropped: &[&str]) -> Option<Row> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [minute, hour, "*", "*", days, "root", program, arguments @ ..] = &words[..] else { return None };
    let program = program.rsplit_once('/').map_or(*program, |(_, program)| program);
    let enabled = match program {
        "vzdump" => "1",
        "#vzdump" => "",
        _ => return None,
    };
    if !is_digits(minute) || !is_digits(hour) {
        return None;
    }
    let time = format!("{hour:0>2}:{minute:0>2}");
    let days = weekdays(days)?;
    let schedule = if days == EVERY_DAY { time } else { format!("{days} {time}") };
    let mut job = row([("enabled", json!(enabled)), ("schedule", json!(schedule))]);
    // Only quotes allow a blank in an argument, and backups need them in addresses and folders only.
    let arguments = arguments.join(" ").replace(['"', '\''], "");
    let mut arguments = arguments.split(' ').filter(|word| !word.is_empty()).peekable();
    let mut guests: Vec<&str> = Vec::new();
    while let Some(word) = arguments.next() {
        let Some(option) = word.trim_start_matches('-').split_once('=').or(Some((word.trim_start_matches('-'), "")))
        else {
            continue;
        };
        if !word.starts_with('-') {
            guests.push(word);
            continue;
        }
        let (key, given) = option;
        let form = KEYS.split_ascii_whitespace().find_map(|known| {
            let (name, form) = known.split_once(':').unwrap_or((known, ""));
            (name == key && !dropped.contains(&key)).then_some(form)
        })?;
        let next = arguments.next_if(|next| given.is_empty() && !next.starts_with("--"));
        let value = next.unwrap_or(given);
        let value = match form {
            "b" => json!(u8::from(value.is_empty() || boolean::parse(value)?)),
            "l" => json!([value]),
            _ => json!(value),
        };
        job.insert(key.to_owned(), value);
    }
    show_objects(&mut job);
    if !guests.is_empty() {
        job.insert("vmid".to_owned(), json!(guests.join(",")));
    }
    Some(job)
}

/// The weekdays of a line (`6`, `sat`, `1-5` or `1,3`) in the words of a schedule.
fn weekdays(text: &str) -> Option<String> {
    const DAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = |text: &str| match text.parse::<usize>() {
        Ok(number) => DAYS.get(number).map(|_| number),
        Err(_) => DAYS.iter().position(|day| text.eq_ignore_ascii_case(day)),
    };
    let mut chosen = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            _ if part == "*" => (1, 7),
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        chosen.extend((first..=last).map(|number| if number == 0 { 7 } else { number }));
    }
    chosen.sort_unstable();
    chosen.dedup();
    Some(chosen.into_iter().filter_map(|number| DAYS.get(number).copied()).collect::<Vec<_>>().join(","))
}

/// Answers the replications (`replication.cfg`): `local: 100-0`, the guest and the number of the job. Returns ids and
/// comments.
pub(super) fn replications(tree: &Tree, sheet: &mut Sheet) -> Vec<(String, Value)> {
    const REPLICATIONS: Dialect = Dialect {
        types: "local",
        bare: false,
        own: &[],
        keys: "comment disable:b rate:n remove_job schedule source target",
    };
    let File { text, sha1, .. } = file(tree, "replication.cfg");
    let mut list = Vec::new();
    let mut jobs = Vec::new();
    for section in section::parse("replication.cfg", text, REPLICATIONS, sheet) {
        let number = |text: &str| text.parse::<u32>().ok();
        let Some((Some(guest), Some(job))) =
            section.id.split_once('-').map(|(guest, job)| (number(guest), number(job)))
        else {
            sheet.warnings.push(format!("replication.cfg: `{}` is not a replication", section.id));
            continue;
        };
        let mut keys = with(with(section.keys, "type", section.kind), "id", section.id.clone());
        if let Some(comment) = keys.get_mut("comment") {
            *comment = json!(decoded_again(comment));
        }
        let keys = with(with(keys, "guest", guest), "jobnum", job);
        jobs.push(named(&keys));
        sheet
            .put_at(ApiPath::new(["cluster", "replication", &section.id]), with(keys.clone(), "digest", sha1.as_str()));
        list.push(keys);
    }
    sheet.put("cluster/replication", rows(list));
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_both_forms() {
        let cron = "PATH=\"/bin\"\n\n# no\n5 2 * * 1-3,sun root vzdump 100 101 --quiet 1 --mode=stop --prune-backups keep-last=3 --storage nas\n\
            0 22 * * * root #vzdump --all --exclude-path /tmp\r\n0 2 1 * * root vzdump 1\n* * * * * root reboot\n";
        let config = "vzdump: a\n\tall 1\n\tprune-backups keep-all=yes\n\texclude-path /a\n\texclude-path /b\n\
            \tfleecing 1,storage=x\n\tcomment %C3%BC ü\n\trepeat-missed\n\nrealm-sync: r\n\trealm x\n\tenabled 0\n\nother: o\n";
        let tree = Tree::from([("vzdump.cron".to_owned(), File::of(cron)), ("jobs.cfg".to_owned(), File::of(config))]);
        let mut sheet = Sheet::default();
        answer(&tree, &mut sheet);
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned();
        let expected = json!([
            {"id": ":1", "enabled": "1", "schedule": "mon,tue,wed,sun 02:05", "vmid": "100,101", "quiet": 1, "mode": "stop", "storage": "nas", "prune-backups": {"keep-last": "3"}},
            {"id": ":2", "enabled": "", "schedule": "22:00", "all": 1, "exclude-path": ["/tmp"]},
            {
                "id": "a", "type": "vzdump", "enabled": 1, "all": 1, "prune-backups": {"keep-all": 1}, "exclude-path": ["/a", "/b"],
                "fleecing": {"enabled": 1, "storage": "x"}, "comment": "ü ü", "repeat-missed": 1,
            },
        ]);
        assert_eq!(data("cluster/backup"), Some(expected));
        let sync = json!([{"id": "r", "type": "realm-sync", "enabled": 0, "realm": "x", "last-run": null}]);
        assert_eq!(data("cluster/jobs/realm-sync"), Some(sync));
        assert_eq!(sheet.warnings.len(), 3, "{:?}", sheet.warnings);
    }

    #[test]
    fn dropped_keys_are_read_in_files_of_release_8() {
        let cron = "0 2 * * 6 root vzdump 100 --maxfiles 3\n";
        let config = "vzdump: a\n\tall 1\n\tmaxfiles 3\n\tnotification-policy never\n";
        let tree = Tree::from([("vzdump.cron".to_owned(), File::of(cron)), ("jobs.cfg".to_owned(), File::of(config))]);
        let counts = |before_nine| {
            let mut sheet = Sheet::of_release(before_nine);
            let jobs = answer(&tree, &mut sheet);
            (jobs.len(), jobs.iter().filter(|job| job.contains_key("maxfiles")).count(), sheet.warnings.len())
        };
        assert_eq!(counts(true), (2, 2, 0));
        assert_eq!(counts(false), (1, 0, 3));
    }

    #[test]
    fn replications_name_their_guest() {
        let text = "local: 100-0\n\ttarget b\n\trate 1.5\n\tdisable\n\nlocal: x\n\ttarget b\n";
        let mut sheet = Sheet::default();
        replications(&Tree::from([("replication.cfg".to_owned(), File::of(text))]), &mut sheet);
        let list = json!([{"id": "100-0", "type": "local", "guest": 100, "jobnum": 0, "target": "b", "rate": 1.5, "disable": 1}]);
        assert_eq!(sheet.answers[&ApiPath::parse("cluster/replication")].data(), Some(&list));
        assert_eq!(sheet.warnings.len(), 1);
    }
}
