//! Extraction of equal literals to a local or a variable.

use std::collections::BTreeMap;

use super::changes::Changes;
use super::settings::{Setting, settings};
use super::sources::{Resource, Sources};
use super::{ExtractInput, Extraction, LiteralRequest, NamedValue, Refusal, check_name};
use crate::document::expression;
use crate::merge::layout::{begins_line, line_start};
use crate::merge::meaning::{self, Meaning};
use crate::quote;

/// Gives equal literals of the selected blocks a name, which is declared in `locals.tf` or `variables.tf`.
///
/// # Errors
/// Literals that are not there or have several values, and a name that is taken.
pub fn literal(input: ExtractInput<'_>, request: &LiteralRequest) -> Result<Extraction, Refusal> {
    check_name(&request.name)?;
    let sources = Sources::read(input)?;
    let blocks = sources.select(&request.blocks)?;
    let wanted = request.value.as_deref().map(value);
    if request.attribute.is_none() && wanted.is_none() {
        return Err(Refusal("neither an attribute nor a value says which literals are meant".to_owned()));
    }
    let all: Vec<(&Resource<'_, '_>, Vec<Setting>)> = blocks.iter().map(|block| (block, settings(block))).collect();
    let mut literals: Vec<(&Resource<'_, '_>, &[Setting], &Setting)> = Vec::new();
    for (block, settings) in &all {
        let is_meant = |setting: &&Setting| {
            let is_there = request.attribute.as_ref().is_none_or(|path| setting.is_at(path));
            is_there
                && !setting.is_meta()
                && setting.meaning != Meaning::Null
                && setting.meaning.is_constant()
                && wanted.as_ref().is_none_or(|wanted| setting.meaning.same(wanted))
        };
        literals.extend(settings.iter().filter(is_meant).map(|setting| (*block, settings.as_slice(), setting)));
    }
    let Some((first, _, setting)) = literals.first() else { return Err(nothing(request)) };
    if let Some(refusal) = several(request, &literals) {
        return Err(refusal);
    }
    let source = first.file.text[setting.range.clone()].to_owned();
    let mut changes = Changes::new(&sources);
    let reference = match request.declaration {
        NamedValue::Local => local(&sources, &request.name, &setting.meaning, &source, &mut changes)?,
        NamedValue::Variable => variable(&sources, &request.name, &setting.meaning, &source, &mut changes)?,
    };
    for (block, settings, setting) in literals {
        let at = (block.address.as_str(), setting.shown(settings));
        changes.replace(block.file, setting.range.clone(), (at.0, &at.1), &reference);
    }
    Ok(changes.finish())
}

/// The value that a person wrote: code of a literal, or else plain text.
fn value(text: &str) -> Meaning {
    let code = expression(text)
        .map(|expression| meaning::of(&expression, &|span| span.and_then(|span| text.get(span)).unwrap_or_default()));
    code.filter(Meaning::is_constant).unwrap_or_else(|| Meaning::Text(text.to_owned()))
}

fn nothing(request: &LiteralRequest) -> Refusal {
    let path = request.attribute.as_ref().map(|path| format!("`{path}` with ")).unwrap_or_default();
    let value = request.value.as_ref().map_or_else(|| "a literal".to_owned(), |value| format!("the literal `{value}`"));
    Refusal(format!("no selected block has {path}{value} as its value"))
}

/// A refusal where the literals have several values. Without an attribute they have one, since the value was asked for.
fn several(request: &LiteralRequest, literals: &[(&Resource<'_, '_>, &[Setting], &Setting)]) -> Option<Refusal> {
    let first = &literals.first()?.2.meaning;
    if literals.iter().all(|(.., setting)| setting.meaning.same(first)) {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (block, _, setting) in literals {
        *counts.entry(&block.file.text[setting.range.clone()]).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown: Vec<String> = counts.iter().take(5).map(|(value, count)| format!("{value} ({count} times)")).collect();
    let more = if counts.len() > 5 { format!(" and {} more", counts.len() - 5) } else { String::new() };
    let path = request.attribute.as_ref().map(ToString::to_string).unwrap_or_default();
    Some(Refusal(format!("`{path}` has {} values: {}{more}: name the one to extract", counts.len(), shown.join(", "))))
}

/// Declares a local, or takes one with the same value, and returns the reference to it.
pub(super) fn local(
    sources: &Sources<'_>,
    name: &str,
    value: &Meaning,
    source: &str,
    changes: &mut Changes<'_, '_>,
) -> Result<String, Refusal> {
    let reference = format!("local.{name}");
    let locals = || sources.blocks().filter(|(_, block)| block.keyword() == "locals");
    for (file, block) in locals() {
        let Some(declared) = block.attribute(name) else { continue };
        let document = &file.document;
        let own = meaning::of(&declared.syntax().value, &|span| document.slice(document.range(span)));
        if own.same(value) && value.is_constant() {
            return Ok(reference);
        }
        return Err(Refusal(format!("`{reference}` is declared in `{}` with another value", file.path)));
    }
    let path = format!("{}/locals.tf", sources.input.root);
    // The last block of the file takes it, behind a blank line, so that no other line has to be aligned anew.
    let existing = locals().filter(|(file, _)| file.path == path).last();
    let open = existing.map(|(file, block)| (file, block, block.range().end - 1));
    match open.filter(|(file, _, end)| begins_line(file.text, *end)) {
        Some((file, block, end)) => {
            let start = line_start(file.text, end);
            let blank = if block.attributes().next().is_some() { "\n" } else { "" };
            changes.edit(file, start..start, &format!("{blank}  {name} = {source}\n"));
        }
        None => changes.append("locals.tf", format!("locals {{\n  {name} = {source}\n}}\n")),
    }
    Ok(reference)
}

fn variable(
    sources: &Sources<'_>,
    name: &str,
    value: &Meaning,
    source: &str,
    changes: &mut Changes<'_, '_>,
) -> Result<String, Refusal> {
    if let Some((file, _)) = sources.declared("variable", name) {
        return Err(Refusal(format!("`variable {}` is declared in `{}` already", quote::quoted(name), file.path)));
    }
    let mut attributes = Vec::new();
    attributes.extend(constraint(value).map(|constraint| ("type".to_owned(), constraint)));
    attributes.push(("default".to_owned(), source.to_owned()));
    let attributes = super::changes::aligned(&attributes, "  ");
    changes.append("variables.tf", format!("variable {} {{\n{attributes}}}\n", quote::quoted(name)));
    Ok(format!("var.{name}"))
}

/// The type of a value, where it is plain.
fn constraint(value: &Meaning) -> Option<String> {
    let plain = |value: &Meaning| match value {
        Meaning::Boolean(_) => Some("bool"),
        Meaning::Number(_) => Some("number"),
        Meaning::Text(_) => Some("string"),
        _ => None,
    };
    match value {
        Meaning::List(items) => {
            let first = plain(items.first()?)?;
            items.iter().all(|item| plain(item) == Some(first)).then(|| format!("list({first})"))
        }
        value => plain(value).map(str::to_owned),
    }
}
