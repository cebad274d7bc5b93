//! Whether prevention is really on: one table of checks, and for each the rule that turns what
//! was observed into a diagnosis: what is wrong, why it matters, how to mend it.
//!
//! Everything here is a function of [`Facts`]; who gathered them, and from where, is not known.
//! A diagnosis is not a finding: findings are about the record and stand in the specification,
//! diagnoses are about the machine around it and stand in this table only.
//!
//! # Limits
//! What is all in order here can still be gone round by whoever administers the machine:
//! prevention is a courtesy, verification and mirrors are the guarantee.

pub mod account;
pub mod forge;
pub mod hooks;
pub mod key;
pub mod ledger;
pub mod programs;
pub mod repository;
pub mod settings;

use std::fmt;
use std::path::PathBuf;

/// What a repository is for, as far as checks depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Others push to it.
    Server,
    /// Somebody works and records in it.
    WorkTree,
    /// A copy that is only compared and verified.
    Auditor,
}

impl Place {
    /// The word in output and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Place::Server => "server",
            Place::WorkTree => "work-tree",
            Place::Auditor => "auditor",
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In order.
    Ok,
    /// Something is off.
    Off,
    /// Could not be told.
    Unknown,
    /// Does not apply here, or cannot be seen from here by anybody.
    NotApplicable,
}

impl State {
    /// The word in output.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Off => "off",
            State::Unknown => "unknown",
            State::NotApplicable => "n/a",
        }
    }
}

/// What is safe to change without asking, because it can be changed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Put hooks and their settings in place, as `git ledger hook install` does.
    InstallHooks,
    /// The same, with the reference-transaction hook.
    InstallTransactionHook,
    /// Set a key of the repository's own configuration.
    Set {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Take away permissions.
    Chmod {
        /// The file or directory.
        path: PathBuf,
        /// Its permissions from now on.
        mode: u32,
    },
    /// Put a file aside, under this program's own directory, with its name.
    PutAside(PathBuf),
}

/// One check, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The check.
    pub check: Check,
    /// What it came to.
    pub state: State,
    /// What was seen; may hold foreign text, so escape it before it is shown.
    pub detail: String,
    /// What to do about it; empty when nothing has to be done.
    pub mend: String,
    /// What can be done about it safely, in this order.
    pub fixes: Vec<Fix>,
}

impl Diagnosis {
    /// In order.
    pub fn ok(check: Check, detail: impl Into<String>) -> Diagnosis {
        Diagnosis {
            check,
            state: State::Ok,
            detail: detail.into(),
            mend: String::new(),
            fixes: Vec::new(),
        }
    }

    /// Does not apply, and why.
    pub fn not_applicable(check: Check, why: impl Into<String>) -> Diagnosis {
        Diagnosis {
            state: State::NotApplicable,
            ..Diagnosis::ok(check, why)
        }
    }

    /// Off: what is wrong, and how to mend it.
    pub fn off(check: Check, detail: impl Into<String>, mend: impl Into<String>) -> Diagnosis {
        Diagnosis {
            state: State::Off,
            mend: mend.into(),
            ..Diagnosis::ok(check, detail)
        }
    }

    /// Could not be told: why, and what would tell.
    pub fn unknown(check: Check, detail: impl Into<String>, mend: impl Into<String>) -> Diagnosis {
        Diagnosis {
            state: State::Unknown,
            ..Diagnosis::off(check, detail, mend)
        }
    }

    /// The same, with something that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Diagnosis {
        self.fixes.push(fix);
        self
    }
}

/// What was observed; a part that is missing was not looked at because it does not apply.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the repository is for.
    pub place: Place,
    /// The hooks.
    pub hooks: hooks::Facts,
    /// The settings git serves pushes by.
    pub settings: settings::Facts,
    /// Who runs, who owns, who logs in.
    pub account: account::Facts,
    /// The signing key.
    pub key: key::Facts,
    /// The repository around the ledger.
    pub repository: repository::Facts,
    /// The ledger's own state, and its mirrors.
    pub ledger: ledger::Facts,
    /// The programs that are run.
    pub programs: programs::Facts,
    /// The rules of a forge.
    pub forge: forge::Facts,
}

/// Every check, in the order of the table, with what it came to.
pub fn examine(facts: &Facts) -> Vec<Diagnosis> {
    let mut all = hooks::examine(facts.place, &facts.hooks);
    all.extend(settings::examine(facts.place, &facts.settings));
    all.extend(account::examine(facts.place, &facts.account));
    all.extend(key::examine(facts.place, &facts.key));
    all.extend(repository::examine(facts.place, &facts.repository));
    all.extend(ledger::examine(facts.place, &facts.ledger));
    all.extend(programs::examine(&facts.programs));
    all.extend(forge::examine(&facts.forge));
    all.sort_by_key(|diagnosis| diagnosis.check);
    all
}

/// The state of the whole: off outranks unknown, unknown outranks ok.
pub fn overall(diagnoses: &[Diagnosis]) -> State {
    let any = |state| diagnoses.iter().any(|one| one.state == state);
    if any(State::Off) {
        State::Off
    } else if any(State::Unknown) {
        State::Unknown
    } else {
        State::Ok
    }
}

