//! Users: where their keys go in `proxmox_virtual_environment_user`.

use proxmox_mpc_model::{Identity, Moment, Object, names};

use super::{Destination, Namespace, Translation, references};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of users. With a user go its password, its tokens and its second factor, which no code says.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "user",
    file: "users.tf",
    word: "user",
    data: true,
    namespace: Namespace::Own("user"),
    destination: |object, _| {
        if as_it_came(object) {
            return Ok(Destination::BuiltIn);
        }
        found_again(object.entry.identity.id())?;
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

/// `root@pam` as it is when nobody has said anything of it; the installer says its address (docs/provider.md, U2).
fn as_it_came(object: &Object) -> bool {
    let came = |key: &str, value: &str| match key {
        "userid" | "realm-type" | "tfa-locked-until" | "totp-locked" => true,
        "enable" => value == "1",
        "expire" => value == "0",
        _ => value.is_empty(),
    };
    object.entry.identity.id() == "root@pam"
        && object.keys.keys().all(|key| object.text(key).is_none_or(|value| came(key, &value)))
}

/// A user whom Proxmox finds under the name that it lists: one with letters beyond ASCII is listed in one way and found in
/// another (docs/provider.md, U12).
pub(super) fn found_again(user: &str) -> Result<(), Obstacle> {
    if user.is_ascii() {
        return Ok(());
    }
    let name = names::in_paths(user);
    Err(Obstacle::new(format!(
        "Proxmox lists `{name}` as `{user}` and does not find it by that: the provider asks so, gets an error, and the \
         plan stops (provider rule U12)"
    )))
}

/// When a user or a token ends, in seconds since 1970; 0 and no key at all are never. Nothing is written for never: Read
/// then stores what it takes for the default, the first moment of 1970 for a user (docs/provider.md, U1), nothing for a
/// token.
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

/// Read stores an empty text for an absent one, and that is the default: any other is written, blanks included.
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

/// A mark that the user has a second factor, or the second factor itself in the older form: neither is for code.
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
