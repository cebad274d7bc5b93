//! Deliveries that may be believed, and each way in which one may not.

mod standard;

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
        (
            Scheme::Bearer,
            "Authorization",
            "bearer It's a Secret to Everybody",
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
