//! Users as `proxmox_virtual_environment_user`.

use proxmox_mpc_model::{Identity, Moment, Object, names};

use super::{Destination, Namespace, Translation, references};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of users. With a user its password, its tokens and its second factor are lost, which no code has.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "user",
    file: "users.tf",
    word: "user",
    data: true,
    namespace: Namespace::Own("user"),
    destination: |object, _| {
        if is_unchanged(object) {
            return Ok(Destination::BuiltIn);
        }
        found_as_listed(object.entry.identity.id())?;
        Ok(Destination::Resource("proxmox_virtual_environment_user", object.entry.identity.id().to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["userid"], |draft| {
            let user = draft.text("userid").unwrap_or_default();
            draft.set("user_id", references::user(draft, &user));
        }),
        Row::always(&["enable"], "enabled"),
        Row::custom(&["expire"], expiration),
        Row::custom(&["comment", "email", "firstname", "lastname"], texts),
        Row::custom(&["groups"], groups),
        Row::custom(&["keys"], keys),
        Row::not_expressible(&["password"], "Proxmox keeps it elsewhere and never shows it (provider rule U1)"),
        Row::volatile(&["realm-type", "tfa-locked-until", "tokens", "totp-locked"]),
    ],
    role: None,
};

/// True for `root@pam` without changes. The installer sets its address (docs/provider.md, U2).
fn is_unchanged(object: &Object) -> bool {
    let is_original = |key: &str, value: &str| match key {
        "userid" | "realm-type" | "tfa-locked-until" | "totp-locked" => true,
        "enable" => value == "1",
        "expire" => value == "0",
        _ => value.is_empty(),
    };
    object.entry.identity.id() == "root@pam"
        && object.keys.keys().all(|key| object.text(key).is_none_or(|value| is_original(key, &value)))
}

/// Checks that Proxmox finds a user under the listed name: names with letters beyond ASCII are listed in one encoding and found in
/// another (docs/provider.md, U12).
pub(super) fn found_as_listed(user: &str) -> Result<(), Obstacle> {
    if user.is_ascii() {
        return Ok(());
    }
    let name = names::in_paths(user);
    Err(Obstacle::new(format!(
        "Proxmox lists `{name}` as `{user}` and does not find it by that: the provider asks so, gets an error, and the \
         plan stops (provider rule U12)"
    )))
}

/// Writes the expiration of a user or a token, in seconds since 1970. For never (0 or no key) nothing is written: the provider
/// then reads the same as for its default, the start of 1970 for a user (docs/provider.md, U1) and null for a token.
pub(super) fn expiration(draft: &mut Draft<'_>) {
    let Some(seconds) = draft.text("expire").and_then(|text| text.parse().ok()).filter(|seconds| *seconds != 0) else {
        draft.set_default("expire");
        return;
    };
    if let Some(moment) = Moment::at(seconds).rfc3339() {
        draft.set("expiration_date", moment);
    } else {
        draft.not_in_provider("expire", "the provider refuses a year of five digits (provider rule U3)");
        draft.ignore(&["expiration_date"], "the provider refuses a year of five digits");
    }
}

/// Writes the texts that are not empty. The provider reads an empty text, its default, for an absent one.
fn texts(draft: &mut Draft<'_>) {
    let attributes =
        [("comment", "comment"), ("email", "email"), ("firstname", "first_name"), ("lastname", "last_name")];
    for (key, attribute) in attributes {
        match draft.text(key).filter(|text| !text.is_empty()) {
            Some(text) => draft.set(attribute, Value::Text(text)),
            None => draft.set_default(key),
        }
    }
}

fn groups(draft: &mut Draft<'_>) {
    let text = draft.text("groups").unwrap_or_default();
    let mut groups: Vec<&str> = text.split([',', ';', ' ']).filter(|group| !group.is_empty()).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() {
        draft.set_default("groups");
        return;
    }
    let group =
        |group: &str| draft.reference(&Identity::new("group", group), "group_id").unwrap_or_else(|| Value::from(group));
    let groups = groups.into_iter().map(group).collect();
    draft.set("groups", Value::List(groups));
}

/// Handles the mark of a second factor, or the factor itself in the older form: neither belongs in code.
fn keys(draft: &mut Draft<'_>) {
    if draft.text("keys").is_none_or(|keys| keys.is_empty()) {
        draft.set_default("keys");
        return;
    }
    draft.not_expressible(
        "keys",
        "it tells of the user's second factor, which users set up themselves (provider rule U4)",
    );
    draft.ignore_without_comment(&["keys"]);
}
