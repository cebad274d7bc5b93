//! The ordinary days of a town: changes come from people and from bots, are looked at, built,
//! tested and put to use; things fail, and are taken back.

use serde_json::json;

use super::chance::{Chance, commit, digest};
use super::events::{Push, Recorder, Request, Run, Service, Told, other};

/// Seconds of a day.
pub const DAY: u64 = 86_400;

const SERVICES: [Service; 10] = [
    Service("payments"),
    Service("checkout"),
    Service("identity"),
    Service("ledger-api"),
    Service("search"),
    Service("mailer"),
    Service("billing"),
    Service("frontend"),
    Service("gateway"),
    Service("reports"),
];
const PEOPLE: [&str; 11] = [
    "ann", "bob", "carl", "dana", "erin", "finn", "gita", "hana", "ivan", "june", "kofi",
];
const BOT: &str = "renovate[bot]";
const VERBS: [&str; 8] = [
    "Retry", "Cache", "Validate", "Log", "Limit", "Rename", "Split", "Drop",
];
const THINGS: [&str; 12] = [
    "refunds",
    "the session token",
    "invoices without a country",
    "the slow query",
    "currency rounding",
    "webhook signatures",
    "the login form",
    "stale baskets",
    "the e-mail queue",
    "rate limits",
    "the audit export",
    "timeouts upstream",
];
const LIBRARIES: [&str; 6] = [
    "serde",
    "openssl",
    "react",
    "postgres-driver",
    "tokio",
    "vite",
];

/// The day of the week, 0 for Monday.
fn weekday(begin: u64) -> u64 {
    // the first of January 1970 was a Thursday
    (begin / DAY + 3) % 7
}

/// Whether people work on the day that begins at this second.
pub fn works(begin: u64) -> bool {
    weekday(begin) < 5
}

/// A town on its way: what was told so far, and where each of its services stands.
pub struct Town {
    /// Everything that was told, in no order.
    pub told: Vec<Told>,
    chance: Chance,
    standing: Vec<Standing>,
    runs: u64,
}

/// Where a service stands.
struct Standing {
    service: Service,
    main: String,
    requests: u64,
    build: u64,
    /// What production runs, and what it ran before.
    live: [String; 2],
}

impl Town {
    /// A town in which nothing happened yet.
    pub fn new(seed: u64) -> Town {
        let standing = SERVICES.iter().map(|service| Standing {
            service: *service,
            main: commit(&format!("{} first", service.0)),
            requests: 100,
            build: 0,
            live: ["1.0.0".into(), "1.0.0".into()],
        });
        Town {
            told: Vec::new(),
            chance: Chance::new(seed),
            standing: standing.collect(),
            runs: 4000,
        }
    }

    /// One day that begins at this second; `until` events in all are wanted by its end.
    pub fn day(&mut self, begin: u64, until: usize) {
        self.told.push(other(
            begin + 6 * 3600,
            Recorder::Operations,
            "dev.git-ledger.heartbeat",
            "https://ops.acme.example/cron",
            None,
            json!({"every": "1d"}),
        ));
        self.night(begin);
        if !works(begin) {
            if weekday(begin) == 5 {
                let start = begin + self.chance.between(4 * 3600, 8 * 3600);
                self.change(start, true);
            }
            return;
        }
        if weekday(begin) == 2 {
            let time = begin + self.chance.between(8 * 3600, 15 * 3600);
            self.settings(time);
        }
        while self.told.len() < until {
            let noon = self.chance.percent(12);
            let hour = match noon {
                true => self.chance.between(11, 13),
                false => *self
                    .chance
                    .of(&[7, 8, 8, 9, 9, 9, 10, 10, 13, 13, 14, 14, 15, 16]),
            };
            let bot = self.chance.percent(12);
            let start = begin + hour * 3600 + self.chance.between(0, 3600);
            self.change(start, bot);
        }
    }

    fn run(&mut self) -> u64 {
        self.runs += 1;
        self.runs
    }

    /// Every night some service is tested from end to end.
    fn night(&mut self, begin: u64) {
        let at = self.chance.between(0, SERVICES.len() as u64) as usize;
        let (number, start) = (self.run(), begin + 2 * 3600 + self.chance.between(0, 900));
        let failed = self.chance.percent(18);
        let Some(standing) = self.standing.get(at) else {
            return;
        };
        let run = Run {
            service: standing.service,
            pipeline: "nightly",
            number,
            commit: &standing.main,
            reference: "refs/heads/main",
            actor: "scheduler",
        };
        let (outcome, errors) = match failed {
            true => ("failure", Some("2 of 214 end-to-end tests failed")),
            false => ("success", None),
        };
        self.told.extend([
            run.started(start),
            run.tested(start + 1500, "end-to-end", "staging", outcome),
            run.finished(start + 1530, outcome, errors),
        ]);
    }

