//! `git ledger init`: mints a ledger on an orphan branch, touching neither work tree nor index;
//! for a host, also writes the files that record what happens there.

mod build_key;
mod files;
mod host;
mod rules;

use git_ledger::commit::{Draft, NAMESPACE};
use git_ledger::entry::Entry;
use git_ledger::escape::printable;
use git_ledger::event::{Event, LEDGER_CREATED};
use git_ledger::finding::{Finding, FindingId};
use git_ledger::git::{Config, Scope};
use git_ledger::json::Object;
use git_ledger::ledger::{Attachments, Ledger, LedgerError};
use git_ledger::marks::Mark;
use git_ledger::merkle::{Range, hex};
use git_ledger::policy::{Mirror, Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::signer::{Signer, SignerError};
use git_ledger::trust::{self, Place};

use super::context::{Context, random_id};
use super::failure::{Exit, Failure};
use super::terminal;

/// Begin a ledger in this repository
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ledger's name, for people [default: the repository's directory]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The branch it lives on
    #[arg(long, value_name = "BRANCH", default_value = "ledger")]
    branch: String,
    /// The key that signs: a file, or a public key [default: user.signingKey, as git finds it]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Make a new key and use it for this repository
    #[arg(long, conflicts_with = "key")]
    new_key: bool,
    /// The name you sign under [default: from user.email]
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// A remote that should hold a copy; may be given several times
    #[arg(long = "mirror", value_name = "NAME=URL")]
    mirrors: Vec<String>,
    #[command(flatten)]
    host: host::HostArgs,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A ledger that can begin: its first entry is made and signed, and stands nowhere yet.
struct Beginning {
    ledger: Ledger,
    name: String,
    policy: Policy,
    link: git_ledger::commit::Link,
    principal: Principal,
    /// The fingerprint of the key that signed.
    key: String,
    /// The key's path, if it must be remembered.
    signing_key: Option<String>,
}

/// Runs `git ledger init`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    if let Some(host) = args.host.host() {
        return host::run(context, &args, host);
    }
    let beginning = begin(context, &args, Vec::new())?;
    if args.dry_run {
        return terminal::answer(&beginning.rehearsal(), Exit::Done);
    }
    beginning.carry_out(context)?;
    let text = if args.json {
        git_ledger::json::Value::from(beginning.json()).to_canonical() + "\n"
    } else {
        let next = if beginning.policy.mirrors.is_empty() {
            "git ledger mirror add NAME URL"
        } else {
            "git ledger mirror push"
        };
        format!(
            "{}\n\
             next:\n  \
             git ledger append dev.cdevents.service.deployed --subject payments --data env=prod\n  \
             {next}\n  \
             git ledger verify\n",
            beginning.text()
        )
    };
    terminal::answer(&text, Exit::Done)
}

/// The branch the ledger is to live on, a full name.
fn reference(args: &Args) -> String {
    let branch = &args.branch;
    format!(
        "refs/heads/{}",
        branch.strip_prefix("refs/heads/").unwrap_or(branch)
    )
}

/// Makes and signs entry 0, whose policy also lets these in; writes nothing but a new key.
fn begin(context: &Context, args: &Args, further: Vec<Row>) -> Result<Beginning, Failure> {
    let repository = context.repository()?;
    let config = repository.config()?;
    let reference = reference(args);
    let ledger = Ledger::new(repository.clone(), reference.clone());
    if let Some(tip) = ledger.tip_id()? {
        return Err(Failure::no(format!("the branch '{reference}' exists already, at {tip}"))
            .hint("'git ledger log' shows it if it is a ledger; --branch takes another name for a second one"));
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => directory_name(&repository),
    };
    let clash = config
        .get(&format!("ledger.{name}.ref"), Scope::Any)
        .filter(|known| *known != reference);
    if let Some(known) = clash {
        return Err(Failure::no(format!(
            "a ledger '{name}' is configured already, on '{known}'"
        ))
        .hint("give this one another --name"));
    }
    let mirrors = args
        .mirrors
        .iter()
        .map(|text| parse_mirror(text))
        .collect::<Result<Vec<_>, _>>()?;
    let principal = principal(&config, args.principal.as_deref())?;
    let (signer, made) = signer(
        context,
        &config,
        &repository,
        &name,
        args.key.as_deref(),
        args.new_key,
        args.dry_run,
    )?;

    let mut signers = vec![Row {
        principal: principal.clone(),
        key: signer.public_key().clone(),
        roles: vec![Role::Writer, Role::Admin],
        types: Vec::new(),
        retired: false,
    }];
    signers.extend(further);
    let policy = Policy {
        id: random_id()?.replace('-', ""),
        name: name.clone(),
        threshold: 1,
        signers,
        compromised: Vec::new(),
        mirrors,
        failures: Policy::first_failures(),
    };
    Policy::parse(policy.to_toml().as_bytes()).map_err(policy_fault)?;
    let link = first(context, &ledger, &policy, &principal, &signer)?;
    Ok(Beginning {
        ledger,
        name,
        policy,
        link,
        principal,
        key: signer.public_key().fingerprint(),
        signing_key: made.or_else(|| args.key.clone()),
    })
}

