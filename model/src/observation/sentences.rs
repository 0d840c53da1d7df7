//! Sentences about changes: the subject and the body of a commit.

use std::collections::BTreeMap;

use super::harmless::plain;
use super::names::{self, count};
use super::task_log::{Origin, Task};
use super::{AttributeChange, Changes, Event, ObjectChange, Observation};
use crate::kinds::{self, Form};
use crate::{Moment, Unread};

/// Longest subject, in characters.
const SUBJECT: usize = 72;

/// Longest value in a subject and in a body, in characters.
const SHORT: usize = 24;
const LONG: usize = 60;

/// Most lines of changes in a body; the files of the commit have the rest.
const LINES: usize = 1000;

/// Keys that say little about what a change means: others come first.
const MINOR: [&str; 5] = ["comment", "comments", "description", "tags", "boot"];

/// Part of a subject: its text, and the number of objects that it speaks of.
struct Phrase {
    text: String,
    objects: usize,
}

impl Changes {
    /// One line of about 72 characters: `qemu/101 web: memory 4096 → 8192; 2 guests new`. The most important comes first,
    /// the rest is counted.
    pub fn subject(&self) -> String {
        if let Some(first) = &self.first {
            let cluster = self.cluster.as_deref().map_or_else(|| "the cluster".to_owned(), |name| plain(name, SHORT));
            let (guests, others) = (count(first.guests, true), count(first.others, false));
            return format!("first sync of {cluster}: {guests}, {others}");
        }
        if self.objects.is_empty() {
            return "no change of the cluster".to_owned();
        }
        (1..=2).rev().find_map(|settings| self.subject_of(settings, SUBJECT)).unwrap_or_else(|| {
            let shortened = self.subject_of(1, usize::MAX).unwrap_or_default();
            plain(&shortened, SUBJECT)
        })
    }

    /// The subject with this many settings of each object, and as many phrases as there is room for; `None` where the
    /// first does not fit.
    fn subject_of(&self, settings: usize, longest: usize) -> Option<String> {
        let phrases = self.phrases(settings);
        (1..=phrases.len()).rev().find_map(|number| {
            let texts: Vec<&str> = phrases.iter().take(number).map(|phrase| phrase.text.as_str()).collect();
            let rest: usize = phrases.iter().skip(number).map(|phrase| phrase.objects).sum();
            let mut text = texts.join("; ");
            if rest > 0 {
                text.push_str("; and ");
                text.push_str(&rest.to_string());
                text.push_str(" more");
            }
            (text.chars().count() <= longest || (number == 1 && longest == usize::MAX)).then_some(text)
        })
    }

    /// The phrases, guests before others: those that are gone, each change, those that are new.
    fn phrases(&self, settings: usize) -> Vec<Phrase> {
        let mut phrases = Vec::new();
        for guests in [true, false] {
            for event in [Event::Gone, Event::Changed, Event::New, Event::FirstRead] {
                let objects: Vec<&ObjectChange> = self
                    .objects
                    .iter()
                    .filter(|change| names::is_guest(&change.identity) == guests && change.event == event)
                    .collect();
                match event {
                    Event::Changed => phrases.extend(changed(&objects, guests, settings)),
                    _ => phrases.extend(counted(&objects, guests, event)),
                }
            }
        }
        phrases
    }

