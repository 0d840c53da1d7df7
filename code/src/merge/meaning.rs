//! Meaning of an expression: constants as values, in whatever notation, and code without its layout.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey, UnaryOperator};
use hcl_edit::template::{Element, Template};

use super::pieces::compact;

/// Meaning of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    /// Anything that has to be evaluated, without blanks.
    Code(String),
}

impl Meaning {
    /// Reports whether nothing in it has to be evaluated.
    pub(crate) fn is_constant(&self) -> bool {
        match self {
            Self::Code(_) => false,
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Map(entries) => entries.values().all(Self::is_constant),
            _ => true,
        }
    }

    /// Reports whether Terraform takes both for the same value: it converts numbers and booleans to text and back.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(ours), Self::List(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| ours.same(theirs))
            }
            (Self::Map(ours), Self::Map(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|(key, value)| theirs.get(key).is_some_and(|other| value.same(other)))
            }
            _ => self == other || self.scalar().is_some_and(|ours| Some(ours) == other.scalar()),
        }
    }

    fn scalar(&self) -> Option<String> {
        match self {
            Self::Boolean(value) => Some(value.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl From<&hcl::Value> for Meaning {
    fn from(value: &hcl::Value) -> Self {
        match value {
            hcl::Value::Null => Self::Null,
            hcl::Value::Bool(value) => Self::Boolean(*value),
            hcl::Value::Number(number) => Self::Number(canonical(&number.to_string())),
            hcl::Value::String(text) => Self::Text(text.replace("\r\n", "\n")),
            hcl::Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            hcl::Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
        }
    }
}

/// Meaning of an expression. `source` gives the text of a span.
pub(crate) fn of<'t>(expression: &Expression, source: &dyn Fn(Option<Range<usize>>) -> &'t str) -> Meaning {
    let code = || Meaning::Code(compact(source(expression.span())));
    match expression {
        Expression::Null(_) => Meaning::Null,
        Expression::Bool(value) => Meaning::Boolean(*value.value()),
        Expression::Number(number) => Meaning::Number(canonical(&number.value().to_string())),
        Expression::String(text) => Meaning::Text(text.value().clone()),
        Expression::Parenthesis(inner) => of(inner.inner(), source),
        Expression::UnaryOp(operation) if *operation.operator.value() == UnaryOperator::Neg => {
            match of(&operation.expr, source) {
                Meaning::Number(number) if !number.starts_with('-') => Meaning::Number(format!("-{number}")),
                _ => code(),
            }
        }
        Expression::StringTemplate(template) => literals(template.iter()).map_or_else(code, Meaning::Text),
        // A person's editor may have changed the line ends of the whole file; the text is the same.
        Expression::HeredocTemplate(heredoc) => {
            heredoc_text(&heredoc.template).map_or_else(code, |text| Meaning::Text(text.replace("\r\n", "\n")))
        }
        Expression::Array(items) => Meaning::List(items.iter().map(|item| of(item, source)).collect()),
        Expression::Object(entries) => {
            let entry = |(key, value): (&ObjectKey, &hcl_edit::expr::ObjectValue)| {
                let key = match key {
                    ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                    ObjectKey::Expression(Expression::String(text)) => text.value().clone(),
                    ObjectKey::Expression(Expression::Variable(ident)) => ident.value().to_string(),
                    ObjectKey::Expression(_) => return None,
                };
                Some((key, of(value.expr(), source)))
            };
            entries.iter().map(entry).collect::<Option<_>>().map_or_else(code, Meaning::Map)
        }
        _ => code(),
    }
}

fn heredoc_text(template: &Template) -> Option<String> {
    literals(template.iter())
}

fn literals<'e>(elements: impl Iterator<Item = &'e Element>) -> Option<String> {
    elements.map(|element| element.as_literal().map(|literal| literal.as_str())).collect()
}

/// A number in one notation: `2` for `2.0`.
fn canonical(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(value) if !number.contains(['e', 'E']) && value.fract() == 0.0 => {
            number.split('.').next().unwrap_or(number).to_owned()
        }
        _ => number.to_owned(),
    }
}
