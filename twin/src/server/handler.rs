//! Handling of one request: its login, its route and its reply.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract;
use axum::http::request::Parts;
use axum::http::{Method, Request, Response, StatusCode};
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, ApiPath, Unreadable};
use serde_json::Value;

use super::body;
use super::log::{LoggedWrite, WriteLog};
use super::login::{LoginAnswer, LoginChecks};
use super::lookup::{Counts, Lookup};
use super::moment::Moment;
use super::options::Options;
use super::reply::Reply;
use crate::call;
use crate::call::{Login, Refusal};
use crate::rights::{AdmissionError, Checks};
use crate::state::State;
use crate::writes;

/// Data that all requests share.
#[derive(Debug)]
pub(super) struct Shared {
    logins: LoginChecks,
    state: Arc<State>,
    lookup: Arc<Lookup>,
    delay: Duration,
    refusal_delay: Duration,
    task_duration: Duration,
    log: Option<WriteLog>,
}

impl Shared {
    pub(super) fn new(state: Arc<State>, options: Options) -> Self {
        Self {
            logins: LoginChecks::new(options.credentials, options.ticket_lifetime),
            lookup: Arc::new(Lookup::new(Arc::clone(&state), options.agent)),
            state,
            delay: options.delay,
            refusal_delay: options.refusal_delay,
            task_duration: options.task_duration,
            log: options.log.then(WriteLog::new),
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment::new(&self.lookup)
    }

    pub(super) fn writes(&self) -> Vec<LoggedWrite> {
        self.log.as_ref().map(WriteLog::writes).unwrap_or_default()
    }

    pub(super) fn counts(&self) -> Counts {
        self.lookup.counts()
    }
}

/// Answers one request.
pub(super) async fn answer(
    extract::State(shared): extract::State<Arc<Shared>>,
    request: Request<Body>,
) -> Response<Body> {
    if !shared.delay.is_zero() {
        tokio::time::sleep(shared.delay).await;
    }
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let reply = match route(&head.method, target) {
        Err(refusal) => refusal,
        Ok(Route { place, path, format }) => {
            let reply = match place {
                Access::Login => log_in(&shared, &head, body).await,
                Access::Open | Access::Api => match caller(&shared, &head) {
                    Err(AdmissionError::Login(reason)) if place == Access::Api => refuse(&shared, &reason).await,
                    Err(AdmissionError::Unreadable(error)) => damaged(&error),
                    caller => api(&shared, &head, path, body, caller.ok()).await,
                },
            };
            match format {
                ReplyFormat::Json => reply,
                ReplyFormat::ExtJs => reply.for_extjs(),
            }
        }
    };
    reply.into_response()
}

/// Login that makes a request, and its checks.
fn caller(shared: &Shared, head: &Parts) -> Result<(Login, Checks), AdmissionError> {
    let checked = shared.logins.check(&head.method, &head.headers, &shared.state);
    let login = checked.map_err(|reason| AdmissionError::Login(reason.to_owned()))?;
    let class = shared.lookup.admit(&login, now())?;
    Ok((login, class))
}

/// Route of a request: its access, its path, and the form of its answer.
struct Route {
    place: Access,
    path: ApiPath,
    format: ReplyFormat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The login: `POST access/ticket`.
    Login,
    /// A call that needs no login.
    Open,
    /// Any other call of the API.
    Api,
}

#[derive(Clone, Copy)]
enum ReplyFormat {
    Json,
    ExtJs,
}

/// Finds the route of a request line, or the refusal of one that has none.
fn route(method: &Method, target: &str) -> Result<Route, Reply> {
    if ![Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(method) {
        return Err(Reply::empty(StatusCode::NOT_IMPLEMENTED, &format!("method '{method}' not available")));
    }
    let path = target.split('?').next().unwrap_or_default();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    if segments.next() != Some("api2") {
        let message = format!("no such file '{path}'");
        return Err(Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, &message, "\n"));
    }
    let Some(word) = segments.next() else {
        return Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, "no such uri", ""));
    };
    let format = match word {
        "json" => ReplyFormat::Json,
        "extjs" => ReplyFormat::ExtJs,
        _ => {
            let rest = segments.collect::<Vec<_>>().join("/");
            let message = format!("no formatter for uri /{rest}, {word}");
            return Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, &message, ""));
        }
    };
    let at = target.find(word).map_or(target, |at| &target[at + word.len()..]);
    let path = ApiPath::parse(at);
    let place = match (method, path.as_str()) {
        (&Method::POST, "access/ticket") => Access::Login,
        // The page before the login lists the realms.
        (&Method::GET, "access/domains" | "access/ticket") => Access::Open,
        _ => Access::Api,
    };
    Ok(Route { place, path, format })
}

