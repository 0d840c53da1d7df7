//! Refusals of Proxmox: a path or a method that it does not have, and parameters that are wrong.

use serde_json::json;

use crate::answer::Answer;
use crate::names;
use crate::schema::{Errors, Verb};

/// The refusal of a GET of a path that Proxmox does not have. The message has no line break, and shows each byte of the
/// path as one character.
pub(crate) fn not_implemented(segments: &[&str]) -> Answer {
    no_method(Verb::Get, segments)
}

/// The refusal of any method that Proxmox does not have.
pub fn no_method(verb: Verb, segments: &[&str]) -> Answer {
    let path = names::as_listed(&segments.join("/"));
    let message = format!("Method '{verb} /{path}' not implemented");
    Answer { status: 501, body: json!({ "data": null, "message": message }), reason: message }
}

/// The refusal of one wrong parameter.
pub(crate) fn invalid(parameter: &str, why: &str) -> Answer {
    refused(&Errors::from([(parameter.to_owned(), why.to_owned())]))
}

/// The refusal of wrong parameters.
pub fn refused(errors: &Errors) -> Answer {
    let message = "Parameter verification failed.";
    let body = json!({ "data": null, "errors": errors, "message": format!("{message}\n") });
    Answer { status: 400, reason: message.to_owned(), body }
}
