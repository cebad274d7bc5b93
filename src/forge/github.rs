//! GitHub: rulesets and, beside them, classic branch protection.
//!
//! Source: GitHub REST API, version 2022-11-28: "Get rules for a branch"
//! (`GET /repos/{owner}/{repo}/rules/branches/{branch}`), "Get a repository ruleset"
//! (`GET /repos/{owner}/{repo}/rulesets/{id}`), "Get branch protection"
//! (`GET /repos/{owner}/{repo}/branches/{branch}/protection`). Rules that are only evaluated are
//! not listed there. All layers hold at once: the strictest decides.

use std::collections::BTreeMap;

use crate::doctor::forge::{Rule, Rules};
use crate::escape::{UNRESERVED, percent};
use crate::json::{Object, Value};

use super::http::{Client, Trouble};

/// One ruleset, or the classic protection: what it blocks, and whom it binds.
#[derive(Debug, Default)]
struct Layer {
    name: String,
    force_push: bool,
    deletion: bool,
    signatures: bool,
    /// Who may bypass it, in words; nobody if empty; none if that is not told.
    bypass: Option<Vec<String>>,
}

/// The classic protection as it was told.
enum Classic {
    Absent,
    NotTold(Trouble),
    Layer(Layer),
}

pub(super) fn rules(client: &Client<'_>, branch: &str) -> Result<Rules, Trouble> {
    let project = client.project().to_owned();
    let branch = percent(branch, UNRESERVED);
    let mut layers = rulesets(client, &project, &branch)?;
    let not_told = match classic(client, &project, &branch)? {
        Classic::Absent => None,
        Classic::NotTold(trouble) => Some(trouble),
        Classic::Layer(layer) => {
            layers.push(layer);
            None
        }
    };
    let held = |blocks: fn(&Layer) -> bool, what: &str, setting: &str| {
        let by: Vec<&str> = layers
            .iter()
            .filter(|layer| blocks(layer))
            .map(|layer| layer.name.as_str())
            .collect();
        match (by.is_empty(), &not_told) {
            (false, _) => Rule::Holds(by.join(", ")),
            (true, None) => Rule::Missing(what.to_owned(), setting.to_owned()),
            (true, Some(trouble)) => Rule::Unknown(
                format!("no ruleset does, and of classic branch protection {trouble}"),
                super::Kind::GitHub.permission().to_owned(),
            ),
        }
    };
    Ok(Rules {
        force_push: held(
            |layer| layer.force_push,
            "force pushes are let through",
            "Settings > Rules > Rulesets: a branch ruleset for the ledger branch with 'Block force pushes'",
        ),
        deletion: held(
            |layer| layer.deletion,
            "the branch may be deleted",
            "Settings > Rules > Rulesets: a branch ruleset for the ledger branch with 'Restrict deletions'",
        ),
        signatures: held(
            |layer| layer.signatures,
            "unsigned commits are let in",
            "the same ruleset with 'Require signed commits'; each signing key must be registered with an account",
        ),
        bypass: bypass(&layers, not_told.as_ref()),
        ..Rules::default()
    })
}

fn rulesets(client: &Client<'_>, project: &str, branch: &str) -> Result<Vec<Layer>, Trouble> {
    let mut layers: BTreeMap<i64, Layer> = BTreeMap::new();
    for rule in client.list(&format!("/repos/{project}/rules/branches/{branch}"))? {
        let rule = rule.as_object().ok_or_else(|| nonsense("a rule"))?;
        let kind = rule.get("type").and_then(Value::as_str);
        let id = rule.get("ruleset_id").and_then(Value::as_integer);
        let (Some(kind), Some(id)) = (kind, id) else {
            return Err(nonsense("a rule"));
        };
        let layer = layers.entry(id).or_insert_with(|| Layer {
            name: format!("ruleset {id}"),
            ..Layer::default()
        });
        match kind {
            "non_fast_forward" => layer.force_push = true,
            "deletion" => layer.deletion = true,
            "required_signatures" => layer.signatures = true,
            _ => {}
        }
    }
    for (id, layer) in &mut layers {
        if layer.force_push || layer.deletion {
            layer.bypass = match client.get(&format!("/repos/{project}/rulesets/{id}")) {
                Ok(ruleset) => bypass_actors(&ruleset)?,
                // who may not administer is not told
                Err(Trouble::Forbidden | Trouble::NotFound) => None,
                Err(trouble) => return Err(trouble),
            };
        }
    }
    Ok(layers.into_values().collect())
}

