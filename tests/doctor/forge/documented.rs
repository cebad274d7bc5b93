//! The documented answers of each forge: one rule is missing, and only that is told.

use std::collections::BTreeMap;

use crate::world::World;

use super::{Forge, TOKEN, ask, json, letters, place, status};

fn rule(kind: &str, id: u32) -> String {
    format!(
        r#"{{"type":"{kind}","ruleset_source_type":"Repository","ruleset_source":"acme/pay","ruleset_id":{id}}}"#
    )
}

fn rules(kinds: &[&str]) -> String {
    let all: Vec<String> = kinds.iter().map(|kind| rule(kind, 7)).collect();
    json(&format!("[{}]", all.join(",")))
}

fn ruleset(bypass: &str) -> String {
    json(&format!(
        r#"{{"id":7,"name":"ledger","target":"branch","source_type":"Repository","enforcement":"active"{bypass},"current_user_can_bypass":"never"}}"#
    ))
}

fn classic(admins: bool, force: bool, delete: bool, signed: bool) -> String {
    json(&format!(
        r#"{{"enforce_admins":{{"enabled":{admins}}},"required_signatures":{{"enabled":{signed}}},"allow_force_pushes":{{"enabled":{force}}},"allow_deletions":{{"enabled":{delete}}}}}"#
    ))
}

