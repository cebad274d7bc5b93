//! An alert as a POST: a CloudEvent in JSON, signed as Standard Webhooks has it where there is a
//! secret. `git ledger serve` of another machine takes it at /events.
//!
//! Source: CloudEvents 1.0.2, HTTP protocol binding, structured mode; Standard Webhooks 1.0.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::http::{BadUrl, Client, Url};
use crate::json::Value;
use crate::webhook::Secret;

use super::Alert;

/// An address, and the secret that is shared with it.
#[derive(Clone)]
pub struct Webhook {
    url: Url,
    secret: Option<Secret>,
    certificates: Option<PathBuf>,
}

/// Without the address: its path may be a secret.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({})", self.url.host())
    }
}

impl Webhook {
    /// A receiver; `certificates`: a PEM file to trust in place of the system's.
    ///
    /// # Errors
    /// When it is no address of HTTPS, or HTTP on this machine.
    pub fn new(
        url: &str,
        secret: Option<Secret>,
        certificates: Option<PathBuf>,
    ) -> Result<Webhook, BadUrl> {
        Ok(Webhook {
            url: Url::parse(url)?,
            secret,
            certificates,
        })
    }

    /// Where it goes; perhaps a secret.
    pub(super) fn url(&self) -> String {
        self.url.to_string()
    }

    /// Where it goes, as it may be shown.
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// Sends it once.
    ///
    /// # Errors
    /// Why it was not taken, without the address.
    pub fn deliver(&self, alert: &Alert, now: u64, patience: Duration) -> Result<(), String> {
        let body = Value::from(alert.event()).to_canonical();
        let time = now.to_string();
        let mut headers = vec![
            (
                "Content-Type",
                "application/cloudevents+json; charset=UTF-8",
            ),
            ("webhook-id", alert.id.as_str()),
            ("webhook-timestamp", time.as_str()),
        ];
        let signature = self
            .secret
            .as_ref()
            .map(|secret| secret.sign(&alert.id, &time, body.as_bytes()));
        if let Some(signature) = &signature {
            headers.push(("webhook-signature", signature.as_str()));
        }
        let certificates = self.certificates.as_deref();
        let told = |why: crate::http::NoAnswer| why.to_string();
        let client =
            Client::new(&self.url, certificates, Instant::now() + patience).map_err(told)?;
        let answer = client
            .post(&self.url.to_string(), &headers, body.as_bytes())
            .map_err(told)?;
        match answer.status {
            200..=299 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    }
}
