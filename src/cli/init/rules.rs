//! What no program can do from here: secrets, rules of the host, the first push; in order, with
//! the commands that do it.

use git_ledger::git::RemoteUrl;

use super::build_key::BuildKey;
use super::host::Host;

/// The secrets a build reads, by the names the files give them.
pub const SECRETS: [&str; 2] = ["GIT_LEDGER_KEY", "GIT_LEDGER_DIGEST_KEY"];

/// Something to do by hand.
pub struct Step {
    /// What, and why.
    pub what: String,
    /// Commands that do it.
    pub commands: Vec<String>,
}

/// What the steps speak of.
pub struct Site<'a> {
    /// The branch of the ledger, without `refs/heads/`.
    pub branch: &'a str,
    /// Where the repository was cloned from.
    pub remote: Option<String>,
    /// The ledger's fingerprint, as far as it is known here.
    pub fingerprint: Option<String>,
    /// The key for builds that was asked for.
    pub key: Option<&'a BuildKey>,
    /// Whether the policy lets it in.
    pub let_in: bool,
}

fn step(what: impl Into<String>, commands: &[String]) -> Step {
    Step {
        what: what.into(),
        commands: commands.to_vec(),
    }
}

/// What is left to do for a host.
pub fn steps(host: Host, site: &Site<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let file = match site.key {
        Some(key) => {
            if !site.let_in {
                steps.push(step(
                    "let the key of builds in, as an admin of the ledger",
                    &[key.command()],
                ));
            }
            quoted(&key.path.to_string_lossy())
        }
        None => {
            steps.push(step(
                "make a key for builds and let it in (or run this command again with --ci-key), for what builds record and nothing else",
                &[
                    "ssh-keygen -t ed25519 -N '' -C builds -f ci-key".to_owned(),
                    "git ledger policy add-signer ci@ORGANISATION ci-key.pub --role writer --type 'dev.cdevents.*' …".to_owned(),
                ],
            ));
            "ci-key".to_owned()
        }
    };
    secrets(host, &file, &mut steps);
    let (dir, own) = match host {
        Host::GitHub => (
            ".github",
            ".github/actions/git-ledger .github/workflows/git-ledger.yml .github/git-ledger-ruleset.json",
        ),
        Host::Gitea => (
            ".gitea",
            ".gitea/actions/git-ledger .gitea/workflows/git-ledger.yml .gitea/git-ledger-protection.json",
        ),
        Host::Forgejo => (
            ".forgejo",
            ".forgejo/actions/git-ledger .forgejo/workflows/git-ledger.yml .forgejo/git-ledger-protection.json",
        ),
        Host::GitLab | Host::Server => (".gitlab", ".gitlab/git-ledger.yml .gitlab-ci.yml"),
    };
    if host == Host::GitLab {
        steps.push(step(
            "let .gitlab-ci.yml include the component, if it does not yet; its input 'image' names an image that holds git-ledger",
            &["include: [{local: .gitlab/git-ledger.yml, inputs: {image: REGISTRY/IMAGE}}]".to_owned()],
        ));
    } else {
        steps.push(step(
            "let the jobs find git-ledger: on PATH of the runner or its image, or by the input 'program'; where it is neither, the action tries to install it with cargo, which works only once this version is published",
            &[],
        ));
    }
    steps.push(step(
        "push the ledger first, then the files: without its branch nothing can be recorded",
        &[
            format!("git push origin {}", site.branch),
            format!("git add {own}"),
            "git commit -m 'Record what happens here in the ledger' && git push".to_owned(),
        ],
    ));
    guard(host, site, dir, &mut steps);
    steps.push(step(
        "see whether the host guards the branch",
        &["git ledger doctor".to_owned()],
    ));
    let fingerprint = site.fingerprint.as_deref().unwrap_or("sha256:…");
    steps.push(step(
        "give the fingerprint to everyone who will verify, by another way than this host, and let a copy elsewhere be compared",
        &[
            format!("git ledger clone URL --fingerprint {fingerprint}"),
            "git ledger mirror add NAME URL && git ledger mirror push".to_owned(),
        ],
    ));
    steps
}