/// The list stands there only for those who may change the ruleset.
fn bypass_actors(ruleset: &Value) -> Result<Option<Vec<String>>, Trouble> {
    let ruleset = ruleset.as_object().ok_or_else(|| nonsense("a ruleset"))?;
    let Some(actors) = ruleset.get("bypass_actors") else {
        return Ok(None);
    };
    let actors = actors.as_array().ok_or_else(|| nonsense("a ruleset"))?;
    let name = |actor: &Value| {
        let actor = actor.as_object()?;
        let kind = actor.get("actor_type")?.as_str()?;
        let mode = actor.get("bypass_mode").and_then(Value::as_str);
        let id = actor.get("actor_id").and_then(Value::as_integer);
        let id = id.map(|id| format!(" {id}")).unwrap_or_default();
        let mode = mode.map(|mode| format!(" ({mode})")).unwrap_or_default();
        Some(format!("{kind}{id}{mode}"))
    };
    actors
        .iter()
        .map(|actor| name(actor).ok_or_else(|| nonsense("who may bypass a ruleset")))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn classic(client: &Client<'_>, project: &str, branch: &str) -> Result<Classic, Trouble> {
    let path = format!("/repos/{project}/branches/{branch}");
    let protection = match client.get(&format!("{path}/protection")) {
        Ok(protection) => protection,
        Err(trouble @ (Trouble::Forbidden | Trouble::NotFound)) => {
            // the same status says that there is none and that nobody tells us: the branch itself
            // says whether it is protected, to everybody who may read it
            let told = client.get(&path).ok();
            let protected = told
                .as_ref()
                .and_then(Value::as_object)
                .and_then(|branch| branch.get("protection"))
                .and_then(Value::as_object)
                .and_then(|protection| protection.get("enabled"));
            return Ok(match protected {
                Some(Value::Bool(false)) => Classic::Absent,
                _ => Classic::NotTold(trouble),
            });
        }
        Err(trouble) => return Err(trouble),
    };
    let protection = protection
        .as_object()
        .ok_or_else(|| nonsense("branch protection"))?;
    let enabled = |name: &str| switch(protection, name);
    let mut bypass = Vec::new();
    if enabled("enforce_admins") != Some(true) {
        bypass.push("administrators ('Do not allow bypassing the above settings' is off)".into());
    }
    Ok(Classic::Layer(Layer {
        name: "branch protection".into(),
        force_push: enabled("allow_force_pushes") == Some(false),
        deletion: enabled("allow_deletions") == Some(false),
        signatures: enabled("required_signatures") == Some(true),
        bypass: Some(bypass),
    }))
}

fn switch(protection: &Object, name: &str) -> Option<bool> {
    match protection.get(name)?.as_object()?.get("enabled")? {
        Value::Bool(on) => Some(*on),
        _ => None,
    }
}

/// Nobody goes past a layer that binds everybody, whoever goes past the others.
fn bypass(layers: &[Layer], not_told: Option<&Trouble>) -> Rule {
    let blocking: Vec<&Layer> = layers
        .iter()
        .filter(|layer| layer.force_push || layer.deletion)
        .collect();
    let binds = |blocks: fn(&Layer) -> bool, bypass: fn(&Layer) -> bool| {
        layers.iter().any(|layer| blocks(layer) && bypass(layer))
    };
    let nobody = |layer: &Layer| layer.bypass.as_ref().is_some_and(Vec::is_empty);
    let maybe = |layer: &Layer| layer.bypass.as_ref().is_none_or(Vec::is_empty);
    if binds(|layer| layer.force_push, nobody) && binds(|layer| layer.deletion, nobody) {
        return Rule::Holds("nobody, administrators included".into());
    }
    let could = binds(|layer| layer.force_push, maybe) && binds(|layer| layer.deletion, maybe);
    if could || blocking.is_empty() && not_told.is_some() {
        return Rule::Unknown(
            "who may bypass is not told to this token".into(),
            super::Kind::GitHub.permission().to_owned(),
        );
    }
    let who: Vec<String> = blocking
        .iter()
        .flat_map(|layer| {
            let actors = layer.bypass.iter().flatten();
            actors.map(|actor| format!("{actor} past {}", layer.name))
        })
        .collect();
    Rule::Missing(
        if who.is_empty() {
            "no rule binds everybody who may push".into()
        } else {
            who.join(", ")
        },
        "empty the bypass list of the ruleset; in branch protection switch on 'Do not allow bypassing the above settings'".into(),
    )
}

fn nonsense(what: &str) -> Trouble {
    Trouble::Nonsense(format!("{what} is not as documented"))
}
