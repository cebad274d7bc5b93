//! The example of the Standard Webhooks specification, and what is near it.

use super::*;

const WHSEC: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: &str = "1614265330";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const PAYLOAD: &[u8] = br#"{"test": 2432232314}"#;

fn judged(id: &str, sent: &str, signature: &str, now: u64) -> Result<Checked, Refusal> {
    let headers: Headers<'_> = [
        ("webhook-id", id.as_bytes()),
        ("webhook-timestamp", sent.as_bytes()),
        ("webhook-signature", signature.as_bytes()),
    ]
    .into_iter()
    .collect();
    let secrets = [secret(Scheme::StandardWebhooks, WHSEC)];
    check(Scheme::StandardWebhooks, &headers, PAYLOAD, &secrets, now)
}

#[test]
fn the_example_holds_for_five_minutes() {
    let checked = Checked {
        secret: 0,
        id: Some(ID.to_owned()),
        sent: Some(1_614_265_330),
    };
    for now in [1_614_265_030, 1_614_265_330, 1_614_265_630] {
        assert_eq!(judged(ID, SENT, SIGNATURE, now), Ok(checked.clone()));
    }
    let among = format!("v1a,AAAA v1,{} {SIGNATURE}", BASE64.encode([0; 32]));
    assert_eq!(judged(ID, SENT, &among, 1_614_265_330), Ok(checked));
    let judged = |now| judged(ID, SENT, SIGNATURE, now);
    assert_eq!(judged(1_614_265_631), Err(Refusal::Old(301)));
    assert_eq!(judged(1_614_265_029), Err(Refusal::Early(301)));
    assert_eq!(judged(0), Err(Refusal::Early(1_614_265_330)));
}

#[test]
fn what_is_signed_is_not_moved() {
    let now = 1_614_265_330;
    let wrong = Err(Refusal::Wrong("webhook-signature"));
    assert_eq!(judged("msg_other", SENT, SIGNATURE, now), wrong);
    assert_eq!(judged(ID, "1614265331", SIGNATURE, now), wrong);
    for id in ["", "a.b", "a b", "\u{e9}", &"x".repeat(257)] {
        let judged = judged(id, SENT, SIGNATURE, now);
        assert!(
            matches!(
                judged,
                Err(Refusal::Malformed {
                    header: "webhook-id",
                    ..
                })
            ),
            "{id}"
        );
    }
    for sent in [
        "",
        "01614265330",
        "+1614265330",
        "1614265330.0",
        "-1",
        "99999999999999",
    ] {
        let judged = judged(ID, sent, SIGNATURE, now);
        let header = "webhook-timestamp";
        assert!(
            matches!(judged, Err(Refusal::Malformed { header: h, .. }) if h == header),
            "{sent}"
        );
    }
    let many = vec![SIGNATURE; 17].join(" ");
    for signature in [
        "",
        "v1",
        "v1,",
        "v1,!",
        "v2,AAAA",
        "v1,AAAA",
        &format!("{SIGNATURE} "),
        &format!(" {SIGNATURE}"),
        &SIGNATURE.replace('=', ""),
        &many,
    ] {
        let judged = judged(ID, SENT, signature, now);
        let header = "webhook-signature";
        assert!(
            matches!(judged, Err(Refusal::Malformed { header: h, .. }) if h == header),
            "{signature}"
        );
    }
}
