//! `git ledger serve`: webhooks and CloudEvents over HTTP into the chain.

mod drain;
mod recorder;
mod secrets;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use git_ledger::git::Scope;
use git_ledger::serve::{self, Keep, Limits, Route, Settings};

use super::context::{Context, Opened};
use super::date;
use super::failure::{Exit, Failure};
use super::listening::{self, Terminal};
use super::on_failure::OnFailure;
use super::recording::remotes;
use super::terminal;
use recorder::LedgerRecorder;

/// Receive webhooks and CloudEvents over HTTP
///
/// Listens for POST /github, /gitlab, /gitea, /forgejo and /events, and answers when what came is
/// durable: 201 recorded, 200 recorded before, 202 waits in the spool (durable, recorded later),
/// 503 not now, send it again. 4xx: nothing was recorded; 401 the signature or token is not good,
/// 403 another repository, 413 too large, 415 forms and compressed bodies, 422 the ledger's policy
/// says no. GET /healthz, /readyz (whether an event could be recorded now) and /metrics
/// (Prometheus) tell how it is.
///
/// A route is on when it has a secret. GitHub, Gitea and Forgejo sign the body with it, GitLab
/// sends it as a token or, where it begins with whsec_, signs by Standard Webhooks; /events takes
/// it as bearer token, or as key where it begins with whsec_ (not in binary mode, where the
/// signature would not cover the headers). Set the webhook's content type to application/json.
///
/// The server speaks no TLS and listens on the loopback interface: put nginx or another proxy with
/// a certificate in front (proxy_pass http://127.0.0.1:8734; client_max_body_size 25m;
/// proxy_request_buffering on), and let /metrics, /readyz and /healthz through to nobody else.
/// Forges do not send again what was not answered with 2xx: keep an eye on the metrics, and on
/// dev.git-ledger.gap events, which tell of deliveries that never came, as far as pushes, workflow
/// runs and sequences show it. On SIGTERM or SIGINT it finishes what is under way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8734")]
    listen: SocketAddr,
    /// Listen on another interface than loopback, without TLS
    #[arg(long)]
    public: bool,
    /// A route's secret, github=FILE or github=env:NAME; several for one route while it changes
    /// [default: ledger.<name>.serveSecret]
    #[arg(long, value_name = "ROUTE=WHERE")]
    secret: Vec<String>,
    /// Take webhooks of these repositories only, owner/name up to a final * [default:
    /// ledger.<name>.serveRepository, or all]
    #[arg(long, value_name = "PATTERN")]
    repository: Vec<String>,
    /// Take CloudEvents of these sources only, up to a final * [default:
    /// ledger.<name>.serveSource, or all]
    #[arg(long, value_name = "PATTERN")]
    source: Vec<String>,
    /// Believe anybody on every route without a secret; for trying it out, on loopback
    #[arg(long, conflicts_with = "public")]
    insecure_no_secret: bool,
    /// Keep the whole body of webhooks as attachments, and what it says of people
    #[arg(long)]
    keep_payload: bool,
    /// The largest body, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 25 << 20,
        value_parser = clap::value_parser!(u32).range(1..=25 << 20))]
    max_body: u32,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value = "256")]
    max_connections: NonZeroUsize,
    /// How long a body may take, in seconds; a head at most ten
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    max_wait: u64,
    /// How long a delivery that seems to be missing may still come
    #[arg(long, value_name = "DURATION", default_value = "10min", value_parser = date::parse_span)]
    gap_after: u64,
    /// At most so many events in one entry
    #[arg(long, value_name = "N", default_value = "1000")]
    events_per_entry: NonZeroUsize,
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Option<Vec<String>>,
    /// What becomes of events that cannot be recorded now
    #[arg(long, value_enum, default_value_t = OnFailure::Policy)]
    on_failure: OnFailure,
    /// Give up on an entry after so many seconds; GitHub waits for ten
    #[arg(long, value_name = "SECONDS", default_value_t = 8)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Check ledger, key and secrets, and do not listen
    #[arg(long)]
    dry_run: bool,
    /// Write the log as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger serve`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let host = Arc::new(Terminal::new(context, args.json)?);
    listening::check_address(args.listen, args.public, &host)?;
    let settings = settings(context, &opened, &args)?;
    let push = remotes(&opened, args.push.as_deref())?;
    std::thread::scope(|scope| {
        let mut recorder = LedgerRecorder::new(
            scope,
            context,
            &opened,
            &push,
            recorder::How {
                key: args.key.as_deref(),
                timeout: args.timeout,
                on_failure: args.on_failure,
                events_per_entry: args.events_per_entry.get(),
            },
            Arc::clone(&host),
        );
        if let Err(why) = serve::Recorder::ready(&mut recorder) {
            return Err(Failure::cannot(format!("nothing could be recorded: {why}"))
                .hint("mend that first: the server would acknowledge nothing"));
        }
        let routes: Vec<&str> = settings.guards.keys().map(|route| route.name()).collect();
        if args.dry_run {
            let text = format!(
                "would listen on {} for {}\n",
                args.listen,
                routes.join(", ")
            );
            return terminal::answer(&text, Exit::Done);
        }
        let told = routes.join(",");
        listening::listen(
            args.listen,
            &host,
            &|line, _| line.with("routes", &told),
            |listener, _, stop| {
                let host = Arc::clone(&host) as Arc<dyn serve::Host>;
                serve::serve(listener, settings, &host, &mut recorder, stop)
            },
        )
    })
}

fn settings(context: &Context, opened: &Opened, args: &Args) -> Result<Settings, Failure> {
    let configured = |given: &[String], name: &str| match given {
        [] => {
            let key = format!("ledger.{}.{name}", opened.settings.name);
            opened.config.get_all(&key, Scope::Any)
        }
        given => given.to_vec(),
    };
    let mut guards = secrets::guards(context, &configured(&args.secret, "serveSecret"))?;
    if args.insecure_no_secret {
        for route in Route::ALL {
            guards.entry(route).or_insert(serve::Guard::Anybody);
        }
    }
    if guards.is_empty() {
        return Err(
            Failure::usage("no route has a secret, so nobody could be believed")
                .hint("--secret github=FILE; the same secret goes into the webhook's settings"),
        );
    }
    let patterns = |given: &[String], name: &str| {
        let patterns = configured(given, name);
        match patterns.iter().find(|pattern| pattern.is_empty()) {
            None => Ok(patterns),
            Some(_) => Err(Failure::usage("a pattern is empty").hint("leave it out to take all")),
        }
    };
    let limits = Limits {
        body: usize::try_from(args.max_body).unwrap_or(Limits::default().body),
        connections: args.max_connections.get(),
        head_time: Duration::from_secs(args.max_wait).min(Limits::default().head_time),
        body_time: Duration::from_secs(args.max_wait),
        group_events: args.events_per_entry.get(),
        record_time: Duration::from_secs(args.timeout.saturating_add(20)),
        ..Limits::default()
    };
    Ok(Settings {
        guards,
        repositories: patterns(&args.repository, "serveRepository")?,
        sources: patterns(&args.source, "serveSource")?,
        keep: match args.keep_payload {
            true => Keep::Payload,
            false => Keep::Reduced,
        },
        gap_after: args.gap_after,
        limits,
    })
}
