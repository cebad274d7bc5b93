//! A ledger in which every field that can hold the text of others holds the same words, honest ones
//! or such as mean something to a browser, a template, a terminal.

use git_ledger::json::{Object, Value};

use crate::world::World;

/// Words that mean nothing to anybody.
pub const HONEST: &[&str] = &[
    "a plain word",
    "another",
    "and a third & last",
    "two\nlines",
];

/// Words that mean something to somebody. `fire` is what no page may do.
pub const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    "</textarea></style></noscript><img src=x onerror=alert(3)>",
    "\" onmouseover=\"alert(4)\" autofocus onfocus=\"alert(4)",
    "' onclick='alert(5)' x='",
    "<svg/onload=alert(6)>",
    "<svg><animate onbegin=alert(7) attributeName=x dur=1s>",
    "<!--<script>alert(8)//-->",
    "javascript:alert(9)",
    "data:text/html,<script>alert(10)</script>",
    "&#60;script&#62;alert(11)&#60;/script&#62;",
    "&lt;img src=x onerror=alert(12)&gt;",
    "{{constructor.constructor('alert(13)')()}}",
    "${alert(14)} #{alert(14)} <%= alert(14) %>",
    "]]><script>alert(15)</script><![CDATA[",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<iframe srcdoc='<script>alert(16)</script>'></iframe>",
    "<form action=//evil.example/><input name=q><button>Search",
    "<a href=javascript:alert(17)>look</a>",
    "//evil.example/x",
    "../../../../etc/passwd",
    "<style>*{display:none}</style>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(18)>",
    "safe\u{202e}gnp.exe\u{202c} and \u{2066}more\u{2069}",
    "zero\u{200b}width\u{200d}and\u{feff}mark\u{2060}and\u{ad}soft",
    "nul\u{0}bell\u{7}escape\u{1b}[31mred\u{8}\r\nInjected: header\n\n<b>x",
    "%3Cscript%3Ealert(19)%3C/script%3E",
    "+ADw-script+AD4-alert(20)+ADw-/script+AD4-",
    "\u{2028}alert(21)\u{2029}",
];

/// Puts events of every form that pages know into the ledger of `r`, all of whose foreign words are
/// these, in turn: as somebody with a key does it who does not use this program, which is choosy.
pub fn record(world: &World, words: &[&str]) {
    let mut events = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let other = words[(at + 1) % words.len()];
        for object in forms(word, other) {
            let id = format!("{word} {}", events.len());
            let object = object.with("specversion", "1.0").with("id", id);
            let object = object.with("time", *word);
            let text = Value::from(object).to_canonical();
            events.push(serde_json::from_str(&text).expect("JSON"));
        }
    }
    for group in events.chunks(7) {
        crate::log::smuggle(world, group);
    }
    // an attachment, which is the same words at length; the program takes it
    let data = Object::new().with(words[0], words.join(" ").repeat(60));
    let data = Value::from(data).to_canonical();
    let append = ["append", "dev.acme.long", "--data-json", "-"];
    world.ledger_with("r", &append, data.as_bytes()).ok();
}

/// One event of each form; `word` wherever somebody else chooses the text.
fn forms(word: &str, other: &str) -> Vec<Object> {
    let about = |kind: &str| {
        Object::new()
            .with("type", kind)
            .with("source", word)
            .with("subject", word)
    };
    let nested = Object::new().with(word, other).with(
        "list",
        vec![
            Value::from(word),
            Value::from(Object::new().with(other, word)),
        ],
    );
    let reference = Object::new()
        .with("ref", format!("refs/heads/{word}"))
        .with("old", "1".repeat(40))
        .with("new", "2".repeat(40))
        .with("kind", "update")
        .with("forced", true);
    let pusher = Object::new()
        .with("how", word)
        .with("user", word)
        .with("key", word)
        .with("address", word);
    let push = Object::new()
        .with("refs", vec![Value::from(reference)])
        .with("pusher", pusher)
        .with("options", vec![Value::from(word)]);
    let found = Object::new()
        .with("ref", format!("refs/tags/{word}"))
        .with("recorded", word)
        .with("found", other)
        .with("kind", "update");
    let gap = Object::new()
        .with("how", word)
        .with("refs", vec![Value::from(found)]);
    let digests = |text: &str| Object::new().with("mac", text);
    let variable = Object::new()
        .with("scope", word)
        .with("change", "changed")
        .with("name", word)
        .with("key", word)
        .with("old", digests(word))
        .with("new", digests(other).with("value", other));
    let file = Object::new()
        .with("scope", word)
        .with("change", "changed")
        .with("path", word)
        .with("old", Object::new().with("kind", word).with("digest", word))
        .with(
            "new",
            Object::new().with("kind", other).with("digest", other),
        )
        .with("diff", format!("@@ -1 +1 @@\n-{word}\n+{other}\n"));
    let login = |name: &str| Object::new().with("login", name);
    let request = Object::new()
        .with("number", 7)
        .with("title", word)
        .with("html_url", word)
        .with("user", login(word))
        .with("merged", true)
        .with("merge_commit_sha", "2".repeat(40))
        .with(
            "head",
            Object::new().with("ref", word).with("sha", "3".repeat(40)),
        );
    let pull = |action: &str| {
        Object::new()
            .with("action", action)
            .with("number", 7)
            .with("pull_request", request.clone())
            .with("sender", login(word))
            .with("repository", Object::new().with("full_name", word))
    };
    let ci = Object::new()
        .with("actor", word)
        .with("repository", word)
        .with("ref", word)
        .with("commit", "2".repeat(40))
        .with("environment", word)
        .with("run", Object::new().with("id", word).with("url", word));
    let cdevent = |content: Object| {
        let subject = Object::new().with("id", word).with("content", content);
        Object::new()
            .with("subject", subject)
            .with("customData", Object::new().with("ci", ci.clone()))
    };
    let deployment = Object::new()
        .with(
            "environment",
            Object::new().with("id", word).with("name", other),
        )
        .with("artifactId", word);
    let run = Object::new()
        .with("pipelineName", word)
        .with("uri", word)
        .with("outcome", word)
        .with("errors", word);
    let decision = Object::new()
        .with("decision", "approved")
        .with("responder", word)
        .with("approvalDetailsUrl", word)
        .with("resourceTargetUrl", word);
    vec![
        about(word).with("data", nested).with("acme", word),
        about("dev.acme.text").with("data", word),
        about("dev.git-ledger.push").with("data", push),
        about("dev.git-ledger.gap").with("data", gap),
        about("dev.git-ledger.env.changed").with("data", variable),
        about("dev.git-ledger.config.changed").with("data", file),
        about("com.github.pull_request.opened").with("data", pull("opened")),
        about("com.github.pull_request_review.submitted").with(
            "data",
            pull(word).with(
                "review",
                Object::new().with("state", word).with("user", login(word)),
            ),
        ),
        about("dev.cdevents.pipelinerun.finished.0.3.0").with("data", cdevent(run.clone())),
        about("dev.cdevents.taskrun.started.0.3.0").with("data", cdevent(run)),
        about("dev.cdevents.approval.updated.0.1.0").with("data", cdevent(decision)),
        about("dev.cdevents.artifact.packaged.0.3.0")
            .with("data", cdevent(Object::new().with("artifactId", word))),
        about("dev.cdevents.service.deployed.0.3.0").with("data", cdevent(deployment.clone())),
        about("dev.cdevents.service.rolledback.0.3.0").with("data", cdevent(deployment)),
    ]
}
