//! What a manual page says that no parser knows: exit status and limits.

/// What each exit status says.
pub const EXIT_STATUS: [(&str, &str); 5] = [
    ("0", "Sound, or done."),
    (
        "1",
        "Looked, and the answer is no: a breach, a refusal, a fork. A breach outranks an unknown.",
    ),
    (
        "2",
        "Could not tell: something could not be checked or reached.",
    ),
    ("128", "Could not run."),
    ("129", "The arguments make no sense."),
];

/// What the answer of a verb does not say.
pub const LIMITS: [(&str, &str); 16] = [
    (
        "append",
        "An entry says who recorded an event and when they said it was; not that it is true. What is recorded stays for ever: never pass secrets.",
    ),
    (
        "verify",
        "The answer is about this copy. A copy that was taken back to an older state, or rewritten with a stolen key before this clone first saw it, is sound in itself: only another copy, a mark, or a tip noted elsewhere shows it. With --incremental, objects of older entries that were lost or damaged since they were read are not seen.",
    ),
    (
        "compare",
        "Where all copies agree nothing can be told apart: whoever controls all of them, this clone and its marks can take everything back. A remote can show different histories to different people as long as they never exchange what they saw.",
    ),
    (
        "mirror",
        "Two addresses of one administrator look independent from here.",
    ),
    (
        "trace",
        "It follows the names that events claim: what names neither the commit nor a run or artifact on the way is not found, and data in attachments is not looked into. What is said to be missing was not recorded in a form that is understood here; it may have happened.",
    ),
    (
        "index",
        "The index is a file in the repository. A wrong one can leave entries out of what 'log' and 'stats' find, never add or change one; it holds no entry that was not verified, and does not see what happens to objects afterwards. --no-index and --verify read everything.",
    ),
    (
        "clone",
        "Without the fingerprint, handed over outside of git, a whole other ledger looks as sound as the right one.",
    ),
    (
        "hook",
        "Whoever administers the server can switch hooks off or move refs without git. git-ledger-doctor(1) shows the one and git-ledger-reconcile(1) the other, after the fact.",
    ),
    (
        "reconcile",
        "What was changed and changed back between two runs leaves no trace. The record says what differs, not who did it.",
    ),
    (
        "watch",
        "It sees what is there when it looks: what is changed and changed back between two looks it does not, unless another copy or a mark remembers. Who administers its machine, or the only way to whoever is told, can keep it quiet: let something else notice when it falls silent.",
    ),
    (
        "review",
        "A review says that its signer says so. It covers the entries whose digests it names and all before them in the same history; whether somebody read them nobody can tell.",
    ),
    (
        "doctor",
        "It sees this machine and what a forge answers. An administrator of either can show it what they like.",
    ),
    (
        "policy",
        "An approval covers the bytes of the new policy, not that a person understood them. A stolen key works until a policy entry retires it.",
    ),
    (
        "prove",
        "A receipt proves that an entry stands in the history that a later signer signed, at that number. It does not prove that this history is the only one.",
    ),
    (
        "check-proof",
        "The answer rests on the fingerprint alone. Who gave you that decides what the answer is worth.",
    ),
    (
        "evidence",
        "A fork proves that keys signed two histories. It does not tell which of the two is the honest one, nor who held a stolen key.",
    ),
];
