//! What a manual page says that no parser knows: exit status, configuration, limits, examples.

/// What each exit status says.
pub const EXIT_STATUS: [(&str, &str); 5] = [
    ("0", "Sound, or done."),
    (
        "1",
        "Looked, and the answer is no: a breach, a refusal, a fork. A breach outranks an unknown.",
    ),
    (
        "2",
        "Could not tell: something could not be checked or reached.",
    ),
    ("128", "Could not run."),
    ("129", "The arguments make no sense."),
];

/// Keys of git's configuration, what they mean, and the verbs that ask for them (none: all).
pub const CONFIGURATION: [(&str, &str, &[&str]); 29] = [
    (
        "ledger.<name>.ref",
        "The branch of the ledger called <name>; refs/heads/ledger if there is none.",
        &[],
    ),
    (
        "ledger.<name>.fingerprint",
        "The digest entry 0 must have (sha256:…). A verdict says so where it is not set.",
        &[
            "init",
            "verify",
            "log",
            "index",
            "show",
            "export",
            "clone",
            "mirror",
            "compare",
            "tip",
            "prove",
            "check-proof",
            "evidence",
            "doctor",
            "reconcile",
            "watch",
            "review",
        ],
    ),
    (
        "ledger.<name>.signingKey",
        "The key that signs in this ledger, before user.signingKey.",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "hook",
            "heartbeat",
            "run",
            "snapshot",
            "reconcile",
            "doctor",
            "serve",
            "watch",
            "review",
        ],
    ),
    (
        "ledger.<name>.mirror",
        "The remotes that hold copies; may be given several times. The first decides.",
        &[
            "append",
            "run",
            "snapshot",
            "flush",
            "mirror",
            "verify",
            "hook",
            "policy",
            "init",
            "compare",
            "heartbeat",
            "doctor",
            "tip",
            "serve",
            "watch",
            "review",
        ],
    ),
    (
        "ledger.<name>.serveSecret",
        "Where a route's secret is: github=FILE or github=env:NAME; may be given several times.",
        &["serve"],
    ),
    (
        "ledger.<name>.serveRepository",
        "Repositories whose webhooks are taken, owner/name up to a final *; may be given several times.",
        &["serve"],
    ),
    (
        "ledger.<name>.serveSource",
        "Sources whose CloudEvents are taken, up to a final *; may be given several times.",
        &["serve"],
    ),
    (
        "ledger.<name>.alert",
        "Where a watch tells what it found, as --alert says it; may be given several times. Obeyed only from system, global or command-line configuration, never from a repository's own.",
        &["watch"],
    ),
    (
        "ledger.<name>.alertSecret",
        "Where the secret is that webhooks are signed with: a file, or env:NAME. Obeyed as ledger.<name>.alert is.",
        &["watch"],
    ),
    (
        "ledger.<name>.maxFetch",
        "How many bytes a fetch may bring.",
        &[
            "append", "run", "snapshot", "flush", "mirror", "clone", "verify", "compare", "watch",
        ],
    ),
    (
        "ledger.<name>.fold",
        "Whether entries that were written one by one are gathered in packs, every 256 entries, when the answer is out; false leaves that to git's housekeeping. [default: true unless gc.auto is 0]",
        &[
            "append", "run", "snapshot", "flush", "import", "serve", "hook",
        ],
    ),
    (
        "ledger.<name>.independent",
        "Mirrors that a person vouches are kept by somebody else although the machine looks the same; may be given several times.",
        &["mirror", "compare", "verify", "doctor", "watch"],
    ),
    (
        "ledger.maxAge, ledger.<name>.maxAge",
        "How old the newest entry may be, such as 36h. The strictest value of both keys and of all files holds; a limit meant against a repository's own people belongs into the user's configuration, under the key without a name.",
        &["verify", "compare", "mirror", "doctor", "watch"],
    ),
    (
        "ledger.maxLag, ledger.<name>.maxLag",
        "For how long a remote may lack an entry; read as maxAge is.",
        &["verify", "compare", "mirror", "watch"],
    ),
    (
        "ledger.verify, ledger.<name>.verify",
        "How much is read where neither --full nor --incremental says it: full or incremental. That less is read is obeyed only from system, global or command-line configuration; that all is read, from a repository's own too.",
        &["verify"],
    ),
    (
        "ledger.context, ledger.<name>.context",
        "What --context says where it is not given: auto, none, or the name of a system.",
        &["append"],
    ),
    (
        "ledger.oidcIssuer, ledger.<name>.oidcIssuer",
        "Whose tokens --oidc takes, in place of GitHub's and GitLab's; may be given several times, and only in the user's configuration.",
        &["append", "run", "snapshot"],
    ),
    (
        "ledger.<name>.digestKey",
        "The file with the key that values of variables and words of commands are digested with; the file digest-key in the ledger's own directory of the repository by default. GIT_LEDGER_DIGEST_KEY goes before it.",
        &["run", "snapshot"],
    ),
    (
        "ledger.<name>.hookTimeout",
        "Seconds the hooks have; 30 by default.",
        &["hook"],
    ),
    (
        "ledger.<name>.source",
        "What events of the hooks and of reconcile name as their source.",
        &["hook", "reconcile"],
    ),
    (
        "ledger.<name>.leaveOut",
        "Prefixes of refs that a forge moves by itself and that are not followed; never branches or tags.",
        &["hook", "reconcile"],
    ),
    (
        "user.signingKey",
        "The SSH key git signs with: a path, or key::… .",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "hook",
            "heartbeat",
            "run",
            "snapshot",
            "reconcile",
            "doctor",
            "watch",
            "review",
        ],
    ),
    (
        "gpg.ssh.defaultKeyCommand",
        "A program that names the key. Obeyed only from system, global or command-line configuration, never from a repository's own.",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "hook",
            "heartbeat",
            "run",
            "snapshot",
            "reconcile",
            "doctor",
            "watch",
            "review",
        ],
    ),
    (
        "gpg.ssh.program",
        "A program that signs in place of ssh-keygen. Obeyed as gpg.ssh.defaultKeyCommand is.",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "hook",
            "heartbeat",
            "run",
            "snapshot",
            "reconcile",
            "doctor",
            "watch",
            "review",
        ],
    ),
    (
        "core.pager",
        "The pager, after GIT_PAGER and before PAGER. Obeyed as gpg.ssh.defaultKeyCommand is, and run without a shell.",
        &["log", "show"],
    ),
    (
        "color.ui",
        "Whether to use colour: auto, always, never; for one command: git -c color.ui=always ledger log. NO_COLOR switches it off.",
        &["log", "show", "trace", "policy", "doctor"],
    ),
    (
        "color.pager",
        "Whether to use colour in a pager.",
        &["log", "show", "trace", "policy"],
    ),
    (
        "advice.ledger",
        "False switches hints off, as GIT_ADVICE=0 does.",
        &[],
    ),
    (
        "core.editor",
        "The editor, after GIT_EDITOR. Obeyed as gpg.ssh.defaultKeyCommand is.",
        &["policy"],
    ),
];

