//! What runs where, as events claim: services against environments.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::html::{foreign, plain, time};
use crate::replay::{Kind, Replay, Thing};

use super::parts;
use super::replay::shortened;

/// Environments beside each other; more of them stand in the replay.
const ENVIRONMENTS: usize = 5;
/// Services shown.
const SERVICES: usize = 40;

/// The newest deployment of each service in each environment.
pub fn section(base: &str, state: &Replay) -> Markup {
    let all = || {
        state
            .things(Kind::Deployment)
            .filter(|(_, thing)| thing.now.is_some())
    };
    let places: BTreeSet<&str> = all().map(|(name, _)| name.place.as_str()).collect();
    let shown: Vec<&str> = places.iter().take(ENVIRONMENTS).copied().collect();
    let mut services: BTreeMap<&str, BTreeMap<&str, &Thing>> = BTreeMap::new();
    for (name, thing) in all() {
        services
            .entry(&name.own)
            .or_default()
            .insert(&name.place, thing);
    }
    html! {
        @if !services.is_empty() {
            h2 { "What runs where, as claimed" }
            div.scroll.stack role="region" aria-label="What runs where" tabindex="0" {
                table.matrix {
                    caption { "The newest deployment of each service, by environment" }
                    thead { tr { th scope="col" { "Service" } @for place in &shown { th scope="col" { (foreign(place)) } } } }
                    tbody {
                        @for (service, places) in services.iter().take(SERVICES) {
                            tr {
                                th scope="row" { a href=(parts::trace(base, service)) { (foreign(service)) } }
                                @for place in &shown { td data-label=(plain(place)) { (cell(base, places.get(place).copied())) } }
                            }
                        }
                    }
                }
            }
            @if services.len() > SERVICES || places.len() > ENVIRONMENTS {
                p.quiet { "There is more: " (services.len()) " services in " (places.len()) " environments. The "
                    a href={ (base) "replay" } { "replay" } " shows all of them." }
            }
        }
    }
}

fn cell(base: &str, thing: Option<&Thing>) -> Markup {
    let Some((thing, what)) = thing.and_then(|thing| Some((thing, thing.now.as_deref()?))) else {
        return html! { span.quiet { "–" } };
    };
    html! {
        a href=(parts::trace(base, what)) title=(plain(what)) {
            @match version(what) { Some(version) => (foreign(version)), None => (shortened(what)) }
        }
        @if !thing.how.is_empty() { " " span.tag { (thing.how) } }
        span.also { (time(thing.time)) " · " (parts::entry_link(base, thing.number)) }
    }
}

/// The version in a package URL: its tag, else what stands behind `@`.
pub fn version(artifact: &str) -> Option<&str> {
    let rest = artifact.strip_prefix("pkg:")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let tag = query.split('&').find_map(|pair| pair.strip_prefix("tag="));
    let at = || path.rsplit_once('@').map(|(_, version)| version);
    tag.or_else(at)
        .filter(|version| !version.is_empty() && version.len() <= 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_package_urls() {
        let long = format!("pkg:oci/a@sha256%3A{}", "a".repeat(64));
        for (artifact, expected) in [
            (
                "pkg:oci/a@sha256%3Aab?repository_url=x&tag=1.6.1",
                Some("1.6.1"),
            ),
            ("pkg:npm/%40acme/b@2.0.0", Some("2.0.0")),
            ("pkg:oci/a", None),
            ("pkg:oci/a@?tag=", None),
            (&long, None),
            ("1.6.1", None),
        ] {
            assert_eq!(version(artifact), expected, "{artifact}");
        }
    }
}
