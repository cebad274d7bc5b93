//! Gitea and Forgejo: branch protections.
//!
//! Source: Gitea API v1 of 1.24 and Forgejo API v1 of 11.0, `GET
//! /repos/{owner}/{repo}/branch_protections`, the object `BranchProtection`. A rule with the
//! branch's own name comes before those with patterns; of several patterns each has to be strict
//! here, since their order is not told by all versions. Force pushes can be allowed by a rule of
//! Gitea's (`enable_force_push`) only; `apply_to_admins` is Forgejo's.

use crate::doctor::forge::{Rule, Rules};
use crate::json::{Object, Value};

use super::http::{Client, Trouble};
use super::{Slashes, fits};

pub(super) fn rules(client: &Client<'_>, branch: &str) -> Result<Rules, Trouble> {
    let project = client.project().to_owned();
    let told = client.get(&format!("/repos/{project}/branch_protections"))?;
    let told = told.as_array().ok_or_else(nonsense)?;
    let mut fitting = Vec::new();
    for rule in told {
        let rule = rule.as_object().ok_or_else(nonsense)?;
        let name = name(rule).ok_or_else(nonsense)?;
        if fits(name, branch, Slashes::Stop) {
            fitting.push(rule);
        }
    }
    if let Some(own) = fitting
        .iter()
        .copied()
        .find(|rule| name(rule) == Some(branch))
    {
        fitting = vec![own];
    }
    let setting = format!("Settings > Branches > Add new rule for '{branch}'");
    if fitting.is_empty() {
        let missing = || Rule::Missing("the branch is not protected".into(), setting.clone());
        return Ok(Rules {
            force_push: missing(),
            deletion: missing(),
            bypass: missing(),
            signatures: missing(),
            ..Rules::default()
        });
    }
    let is = |name: &str, on: bool| {
        let value = Value::Bool(on);
        fitting.iter().any(|rule| rule.get(name) == Some(&value))
    };
    let names: Vec<&str> = fitting.iter().filter_map(|rule| name(rule)).collect();
    let by = format!("protected by '{}'", names.join("', '"));
    let missing =
        |what: &str, how: &str| Rule::Missing(what.into(), format!("Settings > Branches: {how}"));
    let all_signed = fitting
        .iter()
        .all(|rule| rule.get("require_signed_commits") == Some(&Value::Bool(true)));
    Ok(Rules {
        force_push: if is("enable_force_push", true) {
            missing("force pushes are allowed", "'Disable force push'")
        } else {
            Rule::Holds(by.clone())
        },
        deletion: Rule::Holds(format!("{by}: a protected branch cannot be deleted")),
        bypass: if is("apply_to_admins", false) {
            missing(
                "the rule does not bind administrators",
                "'Enforce this rule for repository admins'",
            )
        } else if is("enable_bypass_allowlist", true) {
            missing(
                "there is a list of who may bypass the rule",
                "empty the bypass list",
            )
        } else {
            Rule::Holds("nobody while the rule stands; administrators can remove it".into())
        },
        signatures: if all_signed {
            Rule::Holds(by)
        } else {
            missing("unsigned commits are let in", "'Require signed commits'")
        },
        ..Rules::default()
    })
}

/// The older name is still told, and stands alone in old answers.
fn name(rule: &Object) -> Option<&str> {
    ["rule_name", "branch_name"]
        .iter()
        .filter_map(|name| rule.get(name)?.as_str())
        .find(|name| !name.is_empty())
}

fn nonsense() -> Trouble {
    Trouble::Nonsense("a branch protection is not as documented".into())
}