    /// Somebody changed a setting.
    fn settings(&mut self, time: u64) {
        let service = self.chance.of(&SERVICES).0;
        let value = self.chance.between(10, 90);
        let source = "https://git.acme.example/acme/settings";
        let (file, scope) = (format!("{service}/production.toml"), "production");
        let snapshot = format!("snapshot/{}", digest(&format!("{file} {time}")));
        let found = |value: u64| {
            let digest = digest(&format!("{file} {value}"));
            json!({"kind": "file", "mode": "0644", "size": 412, "digest": format!("sha256:{digest}")})
        };
        let diff = format!(
            "@@ -3 +3 @@\n-timeout = {}\n+timeout = {value}\n",
            value / 2
        );
        let mac = |value: u64| {
            let digest = digest(&format!("variable {value}"));
            json!({"mac": format!("hmac-sha256:{digest}")})
        };
        self.told.extend([
            other(
                time,
                Recorder::Operations,
                "dev.git-ledger.config.changed",
                source,
                Some(&file),
                json!({
                    "scope": scope, "snapshot": snapshot, "change": "changed", "path": file,
                    "old": found(value / 2), "new": found(value), "diff": diff,
                }),
            ),
            other(
                time,
                Recorder::Operations,
                "dev.git-ledger.env.changed",
                source,
                Some("FEATURE_FLAGS"),
                json!({
                    "scope": scope, "snapshot": snapshot, "change": "changed",
                    "name": "FEATURE_FLAGS", "key": "3c5a8cdaacf2bac7",
                    "old": mac(value / 2), "new": mac(value),
                }),
            ),
        ]);
    }

