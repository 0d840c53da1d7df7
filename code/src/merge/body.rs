//! Merge of one block: attributes and nested blocks that the cluster changed go into the person's block, byte range by byte
//! range.

mod attribute;
mod insertion;

use std::collections::BTreeSet;

use super::changes::Change;
use super::layout::{begins_line, blank_above, blank_below, line_end, line_start, reindent, rest_of_line};
use super::meaning::Meaning;
use super::pairs;
use super::tree::{Body, Content, Item, Value, has_own_comments, same_body};
use super::{Conflict, MergeEdit, Notice, NoticeKind};
use crate::configuration::{Origin, Path, Step};

/// Value of an expression of ours, and the place of its literal.
pub(crate) struct Evaluated {
    pub(crate) value: Option<Meaning>,
    pub(crate) origin: Origin,
}

/// A value of the cluster that belongs to a literal elsewhere.
pub(crate) struct OriginEdit {
    pub(crate) object: String,
    pub(crate) path: Path,
    pub(crate) literal: crate::configuration::Literal,
    pub(crate) meaning: Meaning,
    pub(crate) text: String,
    /// The conflict in the object's own block, if the literal cannot be edited.
    pub(crate) fallback: Option<(String, Change)>,
}

/// Everything that merging some blocks of one file yields.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) changes: Vec<Change>,
    /// Edits, each with its offset for a line; the lines are counted once for all of them.
    pub(crate) edits: Vec<MergeEdit>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) origins: Vec<OriginEdit>,
}

/// One block in three versions: the texts around it, and what is known of ours.
pub(crate) struct Scope<'m> {
    /// The object or declaration.
    pub(crate) object: &'m str,
    /// The file of ours.
    pub(crate) file: &'m str,
    /// Texts that the ranges of the three bodies refer to.
    pub(crate) base: &'m str,
    pub(crate) theirs: &'m str,
    pub(crate) ours: &'m str,
    /// Line break of ours.
    pub(crate) line_break: &'static str,
    /// Evaluates what ours has on a path.
    pub(crate) evaluate: &'m dyn Fn(&Path) -> Evaluated,
    pub(crate) output: &'m mut Output,
}

/// The three versions of a body.
#[derive(Clone, Copy)]
pub(crate) struct Bodies<'b> {
    pub(crate) base: &'b Body,
    pub(crate) theirs: &'b Body,
    pub(crate) ours: &'b Body,
}

/// An attribute or a block that goes into ours.
struct Insertion {
    /// Position in theirs, or in base for what only a conflict shows.
    position: usize,
    /// The lines of base, if it is a conflict: what a person deleted and the cluster changed.
    base: Option<String>,
    /// Other text than theirs has.
    text: Option<String>,
}

