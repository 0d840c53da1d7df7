//! Merge of YAML: tasks by their objects, mappings by their keys, the rest line by line. Every byte of ours that is not merged
//! stays.

use super::lines::merge_lines;
use super::sections::{self, Event, Section};
use super::{Merge, Notice, NoticeKind};
use crate::lines;

/// Merges a file.
pub(crate) fn merge(path: &str, base: &str, theirs: &str, ours: &str, merge: &mut Merge) -> String {
    let has_tasks = |text: &str| text.lines().any(|line| lines::task_object(line).is_some());
    let mut notices = Vec::new();
    let text = if [theirs, ours].iter().any(|text| has_tasks(text)) {
        let [base, theirs, ours] = [base, theirs, ours].map(tasks);
        let mut tell = |key: &str, event: Event| notices.push((key.to_owned(), event));
        let mut both = |_: &str, base: &str, theirs: &str, ours: &str| merge_lines(base, theirs, ours);
        sections::merge(&base, &theirs, &ours, &mut both, &mut tell)
    } else {
        mapping(base, theirs, ours, 0, "", &mut notices)
    };
    for (key, event) in notices {
        let (kind, text) = match event {
            Event::Gone => (NoticeKind::Gone, "nothing generates it any more, and you changed it: it stays"),
            Event::Deleted => (NoticeKind::Decision, "it was deleted here and has changed: it stays deleted"),
        };
        merge.notices.push(Notice { object: path.to_owned(), attribute: key, kind, text: text.to_owned() });
    }
    text
}

/// The tasks of each object, with their comments.
fn tasks(text: &str) -> Vec<Section<'_>> {
    lines::tasks(text).into_iter().map(|(key, text)| Section::new(key.to_owned(), text)).collect()
}

fn split(text: &str, starts: Vec<(usize, String)>) -> Vec<Section<'_>> {
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect::<Vec<_>>();
    let sections = starts.into_iter().zip(ends).filter(|((start, _), end)| start < end);
    sections.map(|((start, key), end)| Section::new(key, &text[start..end])).collect()
}

/// Merges a mapping by its keys, and what is below a key that both sides changed in the same way.
fn mapping(
    base: &str,
    theirs: &str,
    ours: &str,
    level: usize,
    path: &str,
    notices: &mut Vec<(String, Event)>,
) -> String {
    let (Some(base_keys), Some(their_keys), Some(our_keys)) = (keys(base), keys(theirs), keys(ours)) else {
        return merge_lines(base, theirs, ours);
    };
    if level > 8 || our_keys.is_empty() || their_keys.is_empty() {
        return merge_lines(base, theirs, ours);
    }
    let mut deeper = Vec::new();
    let mut tell = |key: &str, event: Event| notices.push((format!("{path}{key}"), event));
    let mut both = |key: &str, base: &str, theirs: &str, ours: &str| {
        let heads = [base, theirs, ours].map(head);
        if key.is_empty() || heads[1] != heads[2] {
            return merge_lines(base, theirs, ours);
        }
        let base = if heads[0] == heads[2] { &base[heads[0].len()..] } else { "" };
        let (theirs, own) = (&theirs[heads[1].len()..], &ours[heads[2].len()..]);
        let below = mapping(base, theirs, own, level + 1, &format!("{path}{key}."), &mut deeper);
        format!("{}{below}", heads[2])
    };
    let text = sections::merge(&base_keys, &their_keys, &our_keys, &mut both, &mut tell);
    notices.extend(deeper);
    text
}

/// Comments and key of a section, up to the line of the key.
fn head(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if is_content(line) {
            break;
        }
    }
    &text[..end]
}

fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && line != "---"
}

/// The keys of a mapping at the indentation of its first one. `None` if it is no mapping in block style.
fn keys(text: &str) -> Option<Vec<Section<'_>>> {
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let level = text.lines().find(|line| is_content(line)).map_or(0, indentation);
    let mut starts = vec![(0, String::new())];
    let (mut at, mut comments) = (0, None);
    for line in text.split_inclusive('\n') {
        if is_content(line) {
            match indentation(line) {
                own if own < level => return None,
                own if own == level => {
                    let key = line.trim();
                    let (name, value) = key.split_once(':')?;
                    if key.starts_with(['-', '{', '[', '|', '>']) || !(value.is_empty() || value.starts_with(' ')) {
                        return None;
                    }
                    starts.push((comments.unwrap_or(at), name.trim_matches('"').to_owned()));
                }
                _ => {}
            }
            comments = None;
        } else if line.trim().starts_with('#') {
            comments.get_or_insert(at);
        } else {
            comments = None;
        }
        at += line.len();
    }
    Some(split(text, starts))
}
