//! Probe: one request without a login, which shows whether a node of Proxmox answers and whether its certificate is trusted.

use proxmox_mpc_model::ApiPath;
use reqwest::header::HeaderMap;

use super::error::ClientError;
use super::transport::{OutgoingRequest, Transport};
use super::{Limits, body};
use crate::settings::{Endpoint, MinimumTls, Trust};

/// Sends a GET request for the version without a login. Proxmox refuses it with 401, which is the expected answer: no
/// credentials are sent to a server before its certificate is trusted.
pub async fn probe(endpoint: Endpoint, trust: &Trust, minimum: MinimumTls, limits: Limits) -> Result<(), ClientError> {
    let path = ApiPath::parse("version");
    let transport = Transport::new(vec![endpoint], trust, minimum, limits)?;
    let response = transport.exchange(&OutgoingRequest::get(&path, HeaderMap::new())).await?;
    match response.status {
        401 => Ok(()),
        status => match body::answer(response, &path) {
            // Another web server refuses an unknown path; Proxmox has this one for everybody who is logged in.
            Ok(_) if !(200..300).contains(&status) => Err(ClientError::NoData { path }),
            answer => answer.map(drop),
        },
    }
}
