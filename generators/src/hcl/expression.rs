//! Expressions of hcl-edit's tree for the values of rows, in words that it prints as Terraform reads them.

use hcl_edit::expr::{
    Array, Expression, FuncArgs, FuncCall, Object, ObjectKey, ObjectValue, Traversal, TraversalOperator,
};
use hcl_edit::structure::BlockLabel;
use hcl_edit::template::{Element, HeredocTemplate, Interpolation, StringTemplate, Template};
use hcl_edit::{Decorate as _, Decorated, Formatted, Ident, Number};
use proxmox_mpc_code::quote::{escape, invisible, quoted};

use super::text::{self, TextForm, has_sigils};
use super::{Value, identifier};

/// The expression of a value, without layout.
pub(super) fn expression(value: Value) -> Expression {
    match value {
        Value::Text(value) => lines(value, false),
        Value::Trimmed(value) => lines(value, true),
        Value::Integer(number) => Formatted::new(Number::from(number)).into(),
        Value::Number(number) => Formatted::new(number).into(),
        Value::Boolean(flag) => flag.into(),
        Value::Reference(path) => reference(&path),
        Value::Template(pieces) => template(&pieces),
        Value::List(items) => items.into_iter().map(element).collect::<Array>().into(),
        Value::Map(pairs) => {
            let pair = |(name, value)| (key(name), ObjectValue::new(expression(value)));
            pairs.into_iter().map(pair).collect::<Object>().into()
        }
    }
}

/// A label of a block.
pub(super) fn label(label: &str) -> BlockLabel {
    if is_plain(label) { label.into() } else { Ident::new_unchecked(quoted(label)).into() }
}

/// Reports whether hcl-edit prints a text so that it reads as it was, and shows all of it. It leaves marks of direction bare,
/// and of two sigils side by side it takes the second for none, so that `$%{` would begin a directive.
fn is_plain(text: &str) -> bool {
    !has_sigils(text) && !text.chars().any(|c| invisible(c) && !matches!(c, '\n' | '\r' | '\t'))
}

/// Words that are printed as they are.
fn verbatim(words: impl Into<String>) -> Expression {
    Ident::new_unchecked(words.into()).into()
}

/// A text on one line.
fn string(text: String) -> Expression {
    if is_plain(&text) { text.into() } else { verbatim(quoted(&text)) }
}

/// A text in the form that suits it.
fn lines(mut text: String, is_trimmed: bool) -> Expression {
    let form = text::form(&text, is_trimmed);
    let (TextForm::Heredoc(end) | TextForm::Chomped(end)) = form else { return string(text) };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let heredoc = HeredocTemplate::new(Ident::new_unchecked(end), Template::from(vec![Element::from(text)]));
    if matches!(form, TextForm::Heredoc(_)) {
        return heredoc.into();
    }
    FuncCall::new(Ident::new_unchecked("chomp"), FuncArgs::from(vec![heredoc.into()])).into()
}

/// An element of a list, where a heredoc is not possible.
fn element(value: Value) -> Expression {
    match value {
        Value::Text(text) | Value::Trimmed(text) => string(text),
        other => expression(other),
    }
}

fn key(name: String) -> ObjectKey {
    if identifier(&name) { Ident::new_unchecked(name).into() } else { ObjectKey::Expression(string(name)) }
}

/// A string with references in it. What comes before another piece must not end with a sigil, which would escape it.
fn template(pieces: &[Value]) -> Expression {
    let text = |piece: &Value| match piece {
        Value::Text(text) | Value::Trimmed(text) => Some(text.clone()),
        _ => None,
    };
    let is_odd = |(index, piece): (usize, &Value)| {
        let is_last = index + 1 == pieces.len();
        text(piece).is_some_and(|text| !is_plain(&text) || (!is_last && text.ends_with(['$', '%'])))
    };
    if pieces.iter().enumerate().any(is_odd) {
        let mut words = String::from('"');
        for (index, piece) in pieces.iter().enumerate() {
            match text(piece) {
                Some(text) => escape(&mut words, &text, index + 1 < pieces.len()),
                None => words.extend(["${", &expression(piece.clone()).to_string(), "}"]),
            }
        }
        words.push('"');
        return verbatim(words);
    }
    let element = |piece: &Value| match text(piece) {
        Some(text) => Element::from(text),
        None => Interpolation::new(expression(piece.clone()).decorated(("", ""))).into(),
    };
    StringTemplate::from(pieces.iter().map(element).collect::<Vec<_>>()).into()
}

/// A reference, or any other expression: `proxmox_pool.a.pool_id`, `disk[0].size`, `map(string)`.
fn reference(path: &str) -> Expression {
    match traversal(path) {
        Some(reference) => reference,
        None => match path.parse::<Expression>() {
            Ok(parsed) if parsed.to_string() == path => parsed,
            _ => verbatim(path),
        },
    }
}

/// A path of names and indexes. The parser would take longer for the many that there are.
fn traversal(path: &str) -> Option<Expression> {
    let (first, rest) = path.split_once('.').filter(|(first, _)| identifier(first))?;
    let mut operators: Vec<Decorated<TraversalOperator>> = Vec::new();
    for part in rest.split('.') {
        let (name, index) = part.split_once('[').map_or((part, None), |(name, index)| (name, Some(index)));
        identifier(name).then_some(())?;
        operators.push(TraversalOperator::GetAttr(Ident::new_unchecked(name).into()).into());
        if let Some(index) = index {
            let number = index.strip_suffix(']')?.parse::<u32>().ok().filter(|number| format!("{number}]") == index)?;
            operators.push(TraversalOperator::Index(number.into()).into());
        }
    }
    Some(Traversal::new(Ident::new_unchecked(first), operators).into())
}
