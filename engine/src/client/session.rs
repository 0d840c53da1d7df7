//! Login session: a token that never changes, or a ticket that is obtained and renewed.

use std::fmt::Write;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proxmox_mpc_model::ApiPath;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::debug;

use super::Authorization;
use super::body;
use super::error::ClientError;
use super::transport::{OutgoingRequest, Transport};
use crate::settings::Credentials;

/// Session of a client: its credentials, and the current ticket.
#[derive(Debug)]
pub(super) struct LoginSession {
    credentials: Credentials,
    /// The age at which a ticket is renewed.
    renewal: Duration,
    /// Locked during a login, so that parallel requests cause only one.
    ticket: Mutex<Option<Ticket>>,
}

/// A ticket that a login issued.
#[derive(Debug)]
struct Ticket {
    text: SecretString,
    authorization: Authorization,
    issued: Instant,
}

impl LoginSession {
    pub(super) fn new(credentials: Credentials, renewal: Duration) -> Self {
        Self { credentials, renewal, ticket: Mutex::new(None) }
    }

    pub(super) fn login(&self) -> &str {
        self.credentials.login()
    }

    /// The headers of the next request. Logs in first if needed.
    pub(super) async fn authorization(&self, transport: &Transport) -> Result<Authorization, ClientError> {
        match &self.credentials {
            Credentials::Token { id, secret } => Ok(Authorization {
                headers: header(AUTHORIZATION, &["PVEAPIToken=", id, "=", secret.expose_secret()])?,
                generation: 0,
            }),
            Credentials::Ticket { ticket, csrf, .. } => {
                Ok(Authorization { headers: cookie(ticket, csrf.as_ref())?, generation: 0 })
            }
            Credentials::Password { password, otp, .. } => {
                let mut current = self.ticket.lock().await;
                if let Some(ticket) = current.as_mut() {
                    if ticket.issued.elapsed() >= self.renewal {
                        self.prolong(transport, ticket).await;
                    }
                    return Ok(ticket.authorization.clone());
                }
                let ticket = self.log_in(transport, password, otp.as_ref(), 1).await?;
                Ok(current.insert(ticket).authorization.clone())
            }
        }
    }

    /// New headers instead of refused ones; `None` for a token or a given ticket, which cannot be renewed.
    pub(super) async fn renewed(
        &self,
        transport: &Transport,
        refused: &Authorization,
    ) -> Result<Option<Authorization>, ClientError> {
        let Credentials::Password { password, otp, .. } = &self.credentials else { return Ok(None) };
        let mut current = self.ticket.lock().await;
        if let Some(ticket) = current.as_ref().filter(|ticket| ticket.authorization.generation != refused.generation) {
            return Ok(Some(ticket.authorization.clone()));
        }
        if otp.is_some() {
            // A one-time code is valid for one login, and a refused ticket cannot be renewed.
            return Err(ClientError::CodeSpent { login: self.login().to_owned() });
        }
        let ticket = self.log_in(transport, password, None, refused.generation + 1).await?;
        Ok(Some(current.insert(ticket).authorization.clone()))
    }

    /// Renews a ticket that is still valid: Proxmox takes it in place of the password, and does not ask for a second factor
    /// then (recorded as `errors/ticket_renew`). If that fails, the old one is used until it expires.
    async fn prolong(&self, transport: &Transport, ticket: &mut Ticket) {
        match self.log_in(transport, &ticket.text, None, ticket.authorization.generation + 1).await {
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
            authorization: Authorization { headers: cookie(&ticket, csrf.as_ref())?, generation },
            text: ticket,
            issued: Instant::now(),
        })
    }

    /// Sends `POST access/ticket`, and returns the `data` of its answer.
    async fn ask(&self, transport: &Transport, fields: &[(&str, &str)]) -> Result<Value, ClientError> {
        let path = ApiPath::new(["access", "ticket"]);
        let response = transport.exchange(&OutgoingRequest::post(&path, form(fields))).await?;
        let answer = body::answer(response, &path)?.parsed();
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

/// The headers of a ticket, with the token against cross-site requests that a write needs. As in Proxmox's own web
/// interface, every request has both.
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
    value.set_sensitive(true); // masks it when headers are printed
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
    fn an_authorization_is_masked() {
        let headers = header(AUTHORIZATION, &["PVEAPIToken=", "CANARY"]).unwrap();
        let authorization = Authorization { headers, generation: 0 };
        assert!(!format!("{authorization:?}").contains("CANARY"));
    }
}
