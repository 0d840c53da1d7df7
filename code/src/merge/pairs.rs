//! Pairs of nested blocks: by their natural key where they have one, else by the alignment that leaves most of them as they are.

use super::meaning::Meaning;
use super::tree::{Body, Content, same_body};

/// Attributes that name a block among its like. All others are counted by the provider: their position is their name.
const KEYS: [(&str, &str); 7] = [
    ("cidr", "name"),
    ("device_passthrough", "path"),
    ("disk", "interface"),
    ("entry", "address"),
    ("hostpci", "device"),
    ("numa", "device"),
    ("virtiofs", "mapping"),
];

/// The natural key of a block, as attribute and text.
pub(crate) fn key(name: &str, body: &Body) -> Option<(&'static str, String)> {
    let (_, attribute) = KEYS.iter().find(|(block, _)| *block == name)?;
    match &body.attribute(attribute)?.2.meaning {
        Meaning::Text(text) => Some((attribute, text.clone())),
        _ => None,
    }
}

/// For each block of one side, its counterpart on the other.
pub(crate) fn pairs(name: &str, one: &[&Body], other: &[&Body]) -> Vec<Option<usize>> {
    let keys = |side: &[&Body]| side.iter().map(|body| key(name, body)).collect::<Option<Vec<_>>>();
    if let (Some(ours), Some(theirs)) = (keys(one), keys(other)) {
        let is_unique = |keys: &[(&str, String)]| keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key));
        if is_unique(&ours) && is_unique(&theirs) {
            return ours.iter().map(|key| theirs.iter().position(|other| other == key)).collect();
        }
    }
    align(one, other)
}

/// The alignment in order with the most equal attributes.
fn align(one: &[&Body], other: &[&Body]) -> Vec<Option<usize>> {
    let (rows, columns) = (one.len(), other.len());
    let mut best = vec![vec![0usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let pair = best[row + 1][column + 1] + likeness(one[row], other[column]);
            best[row][column] = pair.max(best[row + 1][column]).max(best[row][column + 1]);
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = vec![None; rows];
    while row < rows && column < columns {
        if best[row][column] == best[row + 1][column + 1] + likeness(one[row], other[column]) {
            pairs[row] = Some(column);
            (row, column) = (row + 1, column + 1);
        } else if best[row][column] == best[row + 1][column] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

fn likeness(one: &Body, other: &Body) -> usize {
    if same_body(one, other) {
        return 1000;
    }
    let equal = one.items.iter().filter(|item| match &item.content {
        Content::Value(value) => {
            other.attribute(&item.name).is_some_and(|(_, _, theirs)| theirs.meaning == value.meaning)
        }
        Content::Block(body) => other.blocks(&item.name).any(|(_, _, theirs)| same_body(body, theirs)),
    });
    1 + 4 * equal.count()
}