impl Scope<'_> {
    /// Merges a body and everything in it.
    pub(crate) fn merge(&mut self, bodies: Bodies<'_>, path: &Path) {
        let mut insertions = Vec::new();
        let mut removed = BTreeSet::new();
        let mut counterparts = vec![None; bodies.theirs.items.len()];
        for (index, item) in bodies.theirs.items.iter().enumerate() {
            if matches!(item.content, Content::Value(_)) {
                counterparts[index] = bodies.ours.attribute(&item.name).map(|(index, ..)| index);
            }
        }
        self.attributes(bodies, path, &mut insertions, &mut removed);
        let mut names = Vec::new();
        for item in bodies.theirs.items.iter().chain(&bodies.base.items) {
            if matches!(item.content, Content::Block(_)) && !names.contains(&&*item.name) {
                names.push(&item.name);
            }
        }
        for name in names {
            self.blocks(bodies, name, path, &mut insertions, &mut counterparts);
        }
        insertions.sort_by_key(|insertion| insertion.position);
        self.insert(bodies, path, insertions, &removed, &counterparts);
    }

    /// Tells how the code that a person wrote for an object differs from the cluster.
    pub(crate) fn tell(&mut self, theirs: &Body, ours: &Body) {
        self.tell_below(theirs, ours, &Path::default());
    }

    fn tell_below(&mut self, theirs: &Body, ours: &Body, path: &Path) {
        for item in &theirs.items {
            let Content::Value(value) = &item.content else { continue };
            let path = path.join(&item.name);
            let cluster = self.theirs[value.range.clone()].to_owned();
            let own = match ours.attribute(&item.name) {
                Some((.., own)) if own.meaning.same(&value.meaning) => continue,
                Some((.., own)) => {
                    let evaluated = (self.evaluate)(&path).value;
                    if evaluated.is_some_and(|own| own.same(&value.meaning)) {
                        continue;
                    }
                    format!("your code says {}", &self.ours[own.range.clone()])
                }
                None => "your code does not set it".to_owned(),
            };
            self.notice(&path, NoticeKind::Drift, format!("the cluster says {cluster}, and {own}"));
        }
        let mut names: Vec<&str> = theirs
            .items
            .iter()
            .filter(|item| matches!(item.content, Content::Block(_)))
            .map(|item| &*item.name)
            .collect();
        names.dedup();
        for name in names.into_iter().filter(|name| *name != "lifecycle") {
            let [theirs, ours] =
                [theirs, ours].map(|body| body.blocks(name).map(|(.., body)| body).collect::<Vec<_>>());
            for (position, pair) in pairs::pairs(name, &theirs, &ours).into_iter().enumerate() {
                if let Some(own) = pair {
                    self.tell_below(theirs[position], ours[own], &step(path, name, &ours, own));
                } else {
                    let text = "the cluster has this block, and your code does not have it".to_owned();
                    self.notice(&step(path, name, &theirs, position), NoticeKind::Drift, text);
                }
            }
        }
    }

    /// Merges the blocks of one name.
    fn blocks(
        &mut self,
        bodies: Bodies<'_>,
        name: &str,
        path: &Path,
        insertions: &mut Vec<Insertion>,
        counterparts: &mut [Option<usize>],
    ) {
        let [base, theirs, ours] =
            [bodies.base, bodies.theirs, bodies.ours].map(|body| body.blocks(name).collect::<Vec<_>>());
        let [base_bodies, their_bodies, our_bodies] =
            [&base, &theirs, &ours].map(|blocks| blocks.iter().map(|(.., body)| *body).collect::<Vec<&Body>>());
        let to_theirs = pairs::pairs(name, &base_bodies, &their_bodies);
        let dynamic = format!("dynamic \"{name}\"");
        if bodies.ours.items.iter().any(|item| item.name == dynamic) {
            let same = base.len() == theirs.len()
                && base_bodies.iter().zip(&their_bodies).all(|(before, after)| same_body(before, after));
            if !same {
                let text =
                    format!("the cluster changed `{name}`, which a `dynamic` block makes here: it is not edited");
                self.notice(&path.join(name), NoticeKind::Drift, text);
            }
            return;
        }
        let to_ours = pairs::pairs(name, &base_bodies, &our_bodies);
        let is_lifecycle = name == "lifecycle" && path.0.is_empty();
        for (at, (_, base_item, _)) in base.iter().enumerate() {
            match (to_theirs[at], to_ours[at]) {
                (Some(their), Some(our)) => {
                    counterparts[theirs[their].0] = Some(ours[our].0);
                    self.lead(base_item, theirs[their].1, ours[our].1);
                    let step = step(path, name, &our_bodies, our);
                    let bodies = Bodies { base: base_bodies[at], theirs: their_bodies[their], ours: our_bodies[our] };
                    self.merge(bodies, &step);
                }
                (Some(their), None) if is_lifecycle => {
                    self.lifecycle(base_bodies[at], their_bodies[their], theirs[their].0, insertions);
                }
                (Some(their), None) if !same_body(base_bodies[at], their_bodies[their]) => {
                    let base = Some(self.lines(self.base, base_item, ""));
                    insertions.push(Insertion { position: theirs[their].0, base, text: None });
                }
                (Some(_) | None, None) => {}
                (None, Some(our)) => {
                    let our_item = ours[our].1;
                    let is_as_base = same_body(our_bodies[our], base_bodies[at])
                        && !has_own_comments(&self.ours[our_item.range.clone()], &self.base[base_item.range.clone()]);
                    if is_as_base || !is_lifecycle {
                        self.remove_block(base_item, our_item, is_as_base, &step(path, name, &our_bodies, our));
                    }
                }
            }
        }
        let new: Vec<usize> = (0..theirs.len()).filter(|at| !to_theirs.contains(&Some(*at))).collect();
        let own: Vec<usize> = (0..ours.len()).filter(|at| !to_ours.contains(&Some(*at))).collect();
        let (new_bodies, own_bodies) = (
            new.iter().map(|at| their_bodies[*at]).collect::<Vec<_>>(),
            own.iter().map(|at| our_bodies[*at]).collect::<Vec<_>>(),
        );
        let both = pairs::pairs(name, &new_bodies, &own_bodies);
        for (at, their) in new.iter().enumerate() {
            let is_one = base.is_empty() && theirs.len() == 1 && ours.len() == 1;
            let counterpart = both[at].filter(|own| {
                is_one || same_body(own_bodies[*own], new_bodies[at]) || pairs::key(name, new_bodies[at]).is_some()
            });
            let Some(our) = counterpart.map(|at| own[at]) else {
                insertions.push(Insertion { position: theirs[*their].0, base: None, text: None });
                continue;
            };
            counterparts[theirs[*their].0] = Some(ours[our].0);
            let bodies = Bodies { base: &Body::default(), theirs: their_bodies[*their], ours: our_bodies[our] };
            self.merge(bodies, &step(path, name, &our_bodies, our));
        }
    }

    /// Adds what has to be ignored now, where a person deleted the `lifecycle` block.
    fn lifecycle(&mut self, base: &Body, theirs: &Body, position: usize, insertions: &mut Vec<Insertion>) {
        let items = |text: &str, body: &Body| {
            super::list::items(text, body.attribute("ignore_changes").map(|(.., value)| value))
        };
        let known = items(self.base, base);
        let new: Vec<String> = items(self.theirs, theirs).into_iter().filter(|item| !known.contains(item)).collect();
        if !new.is_empty() {
            let text = format!("lifecycle {{\n  ignore_changes = [{}]\n}}", new.join(", "));
            insertions.push(Insertion { position, base: None, text: Some(text) });
        }
    }

    /// Takes a block out that the cluster has no more; one that a person changed becomes a conflict.
    fn remove_block(&mut self, base: &Item, ours: &Item, is_as_base: bool, path: &Path) {
        let mut range = line_start(self.ours, ours.range.start)..line_end(self.ours, ours.range.end);
        if !begins_line(self.ours, ours.range.start) {
            range = ours.range.clone();
        }
        if !is_as_base {
            let base = self.lines(self.base, base, self.indentation_of(ours));
            let choices = "the cluster has it no more, and you changed it: keep yours, or take it out".to_owned();
            let conflict =
                self.conflict(path, Some(base.clone()), None, Some(self.ours[ours.range.clone()].to_owned()), choices);
            self.output.changes.push(Change { range, text: String::new(), conflict: Some((base, conflict)) });
            return;
        }
        let own = rest_of_line(self.ours, ours.range.end).trim();
        if own.is_empty() {
            if comments_above(self.ours, ours) == comments_above(self.base, base) {
                range.start = range.start.min(ours.lead.start);
            }
            if range.start == line_start(self.ours, range.start) {
                if let Some(blank) = blank_above(self.ours, range.start) {
                    range.start = blank.start;
                } else if let Some(blank) = blank_below(self.ours, range.end) {
                    range.end = blank.end;
                }
            }
        } else {
            // A person's comment behind the brace stays.
            range = ours.range.clone();
        }
        self.edit(path, range, String::new(), "the cluster has it no more");
    }

    /// Follows theirs in the comments above an item, if ours has those of base.
    pub(crate) fn lead(&mut self, base: &Item, theirs: &Item, ours: &Item) {
        let (before, after) = (comments_above(self.base, base), comments_above(self.theirs, theirs));
        if before == after || comments_above(self.ours, ours) != before || !begins_line(self.ours, ours.range.start) {
            return;
        }
        let indentation = self.indentation_of(ours);
        let lines = after.iter().flat_map(|line| [indentation, line, self.line_break]).collect::<String>();
        let start = line_start(self.ours, ours.range.start);
        let range = if ours.lead.is_empty() { start..start } else { ours.lead.clone() };
        self.output.changes.push(Change::edit(range, lines));
    }

    fn indentation_of(&self, item: &Item) -> &str {
        super::layout::indentation(self.ours, item.range.start)
    }

    /// The whole lines of an item with its comments, at another indentation.
    fn lines(&self, text: &str, item: &Item, indentation: &str) -> String {
        let start = item.lead.start.min(line_start(text, item.range.start));
        let from = super::layout::indentation(text, item.range.start);
        let lines = format!("\n{}", adapted(text, start..item.range.end, item, self.line_break));
        let lines = reindent(&lines, from, indentation, self.line_break);
        format!("{}{}", &lines[self.line_break.len()..], self.line_break)
    }

    fn edit(&mut self, path: &Path, range: std::ops::Range<usize>, after: String, why: &str) {
        self.output.edits.push(MergeEdit {
            object: self.object.to_owned(),
            attribute: path.to_string(),
            file: self.file.to_owned(),
            line: range.start,
            before: self.ours[range.clone()].trim().to_owned(),
            after: after.trim().to_owned(),
            why: why.to_owned(),
        });
        self.output.changes.push(Change::edit(range, after));
    }

    fn notice(&mut self, path: &Path, kind: NoticeKind, text: String) {
        let (object, attribute) = (self.object.to_owned(), path.to_string());
        self.output.notices.push(Notice { object, attribute, kind, text });
    }

    fn conflict(
        &self,
        path: &Path,
        base: Option<String>,
        theirs: Option<String>,
        ours: Option<String>,
        choices: String,
    ) -> Conflict {
        Conflict {
            object: self.object.to_owned(),
            attribute: path.to_string(),
            file: self.file.to_owned(),
            line: 0,
            base,
            theirs,
            ours,
            choices,
        }
    }
}