async fn log_in(shared: &Shared, head: &Parts, body: Body) -> Reply {
    let values = match body::read(&head.method, &head.headers, head.uri.query(), body).await {
        Ok(parameters) => parameters.values,
        Err(refusal) => return refusal,
    };
    let (cluster_name, now) = match shared.lookup.cluster_name() {
        Ok(name) => (name, now()),
        Err(error) => return damaged(&error),
    };
    let LoginAnswer { mut answer, mut refused, user } =
        shared.logins.log_in(&values, cluster_name.as_deref(), &shared.state);
    if let Some(user) = user {
        match welcome(shared, &mut answer, &user, now) {
            Ok(()) => {}
            Err(AdmissionError::Login(_)) => (answer, refused) = (Answer::refusal(401, "authentication failure"), true),
            Err(AdmissionError::Unreadable(error)) => return damaged(&error),
        }
    }
    if refused {
        tokio::time::sleep(shared.refusal_delay).await;
    }
    Reply::new(answer.into())
}

/// Completes the answer to a correct password with what depends on the cluster: whether it still has the user, and the
/// user's privileges.
fn welcome(shared: &Shared, answer: &mut Answer, user: &str, now: i64) -> Result<(), AdmissionError> {
    let class = shared.lookup.admit(&Login { user: user.to_owned(), token: None }, now)?;
    let capabilities = shared.lookup.capabilities(user)?;
    let Some(data) = answer.body.get_mut("data").and_then(Value::as_object_mut) else { return Ok(()) };
    // Who may not audit the cluster is not told its name.
    if class == Checks::Checked && capabilities["dc"].get("Sys.Audit").is_none() {
        data.remove("clustername");
    }
    data.insert("cap".to_owned(), capabilities);
    Ok(())
}

async fn refuse(shared: &Shared, reason: &str) -> Reply {
    tokio::time::sleep(shared.refusal_delay).await;
    Reply::empty(StatusCode::UNAUTHORIZED, reason)
}

async fn api(shared: &Shared, head: &Parts, path: ApiPath, body: Body, caller: Option<(Login, Checks)>) -> Reply {
    if let Err(refusal) = catch_up(shared).await {
        return Reply::new(Answer::from(refusal).into());
    }
    if head.method != Method::GET {
        return write(shared, head, &path, body, caller.map(|(login, _)| login)).await;
    }
    if let Err(refusal) = body::read(&head.method, &head.headers, None, body).await {
        return refusal;
    }
    if path.as_str() == "access/ticket" {
        return Reply::new(Answer::ok(Value::Null).into());
    }
    // Without a login only what is open to everyone comes as far as this.
    let everyone = || (Login { user: String::new(), token: None }, Checks::All);
    let (login, class) = caller.unwrap_or_else(everyone);
    match shared.lookup.at_hand(&path, now(), &login, class) {
        Ok(Some(reply)) => return reply,
        Ok(None) => {}
        Err(error) => return damaged(&error),
    }
    let (lookup, now) = (Arc::clone(&shared.lookup), now());
    match tokio::task::spawn_blocking(move || lookup.find(&path, now, &login, class)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => damaged(&error),
        Err(_) => failed(),
    }
}

/// Does the work that Proxmox would have done by itself until now.
async fn catch_up(shared: &Shared) -> Result<(), Refusal> {
    let now = now();
    if !writes::is_due(&shared.state.view(), now) {
        return Ok(());
    }
    let state = Arc::clone(&shared.state);
    let done = tokio::task::spawn_blocking(move || writes::come_due(&state, now)).await;
    done.unwrap_or_else(|_| Err(Refusal::failed(FAILED)))
}

async fn write(shared: &Shared, head: &Parts, path: &ApiPath, body: Body, login: Option<Login>) -> Reply {
    let parameters = match body::read(&head.method, &head.headers, head.uri.query(), body).await {
        Ok(parameters) => parameters,
        Err(refusal) => return refusal,
    };
    let (Some(verb), Some(login)) = (Verb::parse(head.method.as_str()), login) else {
        return Reply::not_implemented("not available");
    };
    let request = call::Request {
        verb,
        path: ApiPath::new(path.segments()),
        parameters: parameters.values,
        uploaded: parameters.uploaded,
        login,
        now: now(),
        duration: i64::try_from(shared.task_duration.as_secs()).unwrap_or(i64::MAX),
    };
    let noted = shared.log.as_ref().map(|log| (log, log.note(&request)));
    let state = Arc::clone(&shared.state);
    match tokio::task::spawn_blocking(move || writes::perform(&state, request)).await {
        Ok(answer) => {
            if let Some((log, noted)) = noted {
                log.answered(noted, &answer, &shared.state.view());
            }
            Reply::new(answer.into())
        }
        Err(_) => failed(),
    }
}

/// The message of a request whose work panicked.
const FAILED: &str = "the twin failed";

/// Seconds since 1970.
fn now() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Reply for a recording that cannot be read: the twin's own failure, which no cluster has.
fn damaged(error: &Unreadable) -> Reply {
    Reply::new(Answer::from(Refusal::by_the_twin(error)).into())
}

fn failed() -> Reply {
    Reply::empty(StatusCode::INTERNAL_SERVER_ERROR, FAILED)
}