    /// The changes, a line each, with who and when where the task log tells. Empty where nothing changed.
    pub fn body(&self) -> String {
        let mut lines: Vec<String> = self.objects.iter().flat_map(ObjectChange::lines).collect();
        let more = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        if more > 0 {
            lines.push(format!("and {more} more lines"));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

impl ObjectChange {
    /// The lines about the object, each with who and when where the task log tells.
    pub fn lines(&self) -> Vec<String> {
        let object = names::object(&self.identity, self.name.as_deref());
        let origin = self.origin.as_ref().map(origin).unwrap_or_default();
        if self.event != Event::Changed {
            let node = self.node.as_deref().filter(|_| names::is_guest(&self.identity));
            let was = if self.event == Event::Gone { ", was" } else { "" };
            let node = node.map(|node| format!("{was} on {}", plain(node, SHORT))).unwrap_or_default();
            return vec![format!("{object} {}{node}{origin}", word(self.event))];
        }
        let settings = self.attributes.iter().map(|attribute| setting(self, attribute, LONG));
        steps(self).into_iter().chain(settings).map(|text| format!("{object}: {text}{origin}")).collect()
    }
}

impl Observation {
    /// What was not read, a line each: nothing is known of changes there. Empty where all was read.
    pub fn not_read_lines(&self) -> String {
        let line = |unread: &Unread| {
            let reason = plain(&unread.reason(), 3 * LONG);
            let what = match kinds::of(&unread.identity) {
                Some(kind) if unread.is_list() => format!("list of {} objects", kind.id),
                _ => names::object(&unread.identity, None),
            };
            format!("{what}: {reason}\n")
        };
        self.not_read.iter().take(LINES).map(line).collect()
    }
}

/// A phrase for objects that are new or gone: the object alone, or their number.
fn counted(objects: &[&ObjectChange], guests: bool, event: Event) -> Option<Phrase> {
    let text = match objects {
        [] => return None,
        [change] => format!("{} {}", names::object(&change.identity, change.name.as_deref()), word(event)),
        _ => format!("{} {}", count(objects.len(), guests), word(event)),
    };
    Some(Phrase { text, objects: objects.len() })
}

/// Phrases for objects that changed: one for each, or one for all in which the same changed.
fn changed(objects: &[&ObjectChange], guests: bool, settings: usize) -> Vec<Phrase> {
    let mut groups: Vec<(String, Vec<&ObjectChange>)> = Vec::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for change in objects {
        let text = summary(change, settings);
        let position = *positions.entry(text.clone()).or_insert(groups.len());
        match groups.get_mut(position) {
            Some((_, group)) => group.push(change),
            None => groups.push((text, vec![change])),
        }
    }
    let phrase = |(text, group): (String, Vec<&ObjectChange>)| {
        let subject = match group[..] {
            [change] => names::object(&change.identity, change.name.as_deref()),
            _ => count(group.len(), guests),
        };
        Phrase { text: format!("{subject}: {text}"), objects: group.len() }
    };
    groups.into_iter().map(phrase).collect()
}

/// What changed of an object, in few words: `memory 4096 → 8192, cores 2 → 4, 3 more`.
fn summary(change: &ObjectChange, settings: usize) -> String {
    let mut texts = steps(change);
    let mut attributes: Vec<&AttributeChange> = change.attributes.iter().collect();
    attributes.sort_by_key(|attribute| MINOR.contains(&&*attribute.key));
    texts.extend(attributes.into_iter().map(|attribute| setting(change, attribute, SHORT)));
    let more = texts.len().saturating_sub(settings);
    texts.truncate(settings);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}

/// The rename and the move of an object.
fn steps(change: &ObjectChange) -> Vec<String> {
    let name = |name: &Option<String>| name.as_deref().map_or_else(|| "no name".to_owned(), |name| plain(name, SHORT));
    let mut texts = Vec::new();
    texts.extend(change.renamed.as_ref().map(|step| format!("renamed from {}", name(&step.before))));
    texts.extend(change.moved.as_ref().map(|step| format!("node {} → {}", name(&step.before), name(&step.after))));
    texts
}

/// A setting before and after.
fn setting(change: &ObjectChange, attribute: &AttributeChange, longest: usize) -> String {
    let key = plain(&attribute.key, SHORT);
    let key = match &attribute.property {
        Some(property) => format!("{key} {}", plain(property, SHORT)),
        None => key,
    };
    let is_secret = names::is_secret(&change.identity, &attribute.key);
    let is_device = attribute.property.is_none()
        && (names::form(&change.identity, &attribute.key) != Form::Text)
        && matches!(names::form(&change.identity, &attribute.key), Form::Properties(_) | Form::Structure);
    let value = |text: &str| match plain(text, longest) {
        text if text.is_empty() => "(empty)".to_owned(),
        text => text,
    };
    match (&attribute.before, &attribute.after) {
        (Some(_), Some(_)) if is_secret => format!("{key} changed"),
        (None, Some(_)) if is_secret => format!("{key} set"),
        (Some(_), None) if is_secret => format!("{key} removed"),
        (Some(before), Some(after)) => {
            let (was, is) = (value(before), value(after));
            // Long texts that differ behind their beginnings, or in what does not show.
            if was == is { format!("{key} changed") } else { format!("{key} {was} → {is}") }
        }
        (None, Some(after)) if is_device => format!("{key} added: {}", value(after)),
        (Some(before), None) if is_device => format!("{key} removed: {}", value(before)),
        (None, Some(after)) => format!("{key} set to {}", value(after)),
        (Some(before), None) => format!("{key} {} removed", value(before)),
        (None, None) => format!("{key} changed"),
    }
}

/// The origin behind a change: `, probably by alice@pam at 2026-11-30 10:12 UTC (qmconfig)`.
fn origin(origin: &Origin) -> String {
    let task = |task: &Task| {
        let at = Moment::at(task.started).spaced();
        let at = at.get(..16).unwrap_or(&at);
        format!("by {} at {at} UTC ({})", plain(&task.user, SHORT), plain(&task.task_type, SHORT))
    };
    match origin {
        Origin::Task { task: by } => format!(", {}", task(by)),
        Origin::ProbableTasks { tasks } => {
            let tasks: Vec<String> = tasks.iter().map(task).collect();
            format!(", probably {}", tasks.join(" or "))
        }
        Origin::NotInLog => ", not in the task log".to_owned(),
        Origin::LogIncomplete => String::new(),
    }
}

fn word(event: Event) -> &'static str {
    match event {
        Event::Gone => "gone",
        Event::Changed => "changed",
        Event::New => "new",
        Event::FirstRead => "read for the first time",
    }
}
