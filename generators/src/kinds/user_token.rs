//! API tokens as `proxmox_user_token`.

use proxmox_mpc_model::{Identity, Object};

use super::user::{expiration, found_as_listed};
use super::{Destination, Namespace, Translation};
use crate::draft::Obstacle;
use crate::hcl::Value;
use crate::row::Row;

/// Translation of tokens. Only the users of a token have its value: losing a token locks them out.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "user_token",
    file: "user_tokens.tf",
    word: "token",
    data: true,
    namespace: Namespace::Own("user_token"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["userid"], |draft| {
            draft.remark(
                "Proxmox does not show its value: a token that is created again gets another one (provider rule U7)",
                Some("give the new value to everyone who uses the token".to_owned()),
            );
            let user = draft.text("userid").unwrap_or_default();
            let value = draft.reference(&Identity::new("user", &user), "user_id").unwrap_or(Value::Text(user));
            draft.set("user_id", value);
        }),
        Row::text(&["tokenid"], "token_name"),
        Row::always(&["privsep"], "privileges_separation"),
        Row::custom(&["expire"], expiration),
        Row::custom(&["comment"], |draft| {
            let comment = draft.text("comment").map(Value::Text);
            draft.set_some("comment", comment);
        }),
    ],
    role: None,
};

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let id = object.entry.identity.id();
    if id.matches('!').count() != 1 {
        return Err(Obstacle::new(
            "the provider cannot import a token of a user with `!` in its name (provider rule U6)",
        ));
    }
    found_as_listed(id.split('!').next().unwrap_or(id))?;
    if !object.keys.contains_key("privsep") {
        return Err(Obstacle::new(
            "without `privsep` the plan always changes `privileges_separation` (provider rule U7)",
        )
        .remedy(format!("pveum user token modify {} --privsep 1", id.replace('!', " "))));
    }
    Ok(Destination::Resource("proxmox_user_token", id.to_owned()))
}
