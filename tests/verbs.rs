//! What each verb prints, and how it exits.

use crate::world::World;

#[test]
fn a_first_ledger() {
    let world = World::new();
    world.repository("r");
    let said = world.ledger(
        "r",
        &[
            "append",
            "dev.cdevents.service.deployed.0.2.0",
            "--subject",
            "payments",
            "--id",
            "1",
        ],
    );
    assert!(
        said.ok()
            .starts_with("recorded 1 dev.cdevents.service.deployed.0.2.0 payments\n")
    );
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 2 entries, all checked\n")
    );
    assert_eq!(world.git("r", &["status", "--porcelain"]).ok(), "");
    world.git("r", &["fsck", "--strict"]).ok();
}