/// Variables of the environment, what they mean, and the verbs that ask for them (none: all).
pub const ENVIRONMENT: [(&str, &str, &[&str]); 4] = [
    (
        "GIT_LEDGER_KEY",
        "The private key that signs, where no file holds it, as on a build machine: an unencrypted Ed25519 key in OpenSSH format, or that in base64. It goes before every configured key; --key goes before it. The hooks do not obey it.",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "heartbeat",
            "reconcile",
            "watch",
            "review",
        ],
    ),
    (
        "GIT_LEDGER_SUMMARY",
        "A file to which Markdown about what was recorded is added, such as $GITHUB_STEP_SUMMARY. Whatever is foreign in it is spelled so that it cannot be markup.",
        &[
            "append",
            "import",
            "run",
            "snapshot",
            "flush",
            "heartbeat",
            "policy",
        ],
    ),
    (
        "XDG_STATE_HOME",
        "Where the key is that seals what verifications leave, and what a watch knows, in the directory git-ledger there; ~/.local/state by default. A relative path counts for nothing.",
        &["verify", "watch"],
    ),
    (
        "GIT_COMMITTER_DATE",
        "What time it is, as git takes it.",
        &[
            "init",
            "append",
            "flush",
            "policy",
            "heartbeat",
            "reconcile",
            "verify",
            "compare",
            "watch",
            "review",
        ],
    ),
];

