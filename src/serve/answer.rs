//! Answers: a status, a small JSON object, and never a word of the request.

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::json::{Object, Value};

use super::Outcome;

/// How many seconds to wait before the same request is worth another try.
const RETRY_SECONDS: u64 = 10;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Object,
    /// The methods that are allowed instead.
    pub allow: Option<&'static str>,
    /// Plain text of this type instead of the object.
    pub text: Option<(&'static str, String)>,
}

impl Answer {
    /// An answer with this word for `status`.
    pub fn of(status: StatusCode, word: &str) -> Answer {
        Answer {
            status,
            body: Object::new().with("status", word),
            allow: None,
            text: None,
        }
    }

    /// Nothing was recorded, and why.
    pub fn refused(status: StatusCode, why: &str) -> Answer {
        let mut answer = Answer::of(status, "refused");
        answer.body.set("error", why);
        answer
    }

    /// The same with what to do about it.
    pub fn hint(mut self, hint: &str) -> Answer {
        self.body.set("hint", hint);
        self
    }

    /// Not now: nothing was recorded, or nobody knows; the same request may be sent again.
    pub fn later(why: &str) -> Answer {
        let mut answer = Answer::of(StatusCode::SERVICE_UNAVAILABLE, "retry");
        answer.body.set("error", why);
        answer
    }

    /// What became of the events of one request.
    pub fn recorded(outcomes: &[Outcome]) -> Answer {
        let mut answer = match outcomes.iter().max_by_key(|outcome| outcome.rank()) {
            None => Answer::refused(StatusCode::BAD_REQUEST, "there is no event in it"),
            Some(Outcome::Failed(_)) => Answer::later("it could not be recorded now"),
            Some(Outcome::Refused(_)) => Answer::refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the ledger's policy does not allow this event",
            ),
            Some(Outcome::Conflict(_)) => Answer::refused(
                StatusCode::CONFLICT,
                "another event stands under this source and id",
            ),
            Some(outcome @ Outcome::Spooled) => Answer::of(StatusCode::ACCEPTED, outcome.word()),
            Some(outcome @ Outcome::Recorded(_)) => Answer::of(StatusCode::CREATED, outcome.word()),
            Some(outcome @ Outcome::Duplicate(_)) => Answer::of(StatusCode::OK, outcome.word()),
        };
        if let [only] = outcomes {
            place(&mut answer.body, only);
        } else if !outcomes.is_empty() {
            let all = outcomes.iter().map(|outcome| {
                let mut object = Object::new().with("status", outcome.word());
                place(&mut object, outcome);
                Value::from(object)
            });
            answer.body.set("events", all.collect::<Vec<_>>());
        }
        answer
    }

    /// As it goes over the wire.
    pub fn response(self) -> Response<String> {
        let (kind, text) = match self.text {
            Some(text) => text,
            None => {
                let mut text = Value::from(self.body).to_canonical();
                text.push('\n');
                ("application/json", text)
            }
        };
        let mut response = Response::new(text);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            "x-content-type-options",
            HeaderValue::from_static("nosniff"),
        );
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        response
    }
}

/// Where an event stands, as far as it stands anywhere.
fn place(object: &mut Object, outcome: &Outcome) {
    let place = match outcome {
        Outcome::Recorded(place) | Outcome::Duplicate(place) | Outcome::Conflict(place) => place,
        Outcome::Spooled | Outcome::Refused(_) | Outcome::Failed(_) => return,
    };
    if let Ok(number) = i64::try_from(place.number) {
        object.set("number", number);
    }
    let digest = format!("sha256:{}", crate::merkle::hex(&place.digest));
    object.set("digest", digest);
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    fn text(outcomes: &[Outcome]) -> String {
        let response = Answer::recorded(outcomes).response();
        format!("{} {}", response.status().as_u16(), response.body().trim())
    }

    #[test]
    fn the_worst_of_a_request_is_its_status() {
        let recorded = Outcome::Recorded(Place {
            number: 7,
            digest: [0xab; 32],
        });
        let hex = "ab".repeat(32);
        assert_eq!(
            text(std::slice::from_ref(&recorded)),
            format!(r#"201 {{"digest":"sha256:{hex}","number":7,"status":"recorded"}}"#)
        );
        let several = [
            recorded,
            Outcome::Spooled,
            Outcome::Refused("<script>".into()),
        ];
        assert_eq!(
            text(&several),
            format!(
                "422 {{\"error\":\"the ledger's policy does not allow this event\",\"events\":[{{\"digest\":\"sha256:{hex}\",\"number\":7,\"status\":\"recorded\"}},{{\"status\":\"spooled\"}},{{\"status\":\"refused\"}}],\"status\":\"refused\"}}"
            )
        );
        let with = |outcome: Outcome| Answer::recorded(&[Outcome::Spooled, outcome]).status;
        assert_eq!(with(Outcome::Failed(String::new())).as_u16(), 503);
        assert_eq!(with(Outcome::Spooled).as_u16(), 202);
        assert_eq!(Answer::recorded(&[]).status.as_u16(), 400);
    }
}
