//! Layout of `terraform fmt` for a block of hcl-edit's tree: indentation, aligned `=`, blank lines, comments, broken lists.

use hcl_edit::Decorate as _;
use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValueTerminator};
use hcl_edit::structure::{Block, Body};
use hcl_edit::template::{Element, StringTemplate};

use super::text;

/// Maximum length of a list on one line.
const WIDTH: usize = 100;

/// Lays out a block at a depth. The comments above its items are plain text until then.
pub(super) fn finish(block: &mut Block, depth: usize) {
    if block.body.is_empty() {
        block.body.set_prefer_oneline(true);
        return;
    }
    finish_body(&mut block.body, depth + 1);
    block.body.decor_mut().set_suffix(blanks(depth));
}

fn blanks(depth: usize) -> String {
    "  ".repeat(depth)
}

/// A name in a column of names.
#[derive(Clone, Copy)]
struct Name {
    /// Length in characters; `None` for a block, and for a value with a bracket over several lines: they end a column.
    length: Option<usize>,
    /// Reports whether a blank line comes before it.
    is_apart: bool,
}

/// Characters between each name and its `=`.
fn gaps(names: &[Name]) -> impl Iterator<Item = String> {
    let columns = names.chunk_by(|above, name| above.length.is_some() && name.length.is_some() && !name.is_apart);
    columns.flat_map(|column| {
        let width = column.iter().filter_map(|name| name.length).max();
        column
            .iter()
            .map(move |name| " ".repeat(1 + width.zip(name.length).map_or(0, |(width, length)| width - length)))
    })
}

fn finish_body(body: &mut Body, depth: usize) {
    let mut names = Vec::with_capacity(body.len());
    let mut is_after_block = false;
    for mut item in body.iter_mut() {
        let is_commented = item.decor().prefix().is_some();
        let mut name = Name { length: None, is_apart: is_after_block || is_commented };
        is_after_block = item.is_block();
        if let Some(block) = item.as_block_mut() {
            finish(block, depth);
            name.is_apart = true;
        } else if let Some(mut attribute) = item.as_attribute_mut() {
            let key = attribute.get().key.as_str();
            // A meta-argument of Terraform's.
            name.is_apart |= key == "depends_on";
            let (length, is_packed) = (key.chars().count(), key == "ignore_changes");
            finish_value(attribute.value_mut(), is_packed, depth);
            name.length = (!is_broken(&attribute.get().value)).then_some(length);
        }
        names.push(name);
    }
    for (index, (mut item, gap)) in body.iter_mut().zip(gaps(&names)).enumerate() {
        let mut prefix = String::from(if index > 0 && names[index].is_apart { "\n" } else { "" });
        if let Some(comment) = item.decor().prefix() {
            text::comment(&mut prefix, &[comment.to_string()], depth);
        }
        item.decor_mut().set_prefix(prefix + &blanks(depth));
        if let Some(mut attribute) = item.as_attribute_mut() {
            attribute.key_decor_mut().set_suffix(gap);
        }
    }
}

/// Reports whether a value opens a bracket that closes on a later line. `terraform fmt` ends a column there, but not at a
/// heredoc.
fn is_broken(value: &Expression) -> bool {
    match value {
        Expression::Array(list) => list.trailing_comma(),
        Expression::Object(object) => !object.is_empty(),
        Expression::FuncCall(call) => call.args.iter().any(Expression::is_heredoc_template),
        _ => false,
    }
}

/// Lays out a value; a list that is packed has as many elements on a line as fit.
fn finish_value(value: &mut Expression, is_packed: bool, depth: usize) {
    match value {
        Expression::Array(list) => finish_list(list, is_packed, depth),
        Expression::Object(object) if !object.is_empty() => finish_object(object, depth),
        Expression::HeredocTemplate(heredoc) => {
            heredoc.set_indent(2 * (depth + 1));
            heredoc.set_trailing(blanks(depth));
        }
        Expression::FuncCall(call) if call.args.iter().any(Expression::is_heredoc_template) => {
            call.args.iter_mut().for_each(|heredoc| finish_value(heredoc, false, depth));
            call.args.set_trailing(format!("\n{}", blanks(depth)));
        }
        _ => {}
    }
}

fn finish_list(list: &mut Array, is_packed: bool, depth: usize) {
    let starts = if is_packed { packed(list) } else { vec![!is_short(list); list.len()] };
    let is_broken = starts.contains(&true);
    for (element, is_start) in list.iter_mut().zip(starts) {
        if is_start {
            element.decor_mut().set_prefix(format!("\n{}", blanks(depth + 1)));
        }
        finish_value(element, false, depth + usize::from(is_broken));
    }
    list.set_trailing_comma(is_broken);
    if is_broken {
        list.set_trailing(format!("\n{}", blanks(depth)));
    }
}

fn is_short(list: &Array) -> bool {
    let total: Option<usize> = list.iter().map(|element| Some(width(element)? + 2)).sum();
    total.is_some_and(|total| total <= WIDTH)
}

/// Tells for each element of a list whether a line begins with it. A list that fits is not broken.
fn packed(list: &Array) -> Vec<bool> {
    let mut filled = WIDTH;
    let starts: Vec<bool> = list
        .iter()
        .map(|element| {
            let width = width(element).unwrap_or(WIDTH);
            let is_start = filled + width > WIDTH;
            filled = width + 2 + if is_start { 0 } else { filled };
            is_start
        })
        .collect();
    let is_broken = starts.iter().skip(1).any(|is_start| *is_start);
    starts.into_iter().map(|is_start| is_start && is_broken).collect()
}

/// Width of an element on a line; `None` for a list or an object, which takes several.
fn width(element: &Expression) -> Option<usize> {
    match element {
        Expression::String(text) => Some(text.chars().count() + 2),
        Expression::StringTemplate(template) => Some(template_width(template) + 2),
        Expression::Number(_) | Expression::Bool(_) => Some(6),
        Expression::Array(_) | Expression::Object(_) => None,
        other => Some(other.to_string().chars().count()),
    }
}

fn template_width(template: &StringTemplate) -> usize {
    let width = |piece: &Element| match piece {
        Element::Literal(text) => text.chars().count(),
        Element::Interpolation(reference) => reference.expr.to_string().len() + 3,
        Element::Directive(_) => 0,
    };
    template.iter().map(width).sum()
}

fn finish_object(object: &mut Object, depth: usize) {
    let mut names = Vec::with_capacity(object.len());
    for (key, value) in object.iter_mut() {
        value.set_terminator(ObjectValueTerminator::Newline);
        finish_value(value.expr_mut(), false, depth + 1);
        let length = match &*key {
            ObjectKey::Ident(name) => name.chars().count(),
            ObjectKey::Expression(key) => key.to_string().chars().count(),
        };
        names.push(Name { length: (!is_broken(value.expr())).then_some(length), is_apart: false });
    }
    for (index, ((mut key, _), gap)) in object.iter_mut().zip(gaps(&names)).enumerate() {
        let start = if index == 0 { "\n" } else { "" };
        *key.decor_mut() = (format!("{start}{}", blanks(depth + 1)), gap).into();
    }
    object.set_trailing(blanks(depth));
}
