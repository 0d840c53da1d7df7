//! Logins as Proxmox has them: API tokens, tickets, and the CSRF token that a write with a ticket needs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use proxmox_mpc_model::Answer;
use proxmox_mpc_model::object::text;
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::{Map, Value, json};

use crate::call::Login;
use crate::credentials;
use crate::credentials::{Credentials, PASSWORD, TOKEN};
use crate::state::State;

/// Answer to a login.
pub(super) struct LoginAnswer {
    pub(super) answer: Answer,
    /// True if the user or the password was wrong.
    pub(super) refused: bool,
    /// User that is logged in now. It is not checked here that the cluster still has that user.
    pub(super) user: Option<String>,
}

/// Checks of the logins of requests.
#[derive(Debug)]
pub(super) struct LoginChecks {
    credentials: Credentials,
    key: hmac::Key,
    lifetime: Duration,
}

impl LoginChecks {
    pub(super) fn new(credentials: Credentials, lifetime: Duration) -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .expect("the system's random generator works, or TLS would not either");
        Self { credentials, key, lifetime }
    }

    /// Login of a request that may pass; otherwise the reason phrase of the 401.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap, state: &State) -> Result<Login, &'static str> {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = authorization.and_then(|value| value.strip_prefix("PVEAPIToken=")) {
            let known = |name: &str, secret: &str| {
                credentials::matches_kept(&state.view(), &format!("{TOKEN}{name}"), secret)
                    .unwrap_or_else(|| self.credentials.allows_token(name, secret))
            };
            let allowed = token.split_once('=').filter(|(name, secret)| known(name, secret));
            return allowed.map(|(name, _)| Login::parse(name)).ok_or("Authentication failed!");
        }
        let Some(ticket) = cookie(headers) else { return Err("No ticket") };
        let Some((user, issued)) = self.ticket_holder(&ticket) else {
            return Err("permission denied - invalid PVE ticket");
        };
        let csrf = headers.get("CSRFPreventionToken").and_then(|value| value.to_str().ok());
        if *method != Method::GET && csrf != Some(&self.csrf(user, issued)) {
            return Err("Permission denied - invalid csrf token");
        }
        Ok(Login { user: user.to_owned(), token: None })
    }

    /// The answer to `POST access/ticket` with these parameters.
    pub(super) fn log_in(
        &self,
        parameters: &Map<String, Value>,
        clustername: Option<&str>,
        state: &State,
    ) -> LoginAnswer {
        let field = |name: &str| parameters.get(name).and_then(text);
        let (Some(username), Some(password)) = (field("username"), field("password")) else {
            let missing = if field("username").is_none() { "username" } else { "password" };
            let body = json!({
                "data": null,
                "errors": { missing: "property is missing and it is not optional" },
                "message": "Parameter verification failed.\n",
            });
            let answer = Answer { status: 400, reason: "Parameter verification failed.".to_owned(), body };
            return LoginAnswer { answer, refused: false, user: None };
        };
        let user = match field("realm") {
            Some(realm) if !username.contains('@') => format!("{username}@{realm}"),
            _ => username,
        };
        // A ticket that is still good stands for the password, which is how a ticket is renewed.
        let renews = self.ticket_holder(&password).is_some_and(|(holder, _)| holder == user);
        let known = || {
            credentials::matches_kept(&state.view(), &format!("{PASSWORD}{user}"), &password)
                .unwrap_or_else(|| self.credentials.allows_password(&user, &password))
        };
        if !renews && !known() {
            return LoginAnswer { answer: Answer::refusal(401, "authentication failure"), refused: true, user: None };
        }
        let issued = now();
        let mut data = json!({
            "CSRFPreventionToken": self.csrf(&user, issued),
            "cap": {},
            "ticket": self.ticket(&user, issued),
            "username": user,
        });
        if let Some(name) = clustername {
            data["clustername"] = json!(name);
        }
        LoginAnswer { answer: Answer::ok(data), refused: false, user: Some(user) }
    }

    /// `PVE:alice@pve:6B038E50::…`.
    fn ticket(&self, user: &str, issued: u32) -> String {
        format!("PVE:{user}:{issued:08X}::{}", self.sign(&format!("ticket:{user}:{issued:08X}")))
    }

    fn csrf(&self, user: &str, issued: u32) -> String {
        format!("{issued:08X}:{}", self.sign(&format!("csrf:{user}:{issued:08X}")))
    }

    fn sign(&self, text: &str) -> String {
        STANDARD.encode(hmac::sign(&self.key, text.as_bytes()))
    }

    /// The user of a ticket and the time at which it was issued, if this twin issued it and it is still valid.
    fn ticket_holder<'a>(&self, ticket: &'a str) -> Option<(&'a str, u32)> {
        let (head, signature) = ticket.strip_prefix("PVE:")?.split_once("::")?;
        let (user, issued) = head.rsplit_once(':')?;
        let signature = STANDARD.decode(signature).ok()?;
        hmac::verify(&self.key, format!("ticket:{head}").as_bytes(), &signature).ok()?;
        let issued = u32::from_str_radix(issued, 16).ok()?;
        let age = Duration::from_secs(now().saturating_sub(issued).into());
        (age < self.lifetime).then_some((user, issued))
    }
}

/// The ticket that the request carries; browsers and the provider escape it differently.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let ticket = cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix("PVEAuthCookie="));
    Some(percent_decode_str(ticket?).decode_utf8_lossy().into_owned())
}

/// Seconds since 1970, as a ticket counts them.
fn now() -> u32 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
