//! GitLab: protected branches, and push rules where the edition has them.
//!
//! Source: GitLab REST API v4, documentation of 17.6: "List protected branches"
//! (`GET /projects/:id/protected_branches`), "Get project push rules"
//! (`GET /projects/:id/push_rule`, Premium). Where several rules fit a branch, the most
//! permissive decides.

use crate::doctor::forge::{Rule, Rules};
use crate::escape::{UNRESERVED, percent};
use crate::json::{Object, Value};

use super::http::{Client, Trouble};
use super::{Slashes, fits};

/// The access level of an administrator of the whole instance.
const ADMIN: i64 = 60;
/// Nobody.
const NO_ACCESS: i64 = 0;

pub(super) fn rules(client: &Client<'_>, branch: &str) -> Result<Rules, Trouble> {
    let id = percent(client.project(), UNRESERVED);
    let mut fitting = Vec::new();
    for rule in client.list(&format!("/projects/{id}/protected_branches"))? {
        let rule = rule.as_object().ok_or_else(nonsense)?;
        let name = rule
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(nonsense)?;
        if fits(name, branch, Slashes::Pass) {
            fitting.push(rule.clone());
        }
    }
    let signatures = signatures(client, &id)?;
    let setting = format!("Settings > Repository > Protected branches: protect '{branch}'");
    if fitting.is_empty() {
        let missing = |what: &str| Rule::Missing(what.into(), setting.clone());
        return Ok(Rules {
            force_push: missing("the branch is not protected"),
            deletion: missing("the branch is not protected"),
            bypass: missing("the branch is not protected"),
            signatures,
            ..Rules::default()
        });
    }
    let names: Vec<&str> = fitting
        .iter()
        .filter_map(|rule| rule.get("name")?.as_str())
        .collect();
    let by = format!("protected by '{}'", names.join("', '"));
    let open = fitting
        .iter()
        .find(|rule| rule.get("allow_force_push") != Some(&Value::Bool(false)));
    Ok(Rules {
        force_push: match open {
            None => Rule::Holds(by.clone()),
            Some(_) => Rule::Missing(
                "'Allowed to force push' is on".into(),
                format!("{setting}, with 'Allowed to force push' off"),
            ),
        },
        deletion: Rule::Holds(format!("{by}: no push deletes it")),
        bypass: bypass(&fitting),
        signatures,
        ..Rules::default()
    })
}

/// Who may take the protection away, and with it all the rest.
fn bypass(fitting: &[Object]) -> Rule {
    let only_admins = |rule: &Object| {
        let levels = rule
            .get("unprotect_access_levels")
            .and_then(Value::as_array);
        levels.is_some_and(|levels| {
            !levels.is_empty()
                && levels.iter().all(|level| {
                    let level = level
                        .as_object()
                        .and_then(|level| level.get("access_level"));
                    matches!(level.and_then(Value::as_integer), Some(ADMIN | NO_ACCESS))
                })
        })
    };
    if fitting.iter().all(only_admins) {
        return Rule::Holds(
            "only administrators of the instance may take the protection away".into(),
        );
    }
    Rule::Missing(
        "maintainers may delete the branch on its web page, or take the protection away".into(),
        "Premium: set 'Allowed to unprotect' to administrators; elsewhere keep a mirror that they do not administer".into(),
    )
}

fn signatures(client: &Client<'_>, id: &str) -> Result<Rule, Trouble> {
    let missing = || {
        Rule::Missing(
            "unsigned commits are let in".into(),
            "Settings > Repository > Push rules: 'Reject unsigned commits'".into(),
        )
    };
    match client.get(&format!("/projects/{id}/push_rule")) {
        Ok(Value::Null) => Ok(missing()),
        Ok(rule) => {
            let rule = rule.as_object().ok_or_else(nonsense)?;
            Ok(
                if rule.get("reject_unsigned_commits") == Some(&Value::Bool(true)) {
                    Rule::Holds("push rules".into())
                } else {
                    missing()
                },
            )
        }
        // the free edition has none
        Err(Trouble::NotFound | Trouble::Forbidden) => Ok(Rule::NotOffered),
        Err(trouble) => Err(trouble),
    }
}

fn nonsense() -> Trouble {
    Trouble::Nonsense("a protected branch is not as documented".into())
}
