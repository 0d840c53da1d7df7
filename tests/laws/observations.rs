//! Observations of clusters: everything that people can set is in one, and a difference of two is what was done between.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::kinds::{Class, KINDS};
use proxmox_mpc_model::observation::{Changes, Event, Observation};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Value, json};

use crate::support::clusters::{Memory, all, asked, data, fixture, generated, without};

/// Every key that coverage counts as configuration is observed, and no measurement is.
#[test]
fn every_setting_of_every_object_is_observed() {
    let (mut settings, mut objects) = (0, 0);
    for (name, answers) in all() {
        let observation = Observation::read(&answers).unwrap();
        let generated = generated(&answers);
        assert_eq!(
            observation.objects.keys().collect::<Vec<_>>(),
            generated.coverage.objects.keys().collect::<Vec<_>>(),
            "{name}"
        );
        for (identity, covered) in &generated.coverage.objects {
            let kind = KINDS.iter().find(|kind| kind.prefix == identity.prefix()).unwrap();
            let object = &observation.objects[identity];
            objects += 1;
            for (key, fate) in &covered.keys {
                let is_measurement = kind.key(key).is_some_and(|key| key.class == Class::Volatile);
                // Of a rule of a list, coverage has each key: `rule3.dport`.
                let whole = key.split_once('.').map_or(key.as_str(), |(whole, _)| whole);
                let is_observed = object.keys.contains_key(key) || object.keys.contains_key(whole);
                assert!(!(is_measurement && is_observed), "{name}: {identity}: {key}");
                // What is null is not set. A fact is no configuration, and observed where its keys are.
                let is_setting = *fate != Fate::Volatile && covered.outcome != Outcome::Fact && !is_measurement;
                if is_setting && !is_observed {
                    let kind_answers = answers.values().any(|answer| has_null(answer.data(), key));
                    assert!(kind_answers, "{name}: {identity}: {key} is not observed");
                }
                settings += usize::from(is_setting && is_observed);
            }
        }
        for unread in &generated.unread {
            assert!(observation.not_read.contains(unread), "{name}: {}", unread.identity);
        }
    }
    assert!(objects > 1000 && settings > 8000, "{objects} objects, {settings} settings");
}

/// Reports whether null stands under this key anywhere in the data.
fn has_null(data: Option<&Value>, key: &str) -> bool {
    match data {
        Some(Value::Array(items)) => items.iter().any(|item| has_null(Some(item), key)),
        Some(Value::Object(keys)) => keys.get(key).is_some_and(Value::is_null),
        _ => false,
    }
}

#[test]
fn an_observation_is_the_same_from_its_files_and_in_every_order_of_rows() {
    for (name, mut answers) in all() {
        let observation = Observation::read(&answers).unwrap();
        let files = observation.files();
        assert_eq!(files.len(), observation.objects.len() + 1, "{name}: a file for each object");
        let back = Observation::from_files(&files).unwrap();
        assert_eq!(back, observation, "{name}");
        assert_eq!(back.files(), files, "{name}");
        for (path, text) in &files {
            assert!(text.ends_with("}\n") && path.split('/').count() <= 3, "{path}");
        }
        answers.values_mut().for_each(reverse_rows);
        let reversed = Observation::read(&answers).unwrap();
        assert!(Changes::between(&observation, &reversed).is_empty(), "{name}");
        assert_eq!(reversed.files(), files, "{name}");
    }
}

/// Turns the rows of a list around: Proxmox's lists have no order but what a row says of its position.
fn reverse_rows(answer: &mut Answer) {
    if let Some(Value::Array(rows)) = answer.body.get_mut("data")
        && rows.iter().all(Value::is_object)
    {
        rows.reverse();
    }
}

/// Also where the answers have secrets, as authored ones do.
#[test]
fn an_observation_has_no_secret() {
    let mut hidden = 0;
    for (name, answers) in all() {
        let observation = Observation::read(&answers).unwrap();
        for (path, text) in observation.files() {
            assert!(!text.contains("CANARY"), "{name}: {path}: {text}");
            hidden += text.matches("redacted-").count();
        }
    }
    assert!(hidden > 10, "{hidden}");
}

/// An edit of an answer: the guest or pool by its number, the key and the new value.
type Edit = (usize, usize, Option<u16>);

