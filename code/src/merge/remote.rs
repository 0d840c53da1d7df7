//! Merge of an object whose block is not its own: an instance of `count`, `for_each` or a module. Its values are edited where
//! their literals are, one by one.

use super::body::{OriginEdit, Output, Scope};
use super::meaning::Meaning;
use super::pairs;
use super::tree::{Body, Content, same_body};
use super::{Notice, NoticeKind};
use crate::configuration::{Origin, Path, Step};

/// A value that differs between base and theirs.
struct Difference {
    path: Path,
    base: Option<Meaning>,
    theirs: Option<(Meaning, String)>,
}

/// Merges the changes of an object into the literals behind its values. What has no literal of its own is told.
pub(crate) fn merge(scope: &mut Scope<'_>, address: &str, base: &Body, theirs: &Body) {
    let mut differences = Vec::new();
    collect(scope.theirs, base, theirs, &Path::default(), &mut differences);
    for difference in differences {
        value(scope, address, difference);
    }
}

fn value(scope: &mut Scope<'_>, address: &str, Difference { path, base, theirs }: Difference) {
    let evaluated = (scope.evaluate)(&path);
    let Some((meaning, text)) = theirs else {
        if evaluated.value.is_some() {
            let text = format!("the cluster has it no more, and {address} has it: take it out where it is written");
            notice(scope.object, scope.output, &path, text);
        }
        return;
    };
    if evaluated.value.as_ref().is_some_and(|value| value.same(&meaning)) {
        return;
    }
    let is_as_base = match (&evaluated.value, &base) {
        (Some(value), Some(base)) => value.same(base),
        _ => false,
    };
    if let Origin::Literal(literal) = evaluated.origin
        && literal.read_only.is_none()
        && is_as_base
        && meaning.is_constant()
    {
        let (object, path) = (scope.object.to_owned(), path);
        scope.output.origins.push(OriginEdit { object, path, literal, meaning, text, fallback: None });
        return;
    }
    let own = match evaluated.value {
        Some(_) if is_as_base => "its value is computed there".to_owned(),
        Some(_) => "another value is written there".to_owned(),
        None => "no value is known there".to_owned(),
    };
    notice(
        scope.object,
        scope.output,
        &path,
        format!("the cluster says {text} for {address}, and {own}: it is not edited"),
    );
}

fn notice(object: &str, output: &mut Output, path: &Path, text: String) {
    let (object, attribute) = (object.to_owned(), path.to_string());
    output.notices.push(Notice { object, attribute, kind: NoticeKind::Drift, text });
}

fn collect(text: &str, base: &Body, theirs: &Body, path: &Path, differences: &mut Vec<Difference>) {
    for item in &theirs.items {
        let Content::Value(value) = &item.content else { continue };
        let before = base.attribute(&item.name).map(|(.., value)| value.meaning.clone());
        if before.as_ref() != Some(&value.meaning) {
            let after = Some((value.meaning.clone(), text[value.range.clone()].to_owned()));
            differences.push(Difference { path: path.join(&item.name), base: before, theirs: after });
        }
    }
    for item in &base.items {
        if let Content::Value(value) = &item.content
            && theirs.attribute(&item.name).is_none()
        {
            let before = Some(value.meaning.clone());
            differences.push(Difference { path: path.join(&item.name), base: before, theirs: None });
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for item in base.items.iter().chain(&theirs.items) {
        if matches!(item.content, Content::Block(_)) && !names.contains(&&*item.name) && item.name != "lifecycle" {
            names.push(&item.name);
        }
    }
    for name in names {
        blocks(text, (base, theirs), name, path, differences);
    }
}

fn blocks(text: &str, (base, theirs): (&Body, &Body), name: &str, path: &Path, differences: &mut Vec<Difference>) {
    let [before, after] = [base, theirs].map(|body| body.blocks(name).map(|(.., body)| body).collect::<Vec<&Body>>());
    let pairs = pairs::pairs(name, &before, &after);
    let step = |body: &Body, position: usize, count: usize| {
        let path = path.join(name);
        match pairs::key(name, body) {
            Some((attribute, value)) => path.with(Step::Where(attribute.to_owned(), value)),
            None if count > 1 => path.with(Step::Index(position)),
            None => path,
        }
    };
    for (position, body) in before.iter().enumerate() {
        let step = step(body, position, before.len());
        match pairs[position] {
            Some(their) if same_body(body, after[their]) => {}
            Some(their) => collect(text, body, after[their], &step, differences),
            None => differences.push(Difference { path: step, base: None, theirs: None }),
        }
    }
    for (position, body) in after.iter().enumerate().filter(|(position, _)| !pairs.contains(&Some(*position))) {
        let source = "a new block".to_owned();
        let theirs = Some((Meaning::Code(String::new()), source));
        differences.push(Difference { path: step(body, position, after.len()), base: None, theirs });
    }
}
