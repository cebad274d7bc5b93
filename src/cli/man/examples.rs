//! What a manual page shows: a sentence, and the command for it.

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
