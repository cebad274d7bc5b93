//! `git ledger web`: ledgers in a browser, and as JSON.

mod book;
mod keeper;
mod library;
mod positions;
mod reading;
mod sight;
mod totals;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use git_ledger::json::{Object, Value};
use git_ledger::listener::{self, Bounds};
use git_ledger::web::{self, Door, Reverse};
use git_ledger::webhook::{Scheme, Secret};

use super::context::Context;
use super::failure::{Exit, Failure};
use super::listening::{self, Terminal, secret};
use super::{date, terminal};
use library::Shelf;

/// Show ledgers in a browser
///
/// Serves pages that are only read, and a JSON API with the same answers (/api/v1/openapi.json tells
/// it): verdict and detection window, timeline with filters, live tail, entries with their proofs,
/// traces, policy history, findings. All ledgers that are configured in the repository are there, and
/// those of further repositories. They are verified in the background, again whenever they grow, and
/// their mirrors are compared now and then; until then what is shown is what entries claim, and every
/// page says so. An index ('git ledger index') is used where there is one.
///
/// It listens on the loopback interface, where every user of the machine reaches it: --token keeps
/// others out. It speaks no TLS; behind a proxy that does, and knows who asks, name the proxy's host
/// with --host and the header it sets with --user-header. Requests for other hosts are refused, and
/// so is every method but GET and HEAD. On SIGTERM or SIGINT it finishes what is under way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8735")]
    listen: SocketAddr,
    /// Listen on another interface than loopback, without TLS
    #[arg(long)]
    public: bool,
    /// A name, with or without port, by which browsers may ask for it besides localhost; several
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A repository whose ledgers are shown; several [default: the one the command runs in]
    #[arg(long, value_name = "DIR")]
    repository: Vec<PathBuf>,
    /// What readers must know, FILE or env:NAME: as bearer token, or as password with any name
    #[arg(long, value_name = "WHERE")]
    token: Option<String>,
    /// The header in which a proxy says who asks; whoever reaches the port past the proxy can forge it
    #[arg(long, value_name = "HEADER", requires = "user")]
    user_header: Option<String>,
    /// A user that may read, by the name in that header; several
    #[arg(long, value_name = "NAME", requires = "user_header")]
    user: Vec<String>,
    /// How often mirrors are asked; 0 is never
    #[arg(long, value_name = "DURATION", default_value = "5min", value_parser = date::parse_pause)]
    compare_every: u64,
    /// Check repositories, address and token, and do not listen
    #[arg(long)]
    dry_run: bool,
    /// Write the log, and what a dry run says, as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger web`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let host = Arc::new(Terminal::new(context, args.json)?);
    listening::check_address(args.listen, args.public, &host)?;
    let token = match &args.token {
        None => None,
        Some(place) => {
            let text = secret::read(context, place, "--token FILE or --token env:NAME")?;
            let token = Secret::new(Scheme::Bearer, &text).map_err(|why| {
                Failure::usage(format!("the token: {why}"))
                    .hint("openssl rand -hex 32 makes a good one")
            })?;
            Some(token)
        }
    };
    let reverse = match &args.user_header {
        None => None,
        Some(header) => Some(Reverse::new(header, &args.user).map_err(Failure::usage)?),
    };
    let every = Some(args.compare_every).filter(|every| *every > 0);
    let shelf = Arc::new(Shelf::new(context, &args.repository, &host, every)?);
    let mut door = Door {
        hosts: args.host.clone(),
        address: args.listen,
        token,
        reverse,
    };
    door.check().map_err(Failure::usage)?;
    if args.dry_run {
        return told(args, &shelf);
    }
    let served = listening::listen(
        args.listen,
        &host,
        &|line, address| line.with("url", &format!("http://{address}/")),
        |listener, address, stop| {
            door.address = address;
            shelf.keep().map_err(|why| format!("no threads: {why}"))?;
            let library = Arc::clone(&shelf) as Arc<dyn web::Library>;
            let server = Arc::new(web::Server::new(library, door, Arc::clone(&host) as _));
            listener::run(listener, &Bounds::default(), &server, stop)
                .map_err(|why| format!("cannot serve: {why}"))
        },
    );
    shelf.close();
    served
}

fn told(args: &Args, shelf: &Shelf) -> Result<Exit, Failure> {
    let text = if args.json {
        let names = shelf.names().map(|name| {
            Value::from(
                Object::new()
                    .with("ledger", name.slug.as_str())
                    .with(
                        "repository",
                        git_ledger::report::verdict::clean(&name.repository),
                    )
                    .with("ref", git_ledger::report::verdict::clean(&name.reference)),
            )
        });
        let object = Object::new()
            .with("listen", args.listen.to_string())
            .with("ledgers", names.collect::<Vec<_>>());
        Value::from(object).to_canonical() + "\n"
    } else {
        let names = shelf.names().map(|name| {
            let reference = git_ledger::escape::printable(&name.reference);
            format!("  {}  {reference}\n", name.slug)
        });
        format!(
            "would listen on {} for\n{}",
            args.listen,
            names.collect::<String>()
        )
    };
    terminal::answer(&text, Exit::Done)
}