/// What people do with a verb: a sentence, and the command.
pub const EXAMPLES: [(&str, &str, &str); 56] = [
    (
        "",
        "Begin a ledger, record, check",
        "git ledger init --name acme/payments && git ledger append dev.cdevents.service.deployed.0.2.0 --subject payments && git ledger verify",
    ),
    (
        "init",
        "A ledger beside the code it is about",
        "git ledger init --name acme/payments",
    ),
    (
        "init",
        "A second one, on another branch",
        "git ledger init --name acme/audit --branch audit",
    ),
    (
        "append",
        "One event, recorded once however often a job is run again",
        "git ledger append dev.cdevents.pipelinerun.finished.0.2.0 --id \"$CI_JOB_ID\" --data outcome=success --push origin",
    ),
    (
        "append",
        "Many events at once",
        "git ledger append --batch events.jsonl",
    ),
    (
        "run",
        "A step with what it makes and what it touches",
        "git ledger run --name build --watch Cargo.lock --artifact target/release/app --push origin -- cargo build --release",
    ),
    (
        "run",
        "A deployment that does not happen unless its start is recorded",
        "git ledger run --name deploy --on-failure=fail --push origin -- ./deploy.sh prod",
    ),
    (
        "snapshot",
        "Configuration with line by line differences, variables by name",
        "git ledger snapshot --config conf --diff 'conf/*.toml' --env 'DEPLOY_*' --value DEPLOY_REGION",
    ),
    (
        "snapshot",
        "Which variable changed when",
        "git ledger log --type dev.git-ledger.env.changed --format '%(recorded) %(subject)'",
    ),
    (
        "snapshot",
        "What a server's daemon is configured with, from cron",
        "git ledger snapshot --scope nginx --config /etc/nginx",
    ),
    (
        "steps",
        "What never ended, for a script",
        "git ledger steps --json",
    ),
    ("flush", "What waits", "git ledger flush --dry-run"),
    (
        "export",
        "A table for duckdb or pandas",
        "git ledger export --format parquet -o ledger.parquet",
    ),
    (
        "export",
        "To Splunk, from cron: what is new since the last run",
        "SPLUNK=\"Splunk $(cat token)\" git ledger export --format splunk-hec --cursor /var/lib/ledger/splunk --to https://splunk.acme.org:8088/services/collector --header-env Authorization=SPLUNK",
    ),
    (
        "export",
        "A file that a log collector follows, as long as the service runs",
        "git ledger export --format ecs --cursor /var/lib/ledger/ecs --follow -o /var/log/ledger.ndjson",
    ),
    (
        "trace",
        "What became of a commit, each step with its verified signer",
        "git ledger trace 8a1f77ab --verify",
    ),
    (
        "stats",
        "What went wrong this month, by type and day",
        "git ledger stats since:30d outcome:failure",
    ),
    (
        "report",
        "For an auditor who brought a word of their own for the sample",
        "git ledger report --profile iso27001 --from 2026-01-01 --to 2026-03-31 --remotes --seed 'four dice: 2 5 5 1' -o q1.html",
    ),
    (
        "report",
        "To PDF, with a browser that has no window",
        "git ledger report --pdf-ready -o q1.html && chromium --headless --print-to-pdf=q1.pdf q1.html",
    ),
    (
        "report",
        "Was it altered?",
        "git ledger report --check q1.html --fingerprint sha256:…",
    ),
    (
        "index",
        "Make searches quick, and see how far the index goes",
        "git ledger index && git ledger index --status",
    ),
    ("log", "The newest five", "git ledger log -n 5"),
    (
        "log",
        "What went wrong in production lately, but for what alice did",
        "git ledger log type:dev.cdevents.* env:prod since:2w outcome:failure -actor:alice",
    ),
    (
        "log",
        "Deployments of the last two weeks, each checked",
        "git ledger log --since 2w --type 'dev.cdevents.service.*' --verify",
    ),
    (
        "log",
        "For a script",
        "git ledger log 10..20 --json | jq -r '.events[].type'",
    ),
    (
        "log",
        "A table",
        "git ledger log --format '%(number) %(recorded) %(signer) %(type)'",
    ),
    ("show", "Entry 17, whole", "git ledger show 17"),
    (
        "show",
        "Its exact bytes, hashed by git",
        "git ledger show 17 --raw | git hash-object -t commit --stdin",
    ),
    (
        "show",
        "What was attached",
        "git ledger show 17 --attachment 9f86d0 -o report.json",
    ),
    (
        "verify",
        "With the fingerprint you were given",
        "git ledger verify --fingerprint sha256:…",
    ),
    (
        "verify",
        "In a script",
        "git ledger verify --quiet || echo \"answer: $?\"",
    ),
    (
        "policy",
        "Let the build server in",
        "git ledger policy add-signer ci@acme ci.pub --role writer --type 'dev.cdevents.*'",
    ),
    (
        "policy",
        "Take a key out of service",
        "git ledger policy retire SHA256:…",
    ),
    (
        "hook",
        "Record every push to a server's repository",
        "git ledger hook install",
    ),
    (
        "doctor",
        "Is prevention on, and what would be mended",
        "git ledger doctor --fix --dry-run",
    ),
    (
        "doctor",
        "The rules of a forge that everybody knows, with a token from the environment",
        "git ledger doctor --token-env GITHUB_TOKEN",
    ),
    (
        "doctor",
        "Of one that is your own",
        "git ledger doctor --forge forgejo --forge-url https://git.acme.example --token-file ~/.config/token",
    ),
    (
        "mirror",
        "A copy somebody else keeps",
        "git ledger mirror add auditor ssh://audit.example/ledger.git",
    ),
    (
        "clone",
        "The ledger alone, for an auditor",
        "git ledger clone URL --fingerprint sha256:…",
    ),
    (
        "policy",
        "Two of three admins, in different places: write the change, let another agree, record it",
        "git ledger policy retire bob@acme --propose c.json; git ledger policy approve c.json; git ledger policy apply c.json",
    ),
    (
        "policy",
        "A key was stolen after entry 411",
        "git ledger policy compromise SHA256:… --since 412",
    ),
    (
        "compare",
        "From the auditor's cron",
        "git ledger compare --quiet --max-age 1d --max-lag 1h",
    ),
    (
        "heartbeat",
        "From cron on the server, so that a frozen copy shows",
        "git ledger heartbeat --every 6h",
    ),
    (
        "tip",
        "Keep the newest entry's name where its administrators cannot write",
        "git ledger tip | mail auditor@acme.example",
    ),
    (
        "reconcile",
        "From cron; the first run, by hand, records where the refs are",
        "git ledger reconcile --quiet",
    ),
    (
        "watch",
        "From a machine of the auditor's, with a clone and a fingerprint of its own",
        "git ledger watch --max-age 1d --max-lag 1h --record --alert journald --listen 127.0.0.1:9734",
    ),
    (
        "watch",
        "From cron, to a program",
        "git ledger watch --once --quiet --alert 'command=/usr/local/bin/page-me'",
    ),
    (
        "watch",
        "To another ledger, which records it",
        "git ledger watch --alert webhook=https://records.example/events --alert-secret watch.secret",
    ),
    (
        "review",
        "All that nobody has looked at, with a decision about what was found",
        "git ledger review new --finding forced-push@17=ok --note 'rebase before the release' --ticket TCK-9",
    ),
    (
        "review",
        "From cron: exit with 1 when something has waited for a week",
        "git ledger review --max-age 7d",
    ),
    (
        "doctor",
        "Mend what can be changed back, after looking at it",
        "git ledger doctor --fix --dry-run; git ledger doctor --fix",
    ),
    (
        "prove",
        "A receipt for entry 17, and its check on another machine",
        "git ledger prove 17 -o receipt.json; git ledger check-proof receipt.json --fingerprint sha256:…",
    ),
    (
        "evidence",
        "After compare found a fork",
        "git ledger evidence export fork.json; git ledger evidence check fork.json --fingerprint sha256:…",
    ),
    (
        "demo",
        "The whole story on this repository's own history",
        "git ledger demo",
    ),
    (
        "completions",
        "For you: git ledger <TAB> and git ledger --help work in the next shell",
        "git ledger completions install",
    ),
    (
        "completions",
        "For everybody on this machine",
        "sudo git ledger completions install --prefix /usr/local",
    ),
];

