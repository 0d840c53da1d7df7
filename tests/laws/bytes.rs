//! Law of bytes: the same answers give the same bytes, in whatever order Proxmox sends unordered lists.

use proxmox_mpc_model::Answer;
use serde_json::Value;

use crate::support::clusters::{all, generated};

#[test]
fn the_same_answers_give_the_same_bytes() {
    for (name, answers) in all() {
        let (first, second) = (generated(&answers), generated(&answers));
        assert_eq!(first.files, second.files, "{name}");
        assert_eq!(first.manifest.render(), second.manifest.render(), "{name}");
    }
}

/// Lists come in the order of a hash, and so do the contents and nodes of a storage.
#[test]
fn the_order_of_what_has_none_changes_no_byte() {
    for (name, answers) in all() {
        let mut turned = answers.clone();
        let lists: usize = turned.values_mut().map(turn).sum();
        assert!(lists > 0 && turned != answers, "{name}");
        let (first, second) = (generated(&answers), generated(&turned));
        assert_eq!(first.files, second.files, "{name}");
        assert_eq!(first.manifest.render(), second.manifest.render(), "{name}");
    }
}

/// Reverses a list of objects, and the words in each; returns the number of lists.
fn turn(answer: &mut Answer) -> usize {
    let Some(Value::Array(rows)) = answer.body.get_mut("data") else { return 0 };
    rows.reverse();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        for key in ["content", "nodes"] {
            if let Some(Value::String(words)) = row.get_mut(key) {
                *words = words.split(',').rev().collect::<Vec<_>>().join(",");
            }
        }
    }
    1
}
