//! Tokens of CI systems, from an issuer on this machine: what they must be, and that they are
//! never recorded.

mod issuer;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use git_ledger::json::{Object, Value};
use insta::assert_snapshot;

use crate::world::{Said, World, run};
use issuer::{Issuer, Kind, json, now};

const SHA: &str = "8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f";
/// What the runner puts beside the address, for that address alone.
const BEARER: &str = "planted-request-token";

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_ACTOR", "ann"),
    ("GITHUB_REPOSITORY", "acme/payments"),
    ("GITHUB_SHA", SHA),
    ("GITHUB_REF", "refs/heads/main"),
    ("GITHUB_RUN_ID", "123"),
    ("GITHUB_RUN_ATTEMPT", "1"),
];

fn world() -> World {
    let world = World::new();
    world
        .git("", &["config", "--global", "--unset", "ledger.context"])
        .ok();
    world.repository("r");
    world
}

/// The claims of GitHub for the run of [`GITHUB`].
fn claims() -> Object {
    Object::new()
        .with("repository", "acme/payments")
        .with("repository_id", "42")
        .with("sha", SHA)
        .with("run_id", "123")
        .with("run_attempt", "1")
        .with("actor", "ann")
        .with("environment", "production")
        .with(
            "job_workflow_ref",
            "acme/ci/.github/workflows/deploy.yml@refs/tags/v1",
        )
        .with("user_email", "planted@example.org")
        .with("jti", "planted-jti")
}

fn append(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = world.command("r", "git");
    command.args(["ledger", "append", "a.b"]).args(arguments);
    command
        .envs(variables.iter().copied())
        // nothing that concerns this machine goes by another
        .env("http_proxy", "http://127.0.0.1:9");
    run(command, b"")
}

fn with_token(world: &World, variables: &[(&str, &str)], token: &str) -> Said {
    let variables = [variables, &[("ID_TOKEN", token)]].concat();
    let said = append(
        world,
        &variables,
        &["--oidc", "--oidc-token-env", "ID_TOKEN"],
    );
    // not a part of it either
    for part in token.split('.').filter(|part| part.len() > 20) {
        assert!(!said.to_string().contains(part), "{said}");
    }
    said
}

/// What was recorded of the token, with what differs from run to run taken out.
fn recorded(world: &World, issuer: &Issuer, token: &str) -> String {
    let message = world.git("r", &["log", "-1", "--format=%B", "ledger"]).ok();
    assert!(!message.contains("planted"), "{message}");
    for part in token.split('.') {
        assert!(!message.contains(part), "{message}");
    }
    let event = super::newest(world, "r");
    let data = event.get("data").and_then(Value::as_object).cloned();
    let ci = data.and_then(|data| data.get("ci").and_then(Value::as_object).cloned());
    let ci = ci.expect("a context");
    let mut oidc = ci
        .get("oidc")
        .and_then(Value::as_object)
        .cloned()
        .expect("claims");
    let digest = git_ledger::merkle::sha256(token.as_bytes());
    let digest = format!("sha256:{}", git_ledger::merkle::hex(&digest));
    assert_eq!(oidc.get("digest"), Some(&digest.into()));
    for name in ["digest", "issued", "expires"] {
        oidc.set(name, "…");
    }
    let mut key = oidc
        .get("key")
        .and_then(Value::as_object)
        .cloned()
        .expect("a key");
    let thumbprint = key.get("thumbprint").and_then(Value::as_str);
    assert_eq!(thumbprint.map(str::len), Some(43));
    key.set("thumbprint", "…");
    oidc.set("key", key);
    Value::from(oidc)
        .to_canonical()
        .replace(&issuer.url, "ISSUER")
}

