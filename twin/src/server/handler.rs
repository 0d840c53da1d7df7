//! One request: who asks, for what, and what is sent back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract;
use axum::http::{Method, Request, Response, StatusCode};
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};

use super::Options;
use super::login::Login;
use super::lookup::{Counts, Lookup};
use super::reply::Reply;

/// The largest body that `pveproxy` takes, in bytes (docs/proxmox.md, "Transport").
const BODY_LIMIT: usize = 512 << 10;

/// What all requests share.
#[derive(Debug)]
pub(super) struct State {
    login: Login,
    lookup: Arc<Lookup>,
    delay: Duration,
    refusal_delay: Duration,
}

impl State {
    pub(super) fn new(answers: Arc<dyn Answers + Send + Sync>, options: Options) -> Self {
        Self {
            login: Login::new(options.credentials, options.ticket_lifetime),
            lookup: Arc::new(Lookup::new(answers, options.agent)),
            delay: options.delay,
            refusal_delay: options.refusal_delay,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.lookup.counts()
    }
}

/// Answers one request.
pub(super) async fn answer(
    extract::State(state): extract::State<Arc<State>>,
    request: Request<Body>,
) -> Response<Body> {
    if !state.delay.is_zero() {
        tokio::time::sleep(state.delay).await;
    }
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let reply = match route(&head.method, target) {
        Err(refusal) => refusal,
        Ok(Route::Login) => log_in(&state, body).await,
        Ok(Route::Api { path, open }) => match state.login.check(&head.method, &head.headers) {
            Err(reason) if !open => refuse(&state, reason).await,
            _ => api(&state, &head.method, path).await,
        },
    };
    reply.into_response()
}

/// Where a request goes.
enum Route {
    /// `POST access/ticket`.
    Login,
    /// A call of the API; `open` ones need no login.
    Api { path: ApiPath, open: bool },
}

/// Finds the place that the request line names, or the refusal of one that names none.
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
    let Some(format) = segments.next() else {
        return Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, "no such uri", ""));
    };
    if format != "json" {
        let rest = segments.collect::<Vec<_>>().join("/");
        let message = format!("no formatter for uri /{rest}, {format}");
        return Err(Reply::plain(StatusCode::NOT_IMPLEMENTED, &message, ""));
    }
    let at = target.find("json").map_or(target, |at| &target[at + "json".len()..]);
    let path = ApiPath::parse(at);
    Ok(match (method, path.as_str()) {
        (&Method::POST, "access/ticket") => Route::Login,
        // The page before the login lists the realms.
        (&Method::GET, "access/domains" | "access/ticket") => Route::Api { path, open: true },
        _ => Route::Api { path, open: false },
    })
}

async fn log_in(state: &State, body: Body) -> Reply {
    let Ok(form) = to_bytes(body, BODY_LIMIT).await else {
        return Reply::not_implemented("for data too large");
    };
    let cluster_name = match state.lookup.cluster_name() {
        Ok(name) => name,
        Err(error) => return damaged(&error),
    };
    let (answer, refused) = state.login.log_in(&String::from_utf8_lossy(&form), cluster_name.as_deref());
    if refused {
        tokio::time::sleep(state.refusal_delay).await;
    }
    Reply::new(answer.into())
}

async fn refuse(state: &State, reason: &str) -> Reply {
    tokio::time::sleep(state.refusal_delay).await;
    Reply::empty(StatusCode::UNAUTHORIZED, reason)
}

async fn api(state: &State, method: &Method, path: ApiPath) -> Reply {
    if *method != Method::GET {
        let message = format!("the twin is read-only: it does not take '{method} /{}'", path.segments().join("/"));
        return Reply::not_implemented(&message);
    }
    if path.as_str() == "access/ticket" {
        return Reply::new(Answer::ok(serde_json::Value::Null).into());
    }
    match state.lookup.at_hand(&path) {
        Ok(Some(reply)) => return reply,
        Ok(None) => {}
        Err(error) => return damaged(&error),
    }
    let lookup = Arc::clone(&state.lookup);
    match tokio::task::spawn_blocking(move || lookup.find(&path)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => damaged(&error),
        Err(_) => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR, "the twin failed"),
    }
}

/// A recording that cannot be read is not a cluster's answer, and says so.
fn damaged(error: &Unreadable) -> Reply {
    Reply::new(Answer::refusal(500, &format!("the twin: {error}")).into())
}