/// What the answer of a verb does not say.
pub const LIMITS: [(&str, &str); 16] = [
    (
        "append",
        "An entry says who recorded an event and when they said it was; not that it is true. What is recorded stays for ever: never pass secrets.",
    ),
    (
        "verify",
        "The answer is about this copy. A copy that was taken back to an older state, or rewritten with a stolen key before this clone first saw it, is sound in itself: only another copy, a mark, or a tip noted elsewhere shows it. With --incremental, objects of older entries that were lost or damaged since they were read are not seen.",
    ),
    (
        "compare",
        "Where all copies agree nothing can be told apart: whoever controls all of them, this clone and its marks can take everything back. A remote can show different histories to different people as long as they never exchange what they saw.",
    ),
    (
        "mirror",
        "Two addresses of one administrator look independent from here.",
    ),
    (
        "trace",
        "It follows the names that events claim: what names neither the commit nor a run or artifact on the way is not found, and data in attachments is not looked into. What is said to be missing was not recorded in a form that is understood here; it may have happened.",
    ),
    (
        "index",
        "The index is a file in the repository. A wrong one can leave entries out of what 'log' and 'stats' find, never add or change one; it holds no entry that was not verified, and does not see what happens to objects afterwards. --no-index and --verify read everything.",
    ),
    (
        "clone",
        "Without the fingerprint, handed over outside of git, a whole other ledger looks as sound as the right one.",
    ),
    (
        "hook",
        "Whoever administers the server can switch hooks off or move refs without git. git-ledger-doctor(1) shows the one and git-ledger-reconcile(1) the other, after the fact.",
    ),
    (
        "reconcile",
        "What was changed and changed back between two runs leaves no trace. The record says what differs, not who did it.",
    ),
    (
        "watch",
        "It sees what is there when it looks: what is changed and changed back between two looks it does not, unless another copy or a mark remembers. Who administers its machine, or the only way to whoever is told, can keep it quiet: let something else notice when it falls silent.",
    ),
    (
        "review",
        "A review says that its signer says so. It covers the entries whose digests it names and all before them in the same history; whether somebody read them nobody can tell.",
    ),
    (
        "doctor",
        "It sees this machine and what a forge answers. An administrator of either can show it what they like.",
    ),
    (
        "policy",
        "An approval covers the bytes of the new policy, not that a person understood them. A stolen key works until a policy entry retires it.",
    ),
    (
        "prove",
        "A receipt proves that an entry stands in the history that a later signer signed, at that number. It does not prove that this history is the only one.",
    ),
    (
        "check-proof",
        "The answer rests on the fingerprint alone. Who gave you that decides what the answer is worth.",
    ),
    (
        "evidence",
        "A fork proves that keys signed two histories. It does not tell which of the two is the honest one, nor who held a stolen key.",
    ),
];
