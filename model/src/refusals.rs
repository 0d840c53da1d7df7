//! Refusals of Proxmox: a path or a method that it does not have, and parameters that are wrong.

use serde_json::json;

use crate::answer::Answer;
use crate::names;
use crate::schema::{Errors, Verb};

/// What Proxmox says to a path that it does not have. The message has no line end, and shows each byte of the path as
/// one character.
pub(crate) fn not_implemented(segments: &[&str]) -> Answer {
    no_method(Verb::Get, segments)
}

/// The same for any method.
pub fn no_method(verb: Verb, segments: &[&str]) -> Answer {
    let path = names::as_listed(&segments.join("/"));
    let message = format!("Method '{verb} /{path}' not implemented");
    Answer { status: 501, body: json!({ "data": null, "message": message }), reason: message }
}

/// What Proxmox says where a parameter is wrong.
pub(crate) fn invalid(parameter: &str, why: &str) -> Answer {
    refused(&Errors::from([(parameter.to_owned(), why.to_owned())]))
}

/// The same for several parameters.
pub fn refused(errors: &Errors) -> Answer {
    let message = "Parameter verification failed.";
    let body = json!({ "data": null, "errors": errors, "message": format!("{message}\n") });
    Answer { status: 400, reason: message.to_owned(), body }
}