macro_rules! checks {
    ($($group:ident $title:literal { $($variant:ident $id:literal $wants:literal $why:literal;)* })*) => {
        /// Checks that belong together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Group {
            $(#[doc = $title] $group,)*
        }

        impl Group {
            /// The heading, and the word in JSON.
            pub fn title(self) -> &'static str {
                match self { $(Group::$group => $title,)* }
            }
        }

        /// The stable name of one check, spelled in output as [`Check::name`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $($(#[doc = $wants] $variant,)*)*
        }

        impl Check {
            /// Every check there is, in the order of the table.
            pub const ALL: &'static [Check] = &[$($(Check::$variant,)*)*];

            /// The stable spelling, a lowerCamel word; scripts may rely on it for ever.
            pub fn name(self) -> &'static str {
                match self { $($(Check::$variant => $id,)*)* }
            }

            /// Its group.
            pub fn group(self) -> Group {
                match self { $($(Check::$variant => Group::$group,)*)* }
            }

            /// How it should be, without a full stop.
            pub fn wants(self) -> &'static str {
                match self { $($(Check::$variant => $wants,)*)* }
            }

            /// Why it matters, without a full stop.
            pub fn why(self) -> &'static str {
                match self { $($(Check::$variant => $why,)*)* }
            }
        }
    };
}