impl Beginning {
    /// Writes the first entry, moves the branch, remembers what belongs to this clone.
    fn carry_out(&self, context: &Context) -> Result<(), Failure> {
        let (ledger, name, policy) = (&self.ledger, &self.name, &self.policy);
        let repository = context.repository()?;
        let config = repository.config()?;
        for mirror in &policy.mirrors {
            set_remote(&repository, &config, mirror)?;
        }
        let (part, mut objects) = ledger.policy_tree(policy);
        objects.extend(ledger.entry_tree(part, &Attachments::new()).1);
        objects.push((gix::objs::Kind::Commit, self.link.raw().to_vec()));
        ledger.write(&objects)?;
        ledger.advance(None, &self.link)?;
        repository.set_config(&format!("ledger.{name}.ref"), ledger.reference())?;
        repository.set_config(&format!("ledger.{name}.fingerprint"), &self.fingerprint())?;
        if let Some(key) = &self.signing_key {
            repository.set_config(&format!("ledger.{name}.signingKey"), key)?;
        }
        for mirror in &policy.mirrors {
            repository.add_config(&format!("ledger.{name}.mirror"), &mirror.name)?;
        }
        let marks = git_ledger::marks::Marks::of(ledger);
        marks
            .raise(None, &Mark::of(&self.link, context.clock()?))
            .map_err(|why| Failure::cannot(why.to_string()))?;
        Ok(())
    }

    fn fingerprint(&self) -> String {
        format!("sha256:{}", hex(&self.link.digest()))
    }

    fn rehearsal(&self) -> String {
        format!(
            "would begin the ledger '{}' on '{}', signed by {} with {}\n{}",
            self.name,
            self.ledger.reference(),
            self.principal,
            self.key,
            self.policy.to_toml()
        )
    }

    fn text(&self) -> String {
        format!(
            "the ledger '{}' begins on {}\n\
             signed by    {} with {}\n\
             fingerprint  {}\n\
             give the fingerprint to everyone who will verify; nothing else can replace it\n",
            printable(&self.name),
            printable(self.ledger.reference()),
            self.principal,
            self.key,
            self.fingerprint(),
        )
    }

    fn json(&self) -> Object {
        Object::new()
            .with("name", self.name.as_str())
            .with("ref", self.ledger.reference())
            .with("fingerprint", self.fingerprint())
            .with("commit", self.link.id.to_string())
            .with("principal", self.principal.as_str())
            .with("key", self.key.as_str())
    }
}

fn directory_name(repository: &git_ledger::git::Repository) -> String {
    let place = repository.work_tree().unwrap_or(repository.common_dir());
    let name = place
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let kept: String = name
        .trim_end_matches(".git")
        .chars()
        .filter(|c| (' '..='~').contains(c) && *c != '"' && *c != '\\')
        .take(100)
        .collect();
    if kept.is_empty() {
        "ledger".to_owned()
    } else {
        kept
    }
}

/// Where --new-key puts the key.
fn own_key(repository: &git_ledger::git::Repository) -> std::path::PathBuf {
    repository
        .common_dir()
        .join("git-ledger")
        .join("signing-key")
}

fn has_own_key(repository: &git_ledger::git::Repository) -> bool {
    own_key(repository).exists()
}

fn parse_mirror(text: &str) -> Result<Mirror, Failure> {
    let (name, url) = text
        .split_once('=')
        .filter(|(name, url)| !name.is_empty() && !url.is_empty())
        .ok_or_else(|| Failure::usage(format!("--mirror takes NAME=URL, not '{text}'")))?;
    super::context::check_remote_name(name)?;
    Ok(Mirror {
        name: name.to_owned(),
        url: url.to_owned(),
    })
}

fn set_remote(
    repository: &git_ledger::git::Repository,
    config: &Config,
    mirror: &Mirror,
) -> Result<(), Failure> {
    let key = format!("remote.{}.url", mirror.name);
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    let url = git_ledger::git::RemoteUrl::parse(&mirror.url, base)
        .map_err(|why| Failure::usage(why.to_string()))?;
    match config.get(&key, Scope::Any) {
        Some(known) if known == mirror.url => Ok(()),
        Some(known) => Err(Failure::no(format!(
            "the remote '{}' exists already, at '{known}'",
            mirror.name
        ))),
        None => Ok(repository.set_config(&key, url.as_str())?),
    }
}