fn secrets(host: Host, file: &str, steps: &mut Vec<Step>) {
    let digest = "a key for digests of variables, only if a job names variables to watch; who has it can test guesses of their values";
    match host {
        Host::GitHub => {
            steps.push(step(
                "hand the key to builds as the secret GIT_LEDGER_KEY, then remove the file; who reads it can record what its row allows, until the row is retired",
                &[format!("base64 -w0 {file} | gh secret set GIT_LEDGER_KEY"), format!("shred -u {file}")],
            ));
            steps.push(step(
                format!("GIT_LEDGER_DIGEST_KEY: {digest}"),
                &["openssl rand -hex 32 | gh secret set GIT_LEDGER_DIGEST_KEY".to_owned()],
            ));
            steps.push(step(
                "further remotes that take each entry at once, if there are any: the variable GIT_LEDGER_MIRRORS, a line NAME=URL each",
                &["gh variable set GIT_LEDGER_MIRRORS --body 'auditor=https://…'".to_owned()],
            ));
        }
        Host::GitLab => {
            steps.push(step(
                "hand the key to builds as the masked and hidden variable GIT_LEDGER_KEY, then remove the file; who reads it can record what its row allows, until the row is retired",
                &[
                    format!("base64 -w0 {file} | glab variable set GIT_LEDGER_KEY --masked --hidden"),
                    format!("shred -u {file}"),
                ],
            ));
            steps.push(step(
                "a project access token with the scope write_repository and the role the branch asks for, as the masked variable GIT_LEDGER_TOKEN",
                &["glab variable set GIT_LEDGER_TOKEN --masked --hidden".to_owned()],
            ));
            steps.push(step(
                format!("GIT_LEDGER_DIGEST_KEY: {digest}"),
                &["openssl rand -hex 32 | glab variable set GIT_LEDGER_DIGEST_KEY --masked --hidden".to_owned()],
            ));
        }
        Host::Gitea | Host::Forgejo | Host::Server => {
            steps.push(step(
                "Settings, Actions, Secrets: GIT_LEDGER_KEY with the key in base64, then remove the file; who reads it can record what its row allows, until the row is retired",
                &[format!("base64 -w0 {file}"), format!("shred -u {file}")],
            ));
            steps.push(step(
                format!("Settings, Actions, Secrets: GIT_LEDGER_DIGEST_KEY: {digest}"),
                &["openssl rand -hex 32".to_owned()],
            ));
        }
    }
}

/// The rules that make the host refuse a rewind.
fn guard(host: Host, site: &Site<'_>, dir: &str, steps: &mut Vec<Step>) {
    let branch = site.branch;
    let address = site.remote.as_deref().and_then(Address::of);
    let or = |found: Option<&str>, word: &str| found.unwrap_or(word).to_owned();
    let host_name = or(address.as_ref().map(|found| found.host.as_str()), "HOST");
    let project = or(
        address.as_ref().map(|found| found.project.as_str()),
        "OWNER/NAME",
    );
    match host {
        Host::GitHub => steps.push(step(
            "let the host refuse force pushes and deletion of the branch (or Settings, Rules, Rulesets, Import)",
            &["gh api --method POST 'repos/{owner}/{repo}/rulesets' --input .github/git-ledger-ruleset.json".to_owned()],
        )),
        Host::GitLab => steps.push(step(
            "protect the branch: pushes by maintainers and by the token, no force, no merge requests (30 instead of 40 lets developers push)",
            &[format!(
                "glab api --method POST 'projects/:id/protected_branches' -f name={branch} -f push_access_level=40 -f merge_access_level=0 -F allow_force_push=false"
            )],
        )),
        Host::Gitea | Host::Forgejo | Host::Server => steps.push(step(
            "protect the branch: no force pushes, and so no deletion (or Settings, Branches)",
            &[format!(
                "curl --fail-with-body -H \"Authorization: token $TOKEN\" --json @{dir}/git-ledger-protection.json https://{host_name}/api/v1/repos/{project}/branch_protections"
            )],
        )),
    }
}

/// Where a remote is, as far as it can stand in a command.
struct Address {
    host: String,
    project: String,
}

impl Address {
    fn of(url: &str) -> Option<Address> {
        let url = RemoteUrl::parse(url, std::path::Path::new("/")).ok()?;
        let host = url.host()?;
        let text = url.redacted();
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/')?.1,
            None => text.split_once(':')?.1,
        };
        let project = path.trim_matches('/').trim_end_matches(".git").to_owned();
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        };
        (plain(&host) && plain(&project) && project.contains('/'))
            .then_some(Address { host, project })
    }
}

/// What is left to do where others push to.
pub fn steps_of_server() -> Vec<Step> {
    vec![
        step(
            "record where the refs stand; from then on each push compares them",
            &["git ledger reconcile".to_owned()],
        ),
        step(
            "let cron record what moved past the hooks, and make a frozen copy show",
            &[
                "git ledger reconcile".to_owned(),
                "git ledger heartbeat --every 6h".to_owned(),
            ],
        ),
        step(
            "record signed pushes, if people sign them",
            &["git config receive.certNonceSeed \"$(openssl rand -hex 20)\"".to_owned()],
        ),
        step(
            "hear of what has a webhook (deployments, reviews, settings), behind a proxy with TLS",
            &["git ledger serve --help".to_owned()],
        ),
        step(
            "see whether prevention is on",
            &["git ledger doctor".to_owned()],
        ),
        step(
            "give the fingerprint to everyone who will verify, and mirror to somebody else's machine",
            &["git ledger mirror add NAME URL && git ledger mirror push".to_owned()],
        ),
    ]
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
