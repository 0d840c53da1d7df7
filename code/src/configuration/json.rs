//! Terraform's JSON syntax, read as the same bodies that its own syntax gives.

use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body};
use hcl_edit::template::{Element, StringTemplate, Template};
use hcl_edit::{Decorated, Ident};
use serde_json::Value;

/// A block, or an attribute, of a JSON file.
pub(super) struct JsonItem {
    /// The keyword of a block, or the name of an attribute.
    pub(super) name: String,
    /// The labels of a block.
    pub(super) labels: Vec<String>,
    /// A body with the item alone.
    pub(super) body: Body,
}

/// The blocks of a `.tf.json` file; Nested blocks come as attributes with objects or lists of objects as values, because only a
/// schema tells them apart.
///
/// # Errors
/// Text that is not JSON.
pub(super) fn blocks(text: &str) -> Result<Vec<JsonItem>, serde_json::Error> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let mut items = Vec::new();
    for object in many(&value).into_iter().filter_map(Value::as_object) {
        for (keyword, content) in object.iter().filter(|(keyword, _)| *keyword != "//") {
            let depth = match keyword.as_str() {
                "resource" | "data" => 2,
                "module" | "variable" | "output" | "provider" => 1,
                _ => 0,
            };
            labelled(keyword, content, depth, &mut Vec::new(), &mut items);
        }
    }
    Ok(items)
}

/// The entries of a `.tfvars.json` file. Their strings are no templates.
///
/// # Errors
/// Text that is not JSON.
pub(super) fn values(text: &str) -> Result<Vec<JsonItem>, serde_json::Error> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let entries = value.as_object().into_iter().flatten();
    let item = |(name, value): (&String, &Value)| {
        let attribute = Attribute::new(identifier(name)?, expression(value, false));
        Some(JsonItem { name: name.clone(), labels: Vec::new(), body: Body::from_iter([attribute]) })
    };
    Ok(entries.filter_map(item).collect())
}

/// Descends the labels of a block, and adds the blocks below them.
fn labelled(keyword: &str, content: &Value, depth: usize, labels: &mut Vec<String>, items: &mut Vec<JsonItem>) {
    for object in many(content).into_iter().filter_map(Value::as_object) {
        if depth == 0 {
            let Some(ident) = identifier(keyword) else { continue };
            let mut block = Block::new(ident);
            block.labels = labels.iter().map(|label| BlockLabel::from(label.as_str())).collect();
            let attributes = object.iter().filter(|(name, _)| *name != "//");
            block.body = attributes
                .filter_map(|(name, value)| Some(Attribute::new(identifier(name)?, expression(value, true))))
                .collect();
            items.push(JsonItem { name: keyword.to_owned(), labels: labels.clone(), body: Body::from_iter([block]) });
            continue;
        }
        for (label, content) in object.iter().filter(|(label, _)| *label != "//") {
            labels.push(label.clone());
            labelled(keyword, content, depth - 1, labels, items);
            labels.pop();
        }
    }
}

/// The elements of a list, or the value alone: JSON syntax allows both wherever blocks are.
fn many(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

fn identifier(name: &str) -> Option<Decorated<Ident>> {
    Ident::try_new(name).ok().map(Decorated::new)
}

/// The expression that a JSON value stands for.
fn expression(value: &Value, templates: bool) -> Expression {
    match value {
        Value::Null => Expression::null(),
        Value::Bool(value) => Expression::from(*value),
        Value::Number(number) => {
            let number = number
                .as_u64()
                .map(hcl_edit::Number::from)
                .or_else(|| number.as_i64().map(hcl_edit::Number::from))
                .or_else(|| hcl_edit::Number::from_f64(number.as_f64()?));
            number.map_or_else(Expression::null, Expression::from)
        }
        Value::String(text) => template(text).filter(|_| templates).unwrap_or_else(|| Expression::from(text.as_str())),
        Value::Array(list) => {
            Expression::Array(list.iter().map(|value| expression(value, templates)).collect::<Array>())
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| {
                let key = if templates { template(name) } else { None };
                let key = key.unwrap_or_else(|| Expression::from(name.as_str()));
                (ObjectKey::Expression(key), expression(value, templates))
            });
            Expression::Object(entries.collect::<Object>())
        }
    }
}

/// The template in a string; `None` where there is nothing to evaluate.
fn template(text: &str) -> Option<Expression> {
    let template: Template = text.parse().ok()?;
    let is_literal = template.iter().all(Element::is_literal);
    if is_literal {
        let text: String = template.iter().filter_map(Element::as_literal).map(|text| text.as_str()).collect();
        return Some(Expression::from(text));
    }
    Some(Expression::StringTemplate(StringTemplate::from(template)))
}
