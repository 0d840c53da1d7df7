//! The login: a token that never changes, or a ticket that is obtained, carried and renewed.

use std::fmt::Write;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proxmox_mpc_model::ApiPath;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::debug;

use super::Pass;
use super::body;
use super::error::ClientError;
use super::transport::{Outgoing, Transport};
use crate::settings::Credentials;

/// As whom a client speaks, and what proves it now.
#[derive(Debug)]
pub(super) struct Session {
    credentials: Credentials,
    /// The age from which on a ticket is renewed.
    renewal: Duration,
    /// Locked during a login, so that requests in parallel cause one.
    ticket: Mutex<Option<Ticket>>,
}

/// What a login gave.
#[derive(Debug)]
struct Ticket {
    text: SecretString,
    pass: Pass,
    issued: Instant,
}

impl Session {
    pub(super) fn new(credentials: Credentials, renewal: Duration) -> Self {
        Self { credentials, renewal, ticket: Mutex::new(None) }
    }

    pub(super) fn login(&self) -> &str {
        self.credentials.login()
    }

    /// What the next request carries; logs in first where that has to be.
    pub(super) async fn pass(&self, transport: &Transport) -> Result<Pass, ClientError> {
        match &self.credentials {
            Credentials::Token { id, secret } => Ok(Pass {
                headers: header(AUTHORIZATION, &["PVEAPIToken=", id, "=", secret.expose_secret()])?,
                generation: 0,
            }),
            Credentials::Ticket { ticket, csrf, .. } => {
                Ok(Pass { headers: cookie(ticket, csrf.as_ref())?, generation: 0 })
            }
            Credentials::Password { password, otp, .. } => {
                let mut held = self.ticket.lock().await;
                if let Some(ticket) = held.as_mut() {
                    if ticket.issued.elapsed() >= self.renewal {
                        self.prolong(transport, ticket).await;
                    }
                    return Ok(ticket.pass.clone());
                }
                let ticket = self.log_in(transport, password, otp.as_ref(), 1).await?;
                Ok(held.insert(ticket).pass.clone())
            }
        }
    }

    /// A new pass in place of one that was refused; `None` where there is no way to one.
    pub(super) async fn renewed(&self, transport: &Transport, refused: &Pass) -> Result<Option<Pass>, ClientError> {
        let Credentials::Password { password, otp, .. } = &self.credentials else { return Ok(None) };
        let mut held = self.ticket.lock().await;
        if let Some(ticket) = held.as_ref().filter(|ticket| ticket.pass.generation != refused.generation) {
            return Ok(Some(ticket.pass.clone()));
        }
        if otp.is_some() {
            // The code was good for one login, and a ticket that is refused buys no other.
            return Err(ClientError::CodeSpent { login: self.login().to_owned() });
        }
        let ticket = self.log_in(transport, password, None, refused.generation + 1).await?;
        Ok(Some(held.insert(ticket).pass.clone()))
    }

    /// A younger ticket for one that still counts: Proxmox takes it in place of the password, and asks for no second
    /// factor then (recorded as `errors/ticket_renew`). Where that fails the old one is used up to its end.
    async fn prolong(&self, transport: &Transport, ticket: &mut Ticket) {
        match self.log_in(transport, &ticket.text, None, ticket.pass.generation + 1).await {
            Ok(fresh) => *ticket = fresh,
            Err(error) => {
                debug!(%error, "the ticket was not renewed");
                ticket.issued = Instant::now();
            }
        }
    }

    async fn log_in(
        &self,
        transport: &Transport,
        password: &SecretString,
        otp: Option<&SecretString>,
        generation: u64,
    ) -> Result<Ticket, ClientError> {
        let mut fields = vec![("username", self.login()), ("password", password.expose_secret())];
        fields.extend(otp.map(|otp| ("otp", otp.expose_secret())));
        let mut data = self.ask(transport, &fields).await?;
        if data.get("NeedTFA").is_some_and(|need| need.as_u64() != Some(0) && !need.is_null()) {
            let Some(otp) = otp else { return Err(ClientError::SecondFactor { login: self.login().to_owned() }) };
            let code = format!("totp:{}", otp.expose_secret());
            let challenge = text(&data, "ticket").unwrap_or_default();
            let fields = [("username", self.login()), ("password", &code), ("tfa-challenge", &challenge)];
            data = self.ask(transport, &fields).await?;
        }
        let Some(ticket) = text(&data, "ticket").map(SecretString::from) else {
            return Err(ClientError::NoTicket { login: self.login().to_owned() });
        };
        let csrf = text(&data, "CSRFPreventionToken").map(SecretString::from);
        debug!(login = self.login(), generation, "logged in");
        Ok(Ticket {
            pass: Pass { headers: cookie(&ticket, csrf.as_ref())?, generation },
            text: ticket,
            issued: Instant::now(),
        })
    }

    /// One `POST access/ticket`; its `data`.
    async fn ask(&self, transport: &Transport, fields: &[(&str, &str)]) -> Result<Value, ClientError> {
        let path = ApiPath::new(["access", "ticket"]);
        let received = transport.exchange(&Outgoing::post(&path, form(fields))).await?;
        let answer = body::answer(received, &path)?.parsed();
        let answer = answer.map_err(|source| ClientError::NotJson { path, source })?;
        match answer.data() {
            Some(data) => Ok(data.clone()),
            None => Err(ClientError::Unauthorized { login: self.login().to_owned(), reason: answer.reason }),
        }
    }
}

fn text(data: &Value, key: &str) -> Option<String> {
    data.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (key, value) in fields {
        let separator = if form.is_empty() { "" } else { "&" };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        write!(form, "{separator}{key}={value}").expect("writing to a String cannot fail");
    }
    form
}

/// The ticket, and what makes a write with it count: like Proxmox's own pages, every request carries both.
fn cookie(ticket: &SecretString, csrf: Option<&SecretString>) -> Result<HeaderMap, ClientError> {
    let mut headers = header(COOKIE, &["PVEAuthCookie=", ticket.expose_secret()])?;
    if let Some(csrf) = csrf {
        headers.extend(header(HeaderName::from_static("csrfpreventiontoken"), &[csrf.expose_secret()])?);
    }
    Ok(headers)
}

fn header(name: HeaderName, parts: &[&str]) -> Result<HeaderMap, ClientError> {
    let value = HeaderValue::try_from(parts.concat());
    let mut value = value.map_err(|source| ClientError::Setup { source: source.into() })?;
    value.set_sensitive(true); // masks it in whatever prints the headers
    Ok([(name, value)].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let fields = [("username", "root@pam"), ("password", "a;b&c=d ü%")];
        assert_eq!(form(&fields), "username=root%40pam&password=a%3Bb%26c%3Dd%20%C3%BC%25");
    }

    #[test]
    fn a_pass_is_masked() {
        let headers = header(AUTHORIZATION, &["PVEAPIToken=", "CANARY"]).unwrap();
        let pass = Pass { headers, generation: 0 };
        assert!(!format!("{pass:?}").contains("CANARY"));
    }
}