checks! {
    Hooks "hooks" {
        HookPreReceive "hookPreReceive" "the pre-receive hook is ours, whole and executable" "git passes over a hook it cannot start and accepts the push without a word";
        HookPostReceive "hookPostReceive" "the post-receive hook is ours, whole and executable" "outcomes are not recorded and mirrors not brought up to date";
        HookReferenceTransaction "hookReferenceTransaction" "the reference-transaction hook, where it was chosen, is in force" "moves of refs that are no push go unrecorded until the next reconciliation";
        HooksPath "hooksPath" "no configuration sends git elsewhere for hooks" "hooks that git does not look for refuse nothing";
        HookProgram "hookProgram" "the program that the hooks call is there, and only its owner can change it" "without it every push is refused; whoever can change it decides what is recorded";
        HookWritable "hookWritable" "nobody else can write the hooks" "whoever writes a hook runs programs as the account that receives pushes";
    }
    Settings "settings" {
        DenyNonFastForwards "denyNonFastForwards" "receive.denyNonFastForwards is true" "history could be rewritten by a push, should the hook be switched off";
        DenyDeletes "denyDeletes" "receive.denyDeletes is true" "delete and create in one push go round receive.denyNonFastForwards";
        FsckObjects "fsckObjects" "receive.fsckObjects is true" "malformed objects that confuse other programs would be let in";
        AdvertisePushOptions "advertisePushOptions" "receive.advertisePushOptions is true" "pushers could not hand over what the record should say about their push";
        HideRefs "hideRefs" "the ledger is not hidden from those who fetch" "auditors who cannot fetch the ledger cannot compare it";
        DenyCurrentBranch "denyCurrentBranch" "a push does not move a checked-out branch under its work tree" "the work tree would tell another story than the branch";
        Fsync "fsync" "git has commits and refs on the disk before it says so" "a power failure could take back a push that was acknowledged and recorded";
        FsyncMethod "fsyncMethod" "core.fsyncMethod waits for the disk" "with writeout-only, what was acknowledged may be in the disk's own cache";
        SharedRepository "sharedRepository" "files of the ledger are shared as core.sharedRepository says" "a file that another account cannot write makes that account's pushes fail";
        Reflog "reflog" "reflogs are kept and do not expire at once" "they are the nearest trace of a ref that was moved behind the hooks";
        Prune "prune" "gc leaves objects alone that were just written" "objects of a push or an append in progress could vanish before their ref stands";
        AutoGc "autoGc" "receive.autogc is not switched off" "each push leaves loose files; a file system without inodes records nothing";
        HttpReceivePack "httpReceivePack" "http.receivepack does not let unauthenticated pushes in" "a push without an identity is recorded as nobody's";
        DaemonReceivePack "daemonReceivePack" "git daemon does not serve pushes" "its protocol knows no identities";
        DumbTransports "dumbTransports" "no transport writes files past receive-pack" "WebDAV and rsync run no hooks";
    }
    Account "accounts" {
        AccountOwner "accountOwner" "doctor runs as the account that owns the repository" "the settings of another account's home are not seen";
        AccountShell "accountShell" "accounts that write here run nothing but git" "a pusher with a shell chooses a receive-pack or a HOME that skips every hook";
        SafeDirectory "safeDirectory" "safe.directory does not trust every directory" "git's check of who owns a repository is switched off";
    }
    Key "signing key" {
        KeyFound "keyFound" "a signing key is configured and can be used" "without it nothing is recorded, and a server refuses every push";
        KeyPermissions "keyPermissions" "only its owner can read the private key" "whoever reads it signs entries";
        KeyOwner "keyOwner" "the private key belongs to the account that uses it" "whoever owns the file can read or replace it";
        KeyUnattended "keyUnattended" "the key signs with nobody there" "a hook cannot ask for a passphrase or a touch";
        KeyPolicy "keyPolicy" "the policy lets this key record" "entries it signs would be breaches";
        KeyKind "keyKind" "the key is of a kind that may sign" "a verifier refuses weak keys";
        KeyPurpose "keyPurpose" "the key signs only ledgers" "what it is made to sign elsewhere could be shown as an entry";
    }
    Repository "repository" {
        RepositoryOwner "repositoryOwner" "the repository and its files belong to one account" "whoever owns a file there can rewrite the history in it";
        RepositoryParents "repositoryParents" "no directory above can be written by others" "who can rename a directory above can put another repository in its place";
        RepositoryWritable "repositoryWritable" "only its owner can write the repository" "whoever writes its files goes past every hook";
        ReplaceRefs "replaceRefs" "there are no replace refs" "stock git shows other objects in place of the recorded ones";
        Grafts "grafts" "there is no grafts file" "stock git shows another history than the recorded one";
        Alternates "alternates" "it borrows no objects from elsewhere" "whoever administers the other store can take entries away";
        Shallow "shallow" "its history is whole" "entries that are cut off cannot be verified";
        Promisor "promisor" "it is no partial clone" "missing objects would be fetched on demand from whoever answers";
        LedgerRef "ledgerRef" "the ledger ref is an ordinary branch with a commit" "a symbolic or broken ref is moved by whoever moves what it names";
        RefNames "refNames" "no ref is easily taken for the ledger" "people and case-folding disks take one for the other";
        StaleLocks "staleLocks" "no lock files were left behind" "a stale lock stops every append and push";
        LeftOvers "leftOvers" "no half-received objects were left behind" "they fill the disk";
        RefStorage "refStorage" "refs are stored in a way that the chosen hooks can work with" "on reftable, an append from reference-transaction always fails, and with it every push";
        ForeignPrograms "foreignPrograms" "its configuration names no programs" "this program runs none of them, but stock git does, some at the mere reading of a log";
    }
    Ledger "ledger" {
        LedgerPresent "ledgerPresent" "the ledger is here and its newest entry can be read" "nothing can be recorded on top of what cannot be read";
        Fingerprint "fingerprint" "the fingerprint is pinned" "a ledger of the same name, made anew, would be taken for this one";
        Marks "marks" "what was last seen on each copy can be read" "without it a rollback looks like news";
        Spool "spool" "no event waits to be recorded" "what waits is in no record, and only this machine has it";
        FailModes "failModes" "deployments and pushes that cannot be recorded do not go ahead" "what goes ahead and waits in the spool can be taken away by whoever holds that machine";
        Outstanding "outstanding" "no push waits for its outcome" "the record says accepted where the refs may not have moved";
        Steps "steps" "no step waits for its end to be recorded" "the record says that it runs, and nobody waits for it any more";
        Heartbeat "heartbeat" "the newest entry is not old" "a ledger that stands still cannot be told from one that is cut off";
        Reconcile "reconcile" "the refs were compared with the record lately" "moves that no hook saw are found by nothing else";
    }
    Mirrors "mirrors" {
        MirrorCount "mirrorCount" "at least two mirrors hold copies" "a ledger with one administrator can be rewritten unnoticed";
        MirrorIndependent "mirrorIndependent" "at least two copies are independent of each other" "copies that one person can change together are one copy";
        MirrorPush "mirrorPush" "the last push to the mirrors went well" "entries no mirror has can still be taken back unnoticed";
        MirrorFormat "mirrorFormat" "mirrors use the same object format" "git refuses to push between object formats";
    }
    Programs "programs" {
        ProgramGit "programGit" "git is found by an absolute path, and only its owner can change it" "whoever can change it decides what git says";
        ProgramSsh "programSsh" "ssh is found by an absolute path, and only its owner can change it" "mirrors are reached through it";
        ProgramKeygen "programKeygen" "ssh-keygen is found by an absolute path, and only its owner can change it" "keys that this program does not use itself sign through it";
        SearchPath "searchPath" "PATH has no relative directory and none that others can write" "a program planted there would be run by git and its helpers";
        PlantedPrograms "plantedPrograms" "no program of ours lies in the current directory" "with a relative PATH it would be run in place of the real one";
    }
    Forge "forge" {
        ForgeForcePush "forgeForcePush" "the forge blocks force pushes to the ledger branch" "history could be rewritten; a forge runs no hooks of ours";
        ForgeDeletion "forgeDeletion" "the forge blocks deletion of the ledger branch" "deleted and pushed again is rewritten";
        ForgeBypass "forgeBypass" "nobody may bypass the rules" "whoever bypasses them, administrators included, rewrites the branch";
        ForgeSignatures "forgeSignatures" "the forge refuses commits that are not signed" "anybody with write access could put an unsigned commit on top and make the ledger a breach";
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