/// A key of a guest, and its value for a number.
type EditedKey = (&'static str, fn(u16) -> Value);

/// Keys of guests that are edited, with the form of their values.
const KEYS: [EditedKey; 5] = [
    ("memory", |value| json!(value.to_string())),
    ("onboot", |value| json!(value % 2)),
    ("description", |value| json!(format!("note\n{value}"))),
    ("tags", |value| json!(format!("t{value};a"))),
    ("startup", |value| json!(format!("order={value}"))),
];

#[test]
fn what_was_edited_is_what_is_told() {
    let answers = asked(&fixture("pve-9.1"));
    let before = Observation::read(&answers).unwrap();
    let guests: Vec<(Identity, String)> = answers.keys().filter_map(guest_of).collect();
    assert!(guests.len() > 8, "{}", guests.len());
    let edits = proptest::collection::vec((0..guests.len(), 0..KEYS.len(), any::<Option<u16>>()), 0..12);
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 24, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    runner
        .run(&edits, |edits: Vec<Edit>| {
            let mut edited = answers.clone();
            for (guest, key, value) in &edits {
                let keys = data(&mut edited, &guests[*guest].1).as_object_mut().unwrap();
                match value {
                    Some(value) => drop(keys.insert(KEYS[*key].0.to_owned(), KEYS[*key].1(*value))),
                    None => drop(keys.remove(KEYS[*key].0)),
                }
            }
            let after = Observation::read(&edited).unwrap();
            let changes = Changes::between(&before, &after);
            let told: BTreeSet<(&Identity, &str)> = changes
                .objects
                .iter()
                .flat_map(|change| change.attributes.iter().map(move |attribute| (&change.identity, &*attribute.key)))
                .collect();
            prop_assert_eq!(told, expected(&answers, &edited, &guests));
            prop_assert!(changes.objects.iter().all(|change| change.event == Event::Changed));
            prop_assert!(changes.subject().chars().count() <= 72, "{}", changes.subject());
            let back = Changes::between(&after, &before);
            prop_assert_eq!(back.objects.len(), changes.objects.len());
            Ok(())
        })
        .unwrap();
}

/// The guest whose configuration a path is, and the path.
fn guest_of(path: &ApiPath) -> Option<(Identity, String)> {
    let segments = path.segments();
    match &segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["nodes", _, guest @ ("qemu" | "lxc"), id, "config"] if path.query().is_empty() => {
            Some((Identity::new(guest, id), path.as_str().to_owned()))
        }
        _ => None,
    }
}

/// The settings that differ between the answers, compared as JSON: numbers as text, tags as sets.
fn expected<'g>(
    before: &Memory,
    after: &Memory,
    guests: &'g [(Identity, String)],
) -> BTreeSet<(&'g Identity, &'static str)> {
    let value = |answers: &Memory, path: &str, key: &str| {
        let value = answers[&ApiPath::parse(path)].data().unwrap().get(key).cloned();
        let text = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        text.map(|text| match key {
            "tags" => text.split(';').map(str::to_owned).collect::<BTreeSet<_>>(),
            _ => BTreeSet::from([text]),
        })
    };
    let mut differing = BTreeSet::new();
    for (identity, path) in guests {
        for (key, _) in KEYS {
            if value(before, path, key) != value(after, path, key) {
                differing.insert((identity, key));
            }
        }
    }
    differing
}

/// A guest that is destroyed takes its own with it, and nothing else changes. Where another answer still names it, or the
/// list of everything is missing, nobody knows.
#[test]
fn a_guest_that_is_gone_takes_its_own_with_it() {
    let answers = asked(&fixture("pve-9.1"));
    let before = Observation::read(&answers).unwrap();
    let mut destroyed = 0;
    for (identity, _) in answers.keys().filter_map(guest_of) {
        let mut without = without(&answers, &identity);
        let after = Observation::read(&without).unwrap();
        let changes = Changes::between(&before, &after);
        let gone = changes.objects.iter().any(|change| change.identity == identity);
        assert!(gone != after.is_unknown(&identity), "{identity}");
        if gone {
            destroyed += 1;
            for change in &changes.objects {
                let is_its_own = change.identity.as_str().contains(identity.id());
                assert!(
                    change.event == Event::Gone && is_its_own,
                    "{identity}: {} {:?}",
                    change.identity,
                    change.event
                );
            }
        }
        without.remove(&ApiPath::parse("cluster/resources"));
        let blind = Observation::read(&without).unwrap();
        let changes = Changes::between(&before, &blind);
        assert!(!changes.objects.iter().any(|change| change.identity == identity), "{identity}");
        assert_eq!(blind.or_earlier(&before).objects.get(&identity), before.objects.get(&identity));
    }
    assert!(destroyed > 3, "{destroyed}");
}
