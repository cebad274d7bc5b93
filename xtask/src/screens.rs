//! `cargo xtask screens`: a picture of every page, in light and dark and narrow, of a town's ledger.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::bench::world::{World, said};

const USAGE: &str = "usage: cargo xtask screens DIR [--town DIR]";
/// When the pictures are taken: soon after the last that happened in the town.
const NOW: &str = "@1782839400 +0000";

/// Takes the pictures; makes a town below `target/` if none is named.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    let (dir, town) = match words {
        [dir] => (dir, root.join("target/town")),
        [dir, flag, town] if flag == "--town" => (dir, town.into()),
        _ => return Err(USAGE.into()),
    };
    let program = crate::suite::program(root)?;
    crate::suite::install(&[("chromium", "chromium"), ("curl", "curl")])?;
    crate::peers::run(root)?;
    if !town.join("acme.git").is_dir() {
        println!("== a town in {}", town.display());
        crate::town::build(&town, &program, crate::town::EVENTS)?;
    }
    let dir = std::path::absolute(dir).map_err(|why| why.to_string())?;
    fs::create_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    let town = std::path::absolute(town).map_err(|why| why.to_string())?;
    let world = World::at(&town, &program)?;
    // an entry of the bad night, to look at
    let search = [
        "log",
        "--json",
        "-n",
        "1",
        "run:payments/9001",
        "type:dev.cdevents.service.*",
    ];
    let entry = said(&mut world.ledger("acme.git", &search))?;
    let entry: serde_json::Value =
        serde_json::from_str(&entry).map_err(|why| format!("log: {why}"))?;
    let number = entry["number"].to_string();
    let mut web = Serving::of(&world)?;
    let slugs = web.judged()?;
    let [slug, _, other] = slugs.as_slice() else {
        return Err(format!("three ledgers are expected: {slugs:?}"));
    };
    let mut node = world.command("", "node");
    node.env("NODE_PATH", root.join("target/peers/node_modules"))
        .arg(root.join("tests/browser/screens.js"))
        .arg(&web.origin)
        .arg(&dir)
        .args([slug, &number, other]);
    let taken = said(&mut node)?;
    let taken: Vec<String> = serde_json::from_str(&taken).map_err(|why| why.to_string())?;
    println!("{} pictures in {}", taken.len(), dir.display());
    Ok(())
}

/// A server of the town's ledgers.
struct Serving {
    child: Child,
    origin: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // it may have ended by itself
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Serving {
    fn of(world: &World) -> Result<Serving, String> {
        let mut command: Command = world.ledger("", &["web", "--listen", "127.0.0.1:0", "--json"]);
        for name in ["acme.git", "website.git", "rewritten.git"] {
            command.args(["--repository", name]);
        }
        command
            .env("GIT_COMMITTER_DATE", NOW)
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|why| format!("web: {why}"))?;
        let stderr = child.stderr.take().ok_or("web has no standard error")?;
        let mut serving = Serving {
            child,
            origin: String::new(),
        };
        let mut lines = BufReader::new(stderr).lines();
        let mut all = String::new();
        for line in lines.by_ref() {
            let line = line.map_err(|why| why.to_string())?;
            let told: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(url) = told["url"].as_str() {
                serving.origin = url.trim_end_matches('/').to_owned();
                break;
            }
            all += &(line + "\n");
        }
        if serving.origin.is_empty() {
            return Err(format!("web does not listen: {all}"));
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(serving)
    }

    /// The ledgers by their names in addresses, once all are judged.
    fn judged(&mut self) -> Result<Vec<String>, String> {
        for _ in 0..600 {
            let mut curl = Command::new("curl");
            curl.args(["-sS", &format!("{}/api/v1/ledgers", self.origin)]);
            let all: serde_json::Value =
                serde_json::from_str(&said(&mut curl)?).map_err(|why| format!("web: {why}"))?;
            let all = all["ledgers"].as_array().cloned().unwrap_or_default();
            if !all.is_empty() && all.iter().all(|ledger| !ledger["answer"].is_null()) {
                let slugs = all.iter().filter_map(|ledger| ledger["slug"].as_str());
                return Ok(slugs.map(str::to_owned).collect());
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Err("the ledgers were not judged within a minute".into())
    }
}