#[test]
fn github() {
    const RULES: &str = "/api/v3/repos/acme/pay/rules/branches/ledger";
    const RULESET: &str = "/api/v3/repos/acme/pay/rulesets/7";
    const BRANCH: &str = "/api/v3/repos/acme/pay/branches/ledger";
    const CLASSIC: &str = "/api/v3/repos/acme/pay/branches/ledger/protection";
    const ALL: &[&str] = &[
        "deletion",
        "non_fast_forward",
        "required_signatures",
        "update",
    ];
    let world = World::new();
    let server = place(&world);
    let nobody = r#","bypass_actors":[]"#;
    let admins =
        r#","bypass_actors":[{"actor_id":5,"actor_type":"RepositoryRole","bypass_mode":"always"}]"#;
    let unprotected = json(r#"{"name":"ledger","protected":false,"protection":{"enabled":false}}"#);
    let protected = json(r#"{"name":"ledger","protected":true,"protection":{"enabled":true}}"#);
    let none = json("[]");
    let cases: Vec<(&str, Vec<(&'static str, String)>)> = vec![
        (
            "oooo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        // one rule is missing, and only that is told
        (
            "oooo",
            vec![
                (RULES, rules(&ALL[..3])),
                (RULESET, ruleset(nobody)),
                (CLASSIC, classic(true, true, true, false)),
            ],
        ),
        (
            "ooox",
            vec![
                (RULES, rules(&ALL[..2])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "xoxo",
            vec![
                (RULES, rules(&["deletion", "required_signatures"])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oxxo",
            vec![
                (RULES, rules(&["non_fast_forward", "required_signatures"])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        // who may bypass
        (
            "ooxo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(admins)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oo?o",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset("")),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oo?o",
            vec![(RULES, rules(ALL)), (BRANCH, unprotected.clone())],
        ),
        (
            "oooo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(admins)),
                (CLASSIC, classic(true, false, false, true)),
            ],
        ),
        // classic branch protection alone
        (
            "oooo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, false, true)),
            ],
        ),
        (
            "ooxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(false, false, false, true)),
            ],
        ),
        (
            "xoxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, true, false, true)),
            ],
        ),
        (
            "oxxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, true, true)),
            ],
        ),
        (
            "ooox",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, false, false)),
            ],
        ),
        // nothing at all, and nothing that is told
        (
            "xxxx",
            vec![(RULES, none.clone()), (BRANCH, unprotected.clone())],
        ),
        (
            "????",
            vec![
                (RULES, none.clone()),
                (CLASSIC, status("403 Forbidden")),
                (BRANCH, protected),
            ],
        ),
        ("????", vec![(RULES, none)]),
    ];
    for (at, (expected, answers)) in cases.into_iter().enumerate() {
        let forge = Forge::start(answers.into_iter().collect());
        let seen = ask(&world, &server, "github", &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let code = if expected.contains('x') {
            1
        } else if expected.contains('?') {
            2
        } else {
            0
        };
        assert_eq!(seen.said.code, code, "case {at}");
        for head in forge.heard() {
            let lower = head.to_ascii_lowercase();
            assert!(lower.starts_with("get /api/v3/"), "{head}");
            assert!(
                lower.contains(&format!("authorization: bearer {TOKEN}")),
                "{head}"
            );
            assert!(lower.contains("x-github-api-version: 2022-11-28"), "{head}");
        }
    }
}

#[test]
fn gitlab() {
    const BRANCHES: &str = "/api/v4/projects/acme%2Fpay/protected_branches";
    const RULE: &str = "/api/v4/projects/acme%2Fpay/push_rule";
    let world = World::new();
    let server = place(&world);
    let branch = |name: &str, force: bool, unprotect: &str| {
        json(&format!(
            r#"[{{"id":1,"name":"main","allow_force_push":true}},{{"id":2,"name":"{name}","push_access_levels":[{{"id":1,"access_level":40,"access_level_description":"Maintainers"}}],"allow_force_push":{force}{unprotect}}}]"#
        ))
    };
    let admins = r#","unprotect_access_levels":[{"id":3,"access_level":60}]"#;
    let maintainers = r#","unprotect_access_levels":[{"id":3,"access_level":40}]"#;
    let signed = json(r#"{"id":1,"reject_unsigned_commits":true}"#);
    let unsigned = json(r#"{"id":1,"reject_unsigned_commits":false}"#);
    for (at, (expected, answers)) in [
        (
            "oooo",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "oooo",
            vec![
                (BRANCHES, branch("l*r", false, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "ooox",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, unsigned),
            ],
        ),
        (
            "ooox",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, json("null")),
            ],
        ),
        ("ooo-", vec![(BRANCHES, branch("ledger", false, admins))]),
        (
            "ooxo",
            vec![
                (BRANCHES, branch("ledger", false, maintainers)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "ooxo",
            vec![
                (BRANCHES, branch("ledger", false, "")),
                (RULE, signed.clone()),
            ],
        ),
        (
            "xooo",
            vec![
                (BRANCHES, branch("ledger", true, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "xxxo",
            vec![(BRANCHES, branch("ledgers", false, admins)), (RULE, signed)],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let forge = Forge::start(answers.into_iter().collect());
        let seen = ask(&world, &server, "gitlab", &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let heard = forge.heard().join("").to_ascii_lowercase();
        assert!(heard.contains(&format!("private-token: {TOKEN}")));
    }
}

#[test]
fn gitea_and_forgejo() {
    const BRANCHES: &str = "/api/v1/repos/acme/pay/branch_protections";
    let world = World::new();
    let server = place(&world);
    let rule = |name: &str, more: &str| {
        format!(
            r#"{{"branch_name":"{name}","rule_name":"{name}","enable_push":true,"require_signed_commits":true{more}}}"#
        )
    };
    let loose = rule("led*", r#","enable_force_push":true"#);
    for (at, (kind, expected, rules)) in [
        (
            "gitea",
            "oooo",
            rule("ledger", r#","enable_force_push":false"#),
        ),
        (
            "gitea",
            "xooo",
            rule("ledger", r#","enable_force_push":true"#),
        ),
        (
            "gitea",
            "ooxo",
            rule("ledger", r#","enable_bypass_allowlist":true"#),
        ),
        // the rule of the branch's own name comes first
        ("gitea", "oooo", format!("{loose},{}", rule("ledger", ""))),
        ("gitea", "xooo", format!("{loose},{}", rule("*", ""))),
        ("gitea", "xxxx", rule("main", "")),
        (
            "forgejo",
            "oooo",
            rule("ledger", r#","apply_to_admins":true"#),
        ),
        (
            "forgejo",
            "ooxo",
            rule("ledger", r#","apply_to_admins":false"#),
        ),
        (
            "forgejo",
            "ooox",
            rule("ledger", r#","apply_to_admins":true"#)
                .replace("commits\":true", "commits\":false"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let forge = Forge::start(BTreeMap::from([(BRANCHES, json(&format!("[{rules}]")))]));
        let seen = ask(&world, &server, kind, &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let heard = forge.heard().join("").to_ascii_lowercase();
        assert!(heard.contains(&format!("authorization: token {TOKEN}")));
    }
}
