//! The doctor: each defect planted for real turns off its own check and no other, and what can be
//! mended is mended.

mod defects;
mod forge;
mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git_ledger::json::Value;

use crate::servers::Server;
use crate::world::{Said, World};

/// A server with everything in order: hooks in place, two mirrors that hold everything.
fn healthy(world: &World) -> PathBuf {
    let server = Server::new(world, "r");
    for name in ["one", "two"] {
        let url = world.path(format!("{name}.git"));
        world
            .git("", &["init", "-q", "--bare", url.to_str().expect("text")])
            .ok();
        let url = url.display().to_string();
        world
            .ledger(
                &server.name,
                &["mirror", "add", name, &url, "--independent"],
            )
            .ok();
    }
    world.ledger(&server.name, &["mirror", "push"]).ok();
    server.path()
}

/// What each check came to, and the exit code.
struct Seen {
    states: BTreeMap<String, String>,
    said: Said,
}

impl Seen {
    fn of(said: Said) -> Seen {
        let value = Value::parse(said.out.as_bytes()).unwrap_or_else(|_| panic!("{said}"));
        let checks = value.as_object().and_then(|all| all.get("checks"));
        let states = checks
            .and_then(Value::as_array)
            .unwrap_or_else(|| panic!("{said}"))
            .iter()
            .map(|check| {
                let text = |name| {
                    let object = check.as_object().expect("an object");
                    object.get(name).and_then(Value::as_str).expect(name)
                };
                (text("check").to_owned(), text("state").to_owned())
            })
            .collect();
        Seen { states, said }
    }

    /// What is not in order, for the message of a test that fails.
    fn shown(&self) -> String {
        let value = Value::parse(self.said.out.as_bytes()).expect("JSON");
        let checks = value.as_object().and_then(|all| all.get("checks"));
        let checks = checks.and_then(Value::as_array).unwrap_or_default().iter();
        let off = checks.map(Value::to_canonical).filter(|text| {
            !text.contains("\"state\":\"ok\"") && !text.contains("\"state\":\"not_applicable\"")
        });
        off.collect::<Vec<_>>().join("\n") + &self.said.err
    }

    /// The checks that came to this.
    fn which(&self, state: &str) -> Vec<&str> {
        let all = self.states.iter();
        all.filter(|(_, found)| *found == state)
            .map(|(check, _)| check.as_str())
            .collect()
    }
}

fn doctor(world: &World, dir: impl AsRef<Path>, arguments: &[&str]) -> Seen {
    let arguments = [&["doctor", "--json"], arguments].concat();
    Seen::of(world.ledger(dir, &arguments))
}

#[test]
fn a_fresh_server_is_all_good() {
    let world = World::new();
    let server = healthy(&world);
    let seen = doctor(&world, &server, &[]);
    assert_eq!(seen.which("off"), [""; 0], "{}", seen.shown());
    assert_eq!(seen.which("unknown"), [""; 0], "{}", seen.shown());
    assert_eq!(seen.said.code, 0);
    assert_eq!(seen.states.len(), git_ledger::doctor::Check::ALL.len());
    // nothing to mend, and nothing said twice
    let said = world.ledger(&server, &["doctor", "--fix"]).ok();
    assert!(
        !said.contains("would") && said.starts_with("hooks\n"),
        "{said}"
    );
    world.ledger(&server, &["doctor", "--quiet"]).ok();
    let long = world.command("", "git-ledger");
    let mut long = long;
    long.args(["doctor", "--help"]);
    let help = crate::world::run(long, b"").ok();
    for check in git_ledger::doctor::Check::ALL {
        assert!(help.contains(check.name()), "{check} is not in the help");
    }
}