/// The principal that was asked for, or the nearest to the user's e-mail address.
fn principal(config: &Config, wanted: Option<&str>) -> Result<Principal, Failure> {
    let grammar = "a principal is 1 to 64 of a-z 0-9 . _ + @ : / - and begins and ends with a letter or digit";
    match wanted {
        Some(wanted) => Principal::parse(wanted)
            .ok_or_else(|| Failure::usage(format!("'{wanted}' is no principal")).hint(grammar)),
        None => {
            let mail = config.get("user.email", Scope::Any).unwrap_or_default();
            Principal::nearest(&mail).ok_or_else(|| {
                Failure::cannot("no name to sign under: user.email is not set")
                    .hint("git config user.email YOU@EXAMPLE.ORG, or --principal NAME")
                    .hint(grammar)
            })
        }
    }
}

/// The signer, and the path of its key if it was made here.
fn signer(
    context: &Context,
    config: &Config,
    repository: &git_ledger::git::Repository,
    name: &str,
    key: Option<&str>,
    new_key: bool,
    dry_run: bool,
) -> Result<(Signer, Option<String>), Failure> {
    let settings = context.key_settings(config, name, key);
    if !new_key {
        match Signer::find(&settings) {
            Ok(signer) => return Ok((signer, None)),
            Err(SignerError::NoKey) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let path = own_key(repository);
    let question = format!(
        "no signing key is configured; make one at '{}'?",
        path.display()
    );
    if path.exists() {
        let text = path.to_string_lossy().into_owned();
        return Ok((context.signer(config, name, Some(&text))?, Some(text)));
    }
    if dry_run || !(new_key || terminal::can_ask() && terminal::ask(&question)?) {
        return Err(
            Failure::from(SignerError::NoKey).hint("--new-key makes one, for this repository only")
        );
    }
    git_ledger::durable::create_dir_all(path.parent().unwrap_or(&path))?;
    let comment = format!("git-ledger {name}");
    Signer::generate(&path, &comment)?;
    terminal::tell(&format!(
        "made a key for this ledger at '{}' (not encrypted, readable by you alone)",
        path.display()
    ));
    let text = path.to_string_lossy().into_owned();
    Ok((context.signer(config, name, Some(&text))?, Some(text)))
}

fn policy_fault(finding: Finding) -> Failure {
    let failure = Failure::usage(format!(
        "the policy would break a rule: {}: {}",
        finding.id, finding.detail
    ));
    match finding.id {
        FindingId::PolicyKey => failure
            .hint("use an Ed25519, ECDSA P-256/P-384, security-key or RSA (3072 bits or more) key"),
        _ => failure,
    }
}

/// Entry 0.
fn first(
    context: &Context,
    ledger: &Ledger,
    policy: &Policy,
    principal: &Principal,
    signer: &Signer,
) -> Result<git_ledger::commit::Link, Failure> {
    let time = context.clock()?;
    let stamp = git_ledger::date::rfc3339(time);
    let event = Object::new()
        .with("specversion", "1.0")
        .with("type", LEDGER_CREATED)
        .with("id", random_id()?)
        .with("source", format!("urn:git-ledger:{}", policy.id))
        .with("subject", policy.name.as_str())
        .with("time", stamp.as_str())
        .with(
            "data",
            Object::new()
                .with("id", policy.id.as_str())
                .with("name", policy.name.as_str()),
        );
    let event = Event::from_object(event)
        .map_err(|why| Failure::cannot(why.to_string()))?
        .recorded(&stamp);
    let (part, _) = ledger.policy_tree(policy);
    let (tree, _) = ledger.entry_tree(part, &Attachments::new());
    let entry = Entry {
        events: vec![event],
        policy: policy.digest(),
        range: Range::empty(),
        approvals: Vec::new(),
    };
    let draft = Draft {
        tree,
        parent: None,
        principal: principal.clone(),
        time,
        entry,
    };
    let signature = signer.sign(NAMESPACE, &draft.payload())?;
    let refused = |finding| LedgerError::Broken {
        commit: tree,
        finding,
    };
    let link = draft.sign(&signature).map_err(refused)?;
    match trust::permits(policy, &link, Place::First)
        .into_iter()
        .next()
    {
        Some(finding) => Err(refused(finding).into()),
        None => Ok(link),
    }
}