    /// A change, from the branch to where it is used.
    fn change(&mut self, start: u64, bot: bool) {
        let at = self.chance.between(0, SERVICES.len() as u64) as usize;
        let runs = [self.run(), self.run(), self.run()];
        let Some(standing) = self.standing.get_mut(at) else {
            return;
        };
        let chance = &mut self.chance;
        let service = standing.service;
        standing.requests += 1;
        let number = standing.requests;
        let author = if bot { BOT } else { *chance.of(&PEOPLE) };
        let others: Vec<&str> = PEOPLE.into_iter().filter(|who| *who != author).collect();
        let reviewer = *chance.of(&others);
        let title = match bot {
            true => format!("Update {}", chance.of(&LIBRARIES)),
            false => format!("{} {}", chance.of(&VERBS), chance.of(&THINGS)),
        };
        let branch = match bot {
            true => format!("renovate/{number}"),
            false => format!("{author}/{number}"),
        };
        let reference = format!("refs/heads/{branch}");
        let mut head = commit(&format!("{} {number} 1", service.0));
        let mut time = start;
        let mut after = |chance: &mut Chance, least: u64, most: u64| {
            time += chance.between(least, most);
            time
        };
        let push = |old: Option<&str>, new: &str, forced: bool, at: u64| {
            Push {
                service,
                reference: &reference,
                moved: (old, Some(new)),
                user: author,
                forced,
                options: &[],
            }
            .at(at)
        };
        let told = &mut self.told;
        told.push(push(None, &head, false, start));
        let request = |head: &str, act: &dyn Fn(Request<'_>) -> Told| {
            act(Request {
                service,
                number,
                title: &title,
                author,
                branch: &branch,
                head,
            })
        };
        let opened = after(chance, 20, 400);
        told.push(request(&head, &|it| it.opened(opened)));
        let run =
            |number: u64, commit: &str, on: &str, pipeline: &str, act: &mut dyn FnMut(Run<'_>)| {
                act(Run {
                    service,
                    pipeline,
                    number,
                    commit,
                    reference: on,
                    actor: author,
                });
            };
        let fails = chance.percent(20);
        let begun = after(chance, 5, 40);
        let tested = after(chance, 120, 700);
        run(runs[0], &head, &reference, "check", &mut |run| {
            let outcome = if fails { "failure" } else { "success" };
            let errors = fails.then_some("unit tests failed");
            told.extend([
                run.started(begun),
                run.tested(tested, "unit", "ci", outcome),
                run.finished(tested + 8, outcome, errors),
            ]);
        });
        if fails {
            let again = commit(&format!("{} {number} 2", service.0));
            let amended = chance.percent(40);
            told.push(push(Some(&head), &again, amended, after(chance, 600, 4000)));
            head = again;
            let (at, begun) = (after(chance, 2, 10), after(chance, 5, 40));
            told.push(request(&head, &|it| it.synchronized(at)));
            let tested = after(chance, 120, 700);
            run(runs[1], &head, &reference, "check", &mut |run| {
                told.extend([
                    run.started(begun),
                    run.tested(tested, "unit", "ci", "success"),
                    run.finished(tested + 8, "success", None),
                ]);
            });
        }
        if chance.percent(15) {
            let at = after(chance, 300, 5000);
            told.push(request(&head, &|it| {
                it.reviewed(at, reviewer, "changes_requested")
            }));
            let again = commit(&format!("{} {number} 3", service.0));
            told.push(push(Some(&head), &again, false, after(chance, 600, 6000)));
            head = again;
            let at = after(chance, 2, 10);
            told.push(request(&head, &|it| it.synchronized(at)));
        }
        let at = after(chance, 300, 7000);
        told.push(request(&head, &|it| it.reviewed(at, reviewer, "approved")));
        let merged = commit(&format!("{} {number} merged", service.0));
        let by = if bot { reviewer } else { author };
        let at = after(chance, 60, 1500);
        told.push(request(&head, &|it| it.merged(at, by, &merged)));
        told.push(
            Push {
                service,
                reference: "refs/heads/main",
                moved: (Some(&standing.main), Some(&merged)),
                user: by,
                forced: false,
                options: &[],
            }
            .at(at + 1),
        );
        standing.main = merged;
        standing.build += 1;
        let version = format!("1.{}.{}", standing.build / 10, standing.build % 10);
        let breaks = chance.percent(6);
        let (goes_live, regret) = (chance.percent(45), chance.percent(7));
        let steps: Vec<u64> = [
            (5, 30),
            (60, 300),
            (60, 500),
            (10, 60),
            (30, 200),
            (300, 5000),
            (60, 3000),
            (20, 200),
            (900, 6000),
        ]
        .into_iter()
        .map(|(least, most)| after(chance, least, most))
        .collect();
        let &[
            begun,
            built,
            tested,
            packed,
            staged,
            asked,
            agreed,
            live,
            regretted,
        ] = steps.as_slice()
        else {
            return;
        };
        let mut went_live = false;
        run(
            runs[2],
            &standing.main,
            "refs/heads/main",
            "deliver",
            &mut |run| {
                told.extend([
                    run.started(begun),
                    run.task(begun + 4, "build", None),
                    run.task(built, "build", Some("success")),
                ]);
                if breaks {
                    told.extend([
                        run.tested(tested, "integration", "ci", "failure"),
                        run.finished(tested + 5, "failure", Some("integration tests failed")),
                    ]);
                    return;
                }
                let artifact = service.artifact(&version);
                let change = json!({"change": {"id": run.commit}});
                told.extend([
                    run.tested(tested, "integration", "ci", "success"),
                    run.say(packed, "artifact.packaged", &artifact, change, author),
                    run.say(
                        packed + 9,
                        "artifact.signed",
                        &artifact,
                        json!({"signature": digest(&artifact)}),
                        author,
                    ),
                    run.say(
                        packed + 14,
                        "artifact.published",
                        &artifact,
                        json!({"user": author}),
                        author,
                    ),
                    run.deployed(staged, "service.deployed", "staging", &version, by),
                ]);
                if goes_live {
                    told.extend([
                        run.approval_asked(asked, by, &version),
                        run.approval_given(agreed, reviewer_of(by, reviewer, author), &version),
                        run.deployed(live, "service.upgraded", "production", &version, by),
                    ]);
                    went_live = true;
                }
                told.push(run.finished(
                    if goes_live { live + 5 } else { staged + 5 },
                    "success",
                    None,
                ));
            },
        );
        if !went_live {
            return;
        }
        let before = std::mem::replace(&mut standing.live, [version.clone(), String::new()]);
        let [before, _] = before;
        if regret {
            let run = Run {
                service,
                pipeline: "roll back",
                number: runs[2],
                commit: &standing.main,
                reference: "refs/heads/main",
                actor: reviewer,
            };
            let what = json!({
                "environment": {"id": "production"},
                "service": {"id": service.0},
                "description": "errors above 2 % for five minutes",
            });
            let incident = format!("{}/incident/{number}", service.0);
            told.extend([
                run.say(
                    regretted,
                    "incident.detected",
                    &incident,
                    what.clone(),
                    "monitor",
                ),
                run.deployed(
                    regretted + 420,
                    "service.rolledback",
                    "production",
                    &before,
                    reviewer,
                ),
                run.say(
                    regretted + 900,
                    "incident.resolved",
                    &incident,
                    what,
                    reviewer,
                ),
            ]);
            standing.live = [before, version];
        } else {
            standing.live = [version, before];
        }
    }
}

/// Who agrees to a deployment: never who asks for it.
fn reviewer_of<'a>(asks: &str, reviewer: &'a str, author: &'a str) -> &'a str {
    let fits = |who: &str| who != asks && who != BOT;
    [reviewer, author, "ann", "bob"]
        .into_iter()
        .find(|who| fits(who))
        .unwrap_or("ann")
}