#[test]
fn a_token_is_asked_for_as_github_has_it() {
    let world = world();
    let issuer = Issuer::start(&world);
    issuer.believe();
    let token = issuer.token(Kind::Rsa, &claims().with("aud", "my ledger"));
    let answer = Object::new().with("count", 7).with("value", token.as_str());
    issuer.answer("/token", json(&Value::from(answer).to_canonical()));
    let url = format!("{}/token?api-version=2.0", issuer.url);
    let variables = [
        GITHUB,
        &[
            ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
        ],
    ]
    .concat();
    let said = append(&world, &variables, &["--oidc=my ledger"]);
    assert!(!said.to_string().contains(BEARER), "{said}");
    said.ok();
    assert_snapshot!(recorded(&world, &issuer, &token), @r#"{"audience":"my ledger","claims":{"actor":"ann","environment":"production","job_workflow_ref":"acme/ci/.github/workflows/deploy.yml@refs/tags/v1","repository":"acme/payments","repository_id":"42","run_attempt":"1","run_id":"123","sha":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f"},"digest":"…","expires":"…","issued":"…","issuer":"ISSUER","key":{"algorithm":"RS256","kid":"rsa","thumbprint":"…"},"subject":"repo:acme/payments:ref:refs/heads/main"}"#);
    let heard = issuer.heard();
    let asked: Vec<&str> = heard
        .iter()
        .filter_map(|head| head.lines().next())
        .collect();
    assert_snapshot!(asked.join("\n"), @r"
    GET /token?api-version=2.0&audience=my%20ledger HTTP/1.1
    GET /.well-known/openid-configuration HTTP/1.1
    GET /keys HTTP/1.1
    ");
    // the request token goes to the one address, and to nobody else
    let with = |head: &&String| head.contains(BEARER);
    assert_eq!(heard.iter().filter(with).count(), 1);
    assert!(
        heard[0]
            .to_lowercase()
            .contains(&format!("authorization: bearer {BEARER}"))
    );
    world.ledger("r", &["verify"]).ok();
}

#[test]
fn a_token_of_a_variable_as_gitlab_has_it() {
    let world = world();
    let issuer = Issuer::start(&world);
    issuer.believe();
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_PATH", "acme/payments"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_PIPELINE_ID", "1000"),
        ("CI_JOB_ID", "9"),
    ];
    let claims = Object::new()
        .with("aud", vec!["other".into(), "git-ledger".into()])
        .with("project_path", "acme/payments")
        .with("pipeline_id", "1000")
        .with("job_id", "9")
        .with("ref", "main")
        .with("ref_type", "branch")
        .with("sha", SHA)
        .with("user_login", "ann");
    let token = issuer.token(Kind::Curve, &claims);
    with_token(&world, &gitlab, &token).ok();
    assert_snapshot!(recorded(&world, &issuer, &token), @r#"{"audience":"git-ledger","claims":{"job_id":"9","pipeline_id":"1000","project_path":"acme/payments","ref":"main","ref_type":"branch","sha":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","user_login":"ann"},"digest":"…","expires":"…","issued":"…","issuer":"ISSUER","key":{"algorithm":"ES256","kid":"curve","thumbprint":"…"},"subject":"repo:acme/payments:ref:refs/heads/main"}"#);
    // of a change from a fork the token names the fork
    let fork = claims.clone().with("project_path", "eve/payments");
    let token = issuer.token(Kind::Curve, &fork);
    with_token(&world, &gitlab, &token).code(1);
    let change = [
        &gitlab[..],
        &[("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "eve/payments")],
    ]
    .concat();
    with_token(&world, &change, &token).ok();
}

#[test]
fn tokens_that_do_not_hold() {
    let world = world();
    let issuer = Issuer::start(&world);
    issuer.believe();
    let good = issuer.token(Kind::Rsa, &claims());
    with_token(&world, GITHUB, &good).ok();
    // an event without room for it is not recorded without it
    let variables = [GITHUB, &[("ID_TOKEN", good.as_str())]].concat();
    let arguments = ["--oidc", "--oidc-token-env", "ID_TOKEN", "--data", "ci=x"];
    let said = append(&world, &variables, &arguments).code(129);
    assert!(said.err.contains("no room"), "{said}");
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let with = |name: &str, value: Value| issuer.token(Kind::Rsa, &claims().with(name, value));
    let header = |text: &str| {
        let claims = Value::from(issuer.claims(&claims())).to_canonical();
        issuer.sign(text, &claims, Kind::Rsa, "rsa")
    };
    let plain = Value::from(issuer.claims(&claims())).to_canonical();
    let none = |algorithm: &str| {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"rsa"}}"#);
        format!("{}.{}.", BASE64URL.encode(header), BASE64URL.encode(&plain))
    };
    let hmac = r#"{"alg":"HS256","kid":"rsa"}"#;
    let (message, signature) = good.rsplit_once('.').expect("parts");
    let mut flipped = BASE64URL.decode(signature).expect("a signature");
    flipped[100] ^= 1;
    let other = issuer.claims(&claims().with("environment", "test"));
    let swapped = {
        let (head, _) = message.split_once('.').expect("parts");
        let other = Value::from(other).to_canonical();
        format!("{head}.{}.{signature}", BASE64URL.encode(other))
    };
    let twice = plain.replacen('{', r#"{"run_id":"123","#, 1);
    let hour = 3600;
    let cases: Vec<(&str, String)> = vec![
        ("expired", with("exp", (now() - 100).into())),
        ("expired an hour ago", with("exp", (now() - hour).into())),
        ("issued later", with("iat", (now() + hour).into())),
        ("valid later", with("nbf", (now() + hour).into())),
        ("no end", with("exp", Value::Null)),
        ("an end that is text", with("exp", "tomorrow".into())),
        ("another audience", with("aud", "sts.amazonaws.com".into())),
        ("no audience", with("aud", Value::Null)),
        (
            "other audiences",
            with("aud", vec!["a".into(), "b".into()].into()),
        ),
        ("another issuer", with("iss", "https://evil.example".into())),
        (
            "an issuer that begins like it",
            with("iss", format!("{}.evil.example", issuer.url).into()),
        ),
        (
            "an issuer everybody knows",
            with("iss", "https://gitlab.com".into()),
        ),
        ("no issuer", with("iss", 7.into())),
        ("no subject", with("sub", "".into())),
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("no alg", none("")),
        (
            "HS256 with the public key",
            issuer.confused(hmac, &plain, "rsa"),
        ),
        (
            "RS256 said, HMAC done",
            issuer.confused(r#"{"alg":"RS256","kid":"rsa"}"#, &plain, "rsa"),
        ),
        ("unknown kid", header(r#"{"alg":"RS256","kid":"other"}"#)),
        ("no kid", header(r#"{"alg":"RS256"}"#)),
        (
            "the key of another kind",
            header(r#"{"alg":"RS256","kid":"curve"}"#),
        ),
        (
            "another method than the key's",
            header(r#"{"alg":"RS512","kid":"rsa"}"#),
        ),
        (
            "a key of its own",
            header(r#"{"alg":"RS256","kid":"x","jwk":{"kty":"RSA"}}"#),
        ),
        (
            "extensions",
            header(r#"{"alg":"RS256","kid":"rsa","crit":["b64"],"b64":false}"#),
        ),
        (
            "one bit of the signature",
            format!("{message}.{}", BASE64URL.encode(flipped)),
        ),
        ("no signature", format!("{message}.")),
        ("other claims, old signature", swapped),
        (
            "a claim twice",
            issuer.sign(r#"{"alg":"RS256","kid":"rsa"}"#, &twice, Kind::Rsa, "rsa"),
        ),
        ("another run", with("run_id", "124".into())),
        ("another attempt", with("run_attempt", "2".into())),
        (
            "another repository",
            with("repository", "eve/payments".into()),
        ),
        ("another commit", with("sha", "77ab".into())),
        ("too long", format!("{}{good}", "x".repeat(20_000))),
        ("two parts", "a.b".into()),
        ("no token", "hello".into()),
        ("no base64", "%.%.%".into()),
    ];
    let mut told = String::new();
    for (what, token) in cases {
        let said = with_token(&world, GITHUB, &token).code(1);
        let line = said.err.lines().next().unwrap_or_default().to_owned();
        let line = line.replace(&issuer.url, "ISSUER");
        // dates are those of today
        let dated = ["expired at", "valid before"];
        let dated = dated
            .iter()
            .find_map(|words| Some(line.find(words)? + words.len()));
        let line = dated.map_or(line.as_str(), |end| &line[..end]);
        told += &format!("{what}: {line}\n");
        assert!(said.err.contains("nothing was recorded"), "{said}");
    }
    assert_snapshot!(told, @r"
    expired: error: the token is not taken: it expired at
    expired an hour ago: error: the token is not taken: it expired at
    issued later: error: the token is not taken: it is not valid before
    valid later: error: the token is not taken: it is not valid before
    no end: error: the token is not taken: its claim 'exp' is missing or malformed
    an end that is text: error: the token is not taken: its claim 'exp' is missing or malformed
    another audience: error: the token is not taken: it is not meant for the audience 'git-ledger'
    no audience: error: the token is not taken: its claim 'aud' is missing or malformed
    other audiences: error: the token is not taken: it is not meant for the audience 'git-ledger'
    another issuer: error: the token is not taken: its issuer 'https://evil.example' is not one that is believed here
    an issuer that begins like it: error: the token is not taken: its issuer 'ISSUER.evil.example' is not one that is believed here
    an issuer everybody knows: error: the token is not taken: its issuer 'https://gitlab.com' is not one that is believed here
    no issuer: error: the token is not taken: its claim 'iss' is missing or malformed
    no subject: error: the token is not taken: its claim 'sub' is missing or malformed
    alg none: error: the token is not taken: it is signed with 'none', which is not taken; only public-key signatures are
    alg None: error: the token is not taken: it is signed with 'None', which is not taken; only public-key signatures are
    no alg: error: the token is not taken: it is signed with '', which is not taken; only public-key signatures are
    HS256 with the public key: error: the token is not taken: it is signed with 'HS256', which is not taken; only public-key signatures are
    RS256 said, HMAC done: error: the token is not taken: its signature is wrong
    unknown kid: error: the token is not taken: the issuer has 0 keys by the name in it, not one
    no kid: error: the token is not taken: its claim 'kid' is missing or malformed
    the key of another kind: error: the token is not taken: the issuer's key cannot have signed it: it is for another method
    another method than the key's: error: the token is not taken: the issuer's key cannot have signed it: it is for another method
    a key of its own: error: the token is not taken: the issuer has 0 keys by the name in it, not one
    extensions: error: the token is not taken: it is no token: it demands extensions
    one bit of the signature: error: the token is not taken: its signature is wrong
    no signature: error: the token is not taken: its signature is wrong
    other claims, old signature: error: the token is not taken: its signature is wrong
    a claim twice: error: the token is not taken: it is no token: a part is no JSON object
    another run: error: the token is not taken: its claim 'run_id' is '124', but here it is '123'
    another attempt: error: the token is not taken: its claim 'run_attempt' is '2', but here it is '1'
    another repository: error: the token is not taken: its claim 'repository' is 'eve/payments', but here it is 'acme/payments'
    another commit: error: the token is not taken: its claim 'sha' is '77ab', but here it is '8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f'
    too long: error: the token is not taken: it is no token: it is too long
    two parts: error: the token is not taken: it is no token: it has not three parts
    no token: error: the token is not taken: it is no token: it has not three parts
    no base64: error: the token is not taken: it is no token: a part is not base64url
    ");
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
}

#[test]
fn issuers_that_answer_badly() {
    let world = world();
    let issuer = Issuer::start(&world);
    issuer.believe();
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let token = issuer.token(Kind::Rsa, &claims());
    let other = World::new();
    let elsewhere = Issuer::start(&other);
    let discovery = "/.well-known/openid-configuration";
    let at = format!("{}/keys", issuer.url);
    let mut told = String::new();
    let mut tell = |what: &str| {
        let said = with_token(&world, GITHUB, &token);
        let line = said.err.lines().next().unwrap_or_default().to_owned();
        told += &format!("{what} [{}]: {line}\n", said.code);
        assert!(said.err.contains("nothing was recorded"), "{said}");
        issuer.describe(&issuer.url, &at);
        issuer.publish(&[issuer.jwk(Kind::Rsa, "rsa")]);
    };
    issuer.publish(&[]);
    tell("no key");
    let key = issuer.jwk(Kind::Rsa, "rsa");
    issuer.publish(&[key.clone(), key.clone()]);
    tell("one name, two keys");
    issuer.publish(&[elsewhere.jwk(Kind::Rsa, "rsa")]);
    tell("another's key by the name");
    issuer.publish(&[key.clone().with("use", "enc")]);
    tell("a key for encryption");
    issuer.publish(&[key.clone().with("alg", "PS256")]);
    tell("a key for another method");
    issuer.publish(&[Object::new()
        .with("kid", "rsa")
        .with("kty", "oct")
        .with("k", "AAAA")]);
    tell("a secret as a key");
    issuer.publish(&[key.clone().with("x", "x".repeat(300_000))]);
    tell("large keys");
    issuer.answer("/keys", json(&"[".repeat(6 << 20)));
    tell("huge keys");
    issuer.answer("/keys", json("<html>"));
    tell("no keys");
    issuer.answer("/keys", "500 Oh\r\n\r\n".into());
    tell("an error");
    let redirect = format!("302 Found\r\nLocation: {}/keys\r\n\r\n", elsewhere.url);
    issuer.answer("/keys", redirect.clone());
    tell("keys elsewhere, by a redirect");
    issuer.answer(discovery, redirect);
    tell("everything elsewhere, by a redirect");
    issuer.describe(&issuer.url, &format!("{}/keys", elsewhere.url));
    tell("keys elsewhere, by name");
    issuer.describe("https://gitlab.com", &at);
    tell("another issuer");
    issuer.describe(&issuer.url, "file:///etc/passwd");
    tell("keys in a file");
    issuer.answer(discovery, json("[]"));
    tell("a description that is none");
    let told = told.replace(&issuer.url, "ISSUER");
    assert_snapshot!(told, @r"
    no key [1]: error: the token is not taken: the issuer has 0 keys by the name in it, not one
    one name, two keys [1]: error: the token is not taken: the issuer has 2 keys by the name in it, not one
    another's key by the name [1]: error: the token is not taken: its signature is wrong
    a key for encryption [1]: error: the token is not taken: the issuer's key cannot have signed it: it is not for signatures
    a key for another method [1]: error: the token is not taken: the issuer's key cannot have signed it: it is for another method
    a secret as a key [1]: error: the token is not taken: the issuer's key cannot have signed it: it is of a kind that is not known
    large keys [128]: error: the token is not taken: its issuer cannot be asked for its keys: its set of keys is too large
    huge keys [128]: error: the token is not taken: its issuer cannot be asked for its keys: its answer is too large to be read
    no keys [128]: error: the token is not taken: its issuer cannot be asked for its keys: expected value at line 1 column 1
    an error [128]: error: the token is not taken: its issuer cannot be asked for its keys: it answers with the status 500
    keys elsewhere, by a redirect [128]: error: the token is not taken: its issuer cannot be asked for its keys: it answers with a redirect, which is not followed
    everything elsewhere, by a redirect [128]: error: the token is not taken: its issuer cannot be asked for its keys: it answers with a redirect, which is not followed
    keys elsewhere, by name [128]: error: the token is not taken: its issuer cannot be asked for its keys: its keys are on another host than itself
    another issuer [128]: error: the token is not taken: its issuer cannot be asked for its keys: it describes another issuer than itself
    keys in a file [128]: error: the token is not taken: its issuer cannot be asked for its keys: it names no place for its keys
    a description that is none [128]: error: the token is not taken: its issuer cannot be asked for its keys: it describes another issuer than itself
    ");
    assert_eq!(elsewhere.heard().len(), 0);
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
    with_token(&world, GITHUB, &token).ok();
}

#[test]
fn a_token_that_cannot_be_had_is_an_error_and_nothing_waits() {
    let world = world();
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let mut told = String::new();
    let mut tell = |variables: &[(&str, &str)], arguments: &[&str], code: i32| {
        let variables = [GITHUB, variables].concat();
        let said = append(&world, &variables, arguments).code(code);
        told += &format!("{}\n", said.err);
    };
    tell(&[], &["--oidc", "--on-failure", "spool"], 128);
    tell(&[], &["--oidc", "--oidc-token-env", "ID_TOKEN"], 128);
    let request = |url: &'static str| {
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", url),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
        ]
    };
    tell(&request("http://evil.example/token"), &["--oidc"], 128);
    tell(&request("file:///etc/passwd"), &["--oidc"], 128);
    tell(&[], &["--oidc", "--no-context"], 129);
    tell(&[("GITLAB_CI", "true")], &["--oidc"], 129);
    assert_snapshot!(told, @r"
    error: there is no token: the CI system offers none to this job
    hint: nothing was recorded; on GitHub the job needs 'permissions: id-token: write'
    hint: elsewhere --oidc-token-env names the variable that holds it

    error: there is no token: the variable ID_TOKEN is not set
    hint: nothing was recorded; on GitLab: id_tokens: NAME: aud: git-ledger

    error: there is no token: the CI system was asked, and its address is none of https://
    hint: nothing was recorded; try again

    error: there is no token: the CI system was asked, and its address is none of https://
    hint: nothing was recorded; try again

    error: --oidc is about where this runs, and nothing of that is to be taken
    hint: nothing was recorded; leave --no-context or ledger.context=none out

    error: the variables of github and gitlab contradict each other: whose token is it?
    hint: nothing was recorded; say which system this is with --context
    ");
    assert!(!told.contains(BEARER));
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
    let waits = world.ledger("r", &["flush", "--dry-run"]).ok();
    assert_eq!(waits, "");
    // nobody who did not ask for it asks anybody
    let issuer = Issuer::start(&world);
    let url = format!("{}/token", issuer.url);
    let variables = [
        GITHUB,
        &[
            ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER),
        ],
    ]
    .concat();
    append(&world, &variables, &[]).ok();
    assert_eq!(issuer.heard().len(), 0);
    // an answer without a token
    for answer in ["{}", "[]", "x", r#"{"value":7}"#] {
        issuer.answer("/token", json(answer));
        append(&world, &variables, &["--oidc"]).code(128);
    }
    issuer.answer(
        "/token",
        "302 Found\r\nLocation: https://evil.example/\r\n\r\n".into(),
    );
    let said = append(&world, &variables, &["--oidc"]).code(128);
    assert!(said.err.contains("redirect"), "{said}");
    assert!(!said.err.contains(BEARER), "{said}");
}

#[test]
fn the_repository_has_no_say_in_whom_to_believe() {
    let world = world();
    let issuer = Issuer::start(&world);
    world
        .git("r", &["config", "ledger.oidcIssuer", &issuer.url])
        .ok();
    let token = issuer.token(Kind::Rsa, &claims());
    let said = with_token(&world, GITHUB, &token).code(1);
    assert_snapshot!(said.err.replace(&issuer.url, "ISSUER"), @r"
    warning: ledger.oidcIssuer stands in the repository's own configuration and is not believed
    hint: whom to believe is the user's to say: git config --global
    error: the token is not taken: its issuer 'ISSUER' is not one that is believed here
    hint: nothing was recorded; whom to believe: git config --global ledger.oidcIssuer URL
    ");
    assert_eq!(issuer.heard().len(), 0);
    // whoever names an issuer believes no other any more
    issuer.believe();
    with_token(&world, GITHUB, &token).ok();
    let known = issuer.token(Kind::Rsa, &claims().with("iss", "https://gitlab.com"));
    with_token(&world, GITHUB, &known).code(1);
}