/// The comment lines above an item.
fn comments_above<'t>(text: &'t str, item: &Item) -> Vec<&'t str> {
    text[item.lead.clone()].lines().map(str::trim).collect()
}

/// The text of a range of generated code. With carriage returns, a heredoc would mean another text: it becomes a quoted string.
fn adapted(text: &str, range: std::ops::Range<usize>, item: &Item, line_break: &str) -> String {
    let mut heredocs = Vec::new();
    if line_break == "\r\n" {
        collect_heredocs(text, item, &mut heredocs);
    }
    let (mut result, mut at) = (String::new(), range.start);
    for (heredoc, quoted) in heredocs {
        result.push_str(&text[at..heredoc.start]);
        result.push_str(&quoted);
        at = heredoc.end;
    }
    result + &text[at..range.end]
}

fn collect_heredocs(text: &str, item: &Item, heredocs: &mut Vec<(std::ops::Range<usize>, String)>) {
    match &item.content {
        Content::Value(value) => {
            if let Some(quoted) = quoted_heredoc(text, value) {
                heredocs.push((value.range.clone(), quoted));
            }
        }
        Content::Block(body) => body.items.iter().for_each(|item| collect_heredocs(text, item, heredocs)),
    }
}

/// A heredoc as a quoted string.
fn quoted_heredoc(text: &str, value: &Value) -> Option<String> {
    match &value.meaning {
        Meaning::Text(content) if text[value.range.clone()].starts_with("<<") => Some(crate::quote::quoted(content)),
        _ => None,
    }
}

/// The text of a block of generated code for a file with these line breaks.
pub(crate) fn block_text(text: &str, range: std::ops::Range<usize>, item: &Item, line_break: &str) -> String {
    adapted(text, range, item, line_break).replace("\r\n", "\n").replace('\n', line_break)
}

/// Path to a block of ours.
fn step(path: &Path, name: &str, bodies: &[&Body], position: usize) -> Path {
    let path = path.join(name);
    match pairs::key(name, bodies[position]) {
        Some((attribute, value)) => path.with(Step::Where(attribute.to_owned(), value)),
        None if bodies.len() > 1 => path.with(Step::Index(position)),
        None => path,
    }
}
