//! Merge of texts that consist of sections with keys: order and bytes of ours stay, sections come and go by their keys.

/// A section of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section<'t> {
    /// The key; empty for what stands before the first one.
    pub(crate) key: String,
    /// The text, with the comments above it and its line break.
    pub(crate) text: &'t str,
    /// Blank lines behind it.
    pub(crate) tail: &'t str,
}

impl<'t> Section<'t> {
    pub(crate) fn new(key: String, text: &'t str) -> Self {
        let body = text.trim_end();
        let end = (body.len()..text.len()).find(|at| text.as_bytes()[*at] == b'\n').map_or(text.len(), |at| at + 1);
        Self { key, text: &text[..end], tail: &text[end..] }
    }
}

/// Fate of a section that ours has changed or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Theirs has it no more, and ours has changed it: it stays.
    Gone,
    /// Ours deleted it, and theirs changed it: it stays deleted.
    Deleted,
}

/// Merges sections. `both` merges one that both sides changed; base may be missing.
pub(crate) fn merge(
    base: &[Section<'_>],
    theirs: &[Section<'_>],
    ours: &[Section<'_>],
    both: &mut dyn FnMut(&str, &str, &str, &str) -> String,
    tell: &mut dyn FnMut(&str, Event),
) -> String {
    fn find<'s, 't>(sections: &'s [Section<'t>], key: &str) -> Option<&'s Section<'t>> {
        sections.iter().find(|section| section.key == key)
    }
    let mut result: Vec<(String, String, String)> = Vec::new();
    for own in ours {
        let (before, after) = (find(base, &own.key), find(theirs, &own.key));
        let text = match (before, after) {
            (None, None) => own.text.to_owned(),
            (Some(before), None) if before.text == own.text => continue,
            (Some(_), None) => {
                tell(&own.key, Event::Gone);
                own.text.to_owned()
            }
            (_, Some(after)) if after.text == own.text => own.text.to_owned(),
            (Some(before), Some(after)) if before.text == own.text => after.text.to_owned(),
            (Some(before), Some(after)) if before.text == after.text => own.text.to_owned(),
            (before, Some(after)) => both(&own.key, before.map_or("", |before| before.text), after.text, own.text),
        };
        result.push((own.key.clone(), text, own.tail.to_owned()));
    }
    for (position, new) in theirs.iter().enumerate() {
        if find(ours, &new.key).is_some() {
            continue;
        }
        if let Some(before) = find(base, &new.key) {
            if before.text != new.text {
                tell(&new.key, Event::Deleted);
            }
            continue;
        }
        let place = |key: &str| result.iter().position(|(own, ..)| own == key);
        let above = theirs[..position].iter().rev().find_map(|section| place(&section.key));
        let below = theirs[position + 1..].iter().find_map(|section| place(&section.key));
        let at = above.map_or_else(|| below.unwrap_or(result.len()), |above| above + 1);
        let mut tail = new.tail.to_owned();
        if at > 0 && at == result.len() {
            // The last section has no blank line behind it; another one comes now.
            let gap = theirs.iter().map(|section| section.tail).find(|tail| !tail.is_empty()).unwrap_or_default();
            let last = &mut result[at - 1];
            if last.2.is_empty() && !last.0.is_empty() {
                gap.clone_into(&mut last.2);
            }
            if !last.1.ends_with('\n') {
                last.1.push('\n');
            }
            tail.clear();
        } else if tail.is_empty() {
            theirs
                .iter()
                .map(|section| section.tail)
                .find(|tail| !tail.is_empty())
                .unwrap_or_default()
                .clone_into(&mut tail);
        }
        result.insert(at, (new.key.clone(), new.text.to_owned(), tail));
    }
    let last = ours.last().map_or("", |section| section.tail);
    if let Some(end) = result.last_mut() {
        last.clone_into(&mut end.2);
    }
    result.into_iter().map(|(_, text, tail)| text + &tail).collect()
}
