//! Deliveries that may be believed, and each way in which one may not.

use super::*;

const SECRET: &[u8] = b"It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
/// GitHub's own test vector.
const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn secret(scheme: Scheme, text: &[u8]) -> Secret {
    Secret::new(scheme, text).expect("a secret")
}

/// What becomes of a body with these headers.
fn judged(scheme: Scheme, headers: &[(&str, &str)], body: &[u8]) -> Result<Checked, Refusal> {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()));
    let secrets = [
        secret(scheme, b"another secret, long enough"),
        secret(scheme, SECRET),
    ];
    check(scheme, &headers.collect(), body, &secrets, 1_000)
}

#[test]
fn a_body_under_a_right_signature() {
    let second = Checked {
        secret: 1,
        id: None,
        sent: None,
    };
    let prefixed = format!("sha256={HEX}");
    let upper = HEX.to_uppercase();
    let cases = [
        (Scheme::GithubHmac, "X-Hub-Signature-256", prefixed.as_str()),
        (Scheme::GithubHmac, "x-hub-signature-256", prefixed.as_str()),
        (Scheme::GiteaHmac, "X-Gitea-Signature", HEX),
        (Scheme::GiteaHmac, "X-Gitea-Signature", upper.as_str()),
        (Scheme::ForgejoHmac, "X-Forgejo-Signature", HEX),
        (
            Scheme::GitlabToken,
            "X-Gitlab-Token",
            "It's a Secret to Everybody",
        ),
    ];
    for (scheme, name, value) in cases {
        let checked = judged(scheme, &[(name, value)], BODY);
        assert_eq!(checked, Ok(second.clone()), "{name}: {value}");
    }
}

#[test]
fn each_way_to_be_wrong_is_told_apart() {
    let header = "X-Hub-Signature-256";
    let prefixed = format!("sha256={HEX}");
    let malformed = |why| Err(Refusal::Malformed { header, why });
    let github = |headers: &[(&str, &str)]| judged(Scheme::GithubHmac, headers, BODY);
    assert_eq!(github(&[]), Err(Refusal::Missing(header)));
    let sha1 = [(
        "X-Hub-Signature",
        "sha1=0000000000000000000000000000000000000000",
    )];
    assert_eq!(github(&sha1), Err(Refusal::Missing(header)));
    let twice = [
        (header, prefixed.as_str()),
        ("x-hub-signature-256", prefixed.as_str()),
    ];
    assert_eq!(github(&twice), Err(Refusal::Repeated(header)));
    let unprefixed = malformed("it does not begin with sha256=");
    for value in [HEX, "", "SHA256=", "sha1=", &format!(" sha256={HEX}")] {
        assert_eq!(github(&[(header, value)]), unprefixed, "{value}");
    }
    let short = malformed("it is not 64 hex digits");
    for value in [
        "sha256=".to_owned(),
        format!("{prefixed} "),
        format!("{prefixed}\n"),
        format!("{prefixed},{prefixed}"),
        format!("sha256={}", HEX.replace('7', "g")),
        format!("sha256={}", HEX.replacen('7', "+", 1)),
        format!("sha256={}", &HEX[..62]),
    ] {
        assert_eq!(github(&[(header, &value)]), short, "{value}");
    }
    let long = "f".repeat(5000);
    assert_eq!(
        github(&[(header, &long)]),
        malformed("it is longer than 4096 bytes")
    );
    let wrong = prefixed.replace("e17", "e18");
    assert_eq!(github(&[(header, &wrong)]), Err(Refusal::Wrong(header)));
    let right = [(header, prefixed.as_str())];
    for body in [&b"Hello, World"[..], b"Hello, World!\n", b""] {
        let judged = judged(Scheme::GithubHmac, &right, body);
        assert_eq!(judged, Err(Refusal::Wrong(header)));
    }
    for token in [
        "",
        "It's a Secret to Everybody ",
        "It's a secret to Everybody",
    ] {
        let judged = judged(Scheme::GitlabToken, &[("X-Gitlab-Token", token)], BODY);
        assert_eq!(judged, Err(Refusal::Wrong("X-Gitlab-Token")), "{token}");
    }
    let none = check(Scheme::GithubHmac, &Headers::default(), BODY, &[], 0);
    assert_eq!(none, Err(Refusal::NoSecret));
}

/// The example of the Standard Webhooks specification.
mod standard {
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
}

#[test]
fn the_most_particular_header_names_the_scheme() {
    let of = |names: &[&str]| Scheme::of(&names.iter().map(|name| (*name, &b""[..])).collect());
    assert_eq!(of(&["content-type"]), None);
    assert_eq!(of(&["x-hub-signature-256"]), Some(Scheme::GithubHmac));
    let gitea = [
        "x-hub-signature-256",
        "x-gitea-signature",
        "x-gogs-signature",
    ];
    assert_eq!(of(&gitea), Some(Scheme::GiteaHmac));
    let forgejo = [
        "x-hub-signature-256",
        "x-gitea-signature",
        "x-forgejo-signature",
    ];
    assert_eq!(of(&forgejo), Some(Scheme::ForgejoHmac));
    assert_eq!(of(&["X-Gitlab-Token"]), Some(Scheme::GitlabToken));
    let both = ["X-Gitlab-Token", "webhook-signature"];
    assert_eq!(of(&both), Some(Scheme::StandardWebhooks));
}

#[test]
fn a_secret_is_long_enough_and_never_shown() {
    let new = |scheme, text: &[u8]| Secret::new(scheme, text);
    assert_eq!(new(Scheme::GithubHmac, b""), Err(SecretFault::Short));
    assert_eq!(
        new(Scheme::GithubHmac, &[b'x'; 15]),
        Err(SecretFault::Short)
    );
    assert_eq!(
        new(Scheme::GithubHmac, &[b'x'; 1025]),
        Err(SecretFault::Long)
    );
    let line = b"a secret with a line feed\n";
    assert_eq!(new(Scheme::GithubHmac, line), Err(SecretFault::Control));
    let scheme = Scheme::StandardWebhooks;
    assert_eq!(new(scheme, SECRET), Err(SecretFault::NotWhsec));
    assert_eq!(new(scheme, b"whsec_!"), Err(SecretFault::NotWhsec));
    assert_eq!(new(scheme, b"whsec_AAAA"), Err(SecretFault::Short));
    let shown = format!("{:?}", secret(Scheme::GithubHmac, SECRET));
    assert_eq!(shown, "Secret");
    let headers: Headers<'_> = [("X-Gitlab-Token", SECRET)].into_iter().collect();
    assert_eq!(format!("{headers:?}"), r#"["X-Gitlab-Token"]"#);
}
