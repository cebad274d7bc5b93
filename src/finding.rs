//! Everything that can be wrong with a ledger: one table of ids, severities and sentences.
//!
//! A finding is one thing that is wrong, with the position of the first entry it concerns and
//! the evidence. How it was found, how it is shown and what to do about it is not this room's
//! business. `ledger-spec/findings.md` explains every id; `cargo xtask tidy` holds the two
//! tables against each other.

use std::fmt;

use gix::ObjectId;

/// What a finding does to the answer. Breach outranks unknown, unknown outranks note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth telling; changes no answer.
    Note,
    /// Something could not be checked: the answer is never "sound".
    Unknown,
    /// A rule is broken.
    Breach,
}

impl Severity {
    /// The word used in every output: `note`, `unknown` or `breach`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Unknown => "unknown",
            Severity::Breach => "breach",
        }
    }
}

macro_rules! findings {
    ($($variant:ident $id:literal $severity:ident $sentence:literal;)*) => {
        /// The stable name of one kind of finding, spelled in output as [`FindingId::name`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingId {
            $(#[doc = $sentence] $variant,)*
        }

        impl FindingId {
            /// Every id there is, in the order of the table.
            pub const ALL: &'static [FindingId] = &[$(FindingId::$variant,)*];

            /// The stable spelling, a lowerCamel word; scripts may rely on it for ever.
            pub fn name(self) -> &'static str {
                match self { $(FindingId::$variant => $id,)* }
            }

            /// What this finding does to the answer.
            pub fn severity(self) -> Severity {
                match self { $(FindingId::$variant => Severity::$severity,)* }
            }

            /// What is wrong, in one sentence without a full stop.
            pub fn sentence(self) -> &'static str {
                match self { $(FindingId::$variant => $sentence,)* }
            }
        }
    };
}

findings! {
    // The bytes git keeps.
    ObjectMissing "objectMissing" Breach "an object the ledger needs is not in the repository";
    ObjectCorrupt "objectCorrupt" Breach "an object's bytes do not hash to its id";
    ObjectKind "objectKind" Breach "an object is not of the kind its place demands";
    ObjectTooLarge "objectTooLarge" Breach "an object is larger than the format allows";
    // The commit around the entry.
    HeaderMalformed "headerMalformed" Breach "a commit header is missing, out of order or misspelled";
    HeaderUnknown "headerUnknown" Breach "the commit has a header that entries do not have";
    HeaderDuplicate "headerDuplicate" Breach "the commit has one header twice";
    ParentCount "parentCount" Breach "an entry has at most one parent";
    IdentityMalformed "identityMalformed" Breach "author or committer is not spelled `P <P> T +0000`";
    IdentityMismatch "identityMismatch" Breach "author and committer differ";
    SignatureMissing "signatureMissing" Breach "the commit is not signed";
    SignatureKind "signatureKind" Breach "the signature is not an SSH signature";
    SignatureNonCanonical "signatureNonCanonical" Breach "the signature is not spelled the one way it may be";
    SignatureNamespace "signatureNamespace" Breach "the signature was made for another purpose";
    SignatureKey "signatureKey" Breach "the signing key is malformed, weak or of a kind that may not sign";
    SignatureBad "signatureBad" Breach "the signature does not fit the bytes";
    // The message.
    MessageMalformed "messageMalformed" Breach "the message is not subject, events and trailers";
    MessageTooLarge "messageTooLarge" Breach "the commit is larger than 65,535 bytes";
    SubjectMismatch "subjectMismatch" Breach "the subject line is not the one derived from the events";
    TrailerMalformed "trailerMalformed" Breach "a trailer is missing, unknown, out of order or misspelled";
    RangeMalformed "rangeMalformed" Breach "the range does not hold one hash for each set bit of the number";
    EventMalformed "eventMalformed" Breach "an event is not a CloudEvents object the format allows";
    EventNonCanonical "eventNonCanonical" Breach "an event is not in canonical form";
    // The chain.
    SequenceGap "sequenceGap" Breach "the entry's number is not the next one";
    RangeMismatch "rangeMismatch" Breach "the entry's range does not continue the entry before it";
    TimeBackwards "timeBackwards" Breach "the entry is dated before the entry it follows";
    TimeFuture "timeFuture" Breach "the entry is dated too far in the future";
    // The tree.
    TreeShape "treeShape" Breach "the tree holds something it may not hold, or lacks something it must";
    PolicyDigestMismatch "policyDigestMismatch" Breach "ledger.toml is not the policy the entry names";
    DerivedMismatch "derivedMismatch" Breach "allowed_signers or README.md is not what the policy derives";
    AttachmentUnnamed "attachmentUnnamed" Breach "an attachment is named by no event of its entry";
    AttachmentAbsent "attachmentAbsent" Breach "an event names an attachment the tree does not hold";
    AttachmentDigest "attachmentDigest" Breach "an attachment's bytes do not have the digest it is named by";
    AttachmentUnreadable "attachmentUnreadable" Unknown "an attachment could not be read";
    // The policy.
    PolicyMalformed "policyMalformed" Breach "ledger.toml is not a policy";
    PolicyNonCanonical "policyNonCanonical" Breach "ledger.toml is not in canonical form";
    PolicyKey "policyKey" Breach "a key in the policy is malformed, weak or of a kind that may not sign";
    PolicyDuplicateKey "policyDuplicateKey" Breach "one key stands in two rows of the policy";
    PolicyLockout "policyLockout" Breach "fewer admins remain than the threshold demands";
    PolicyIdChanged "policyIdChanged" Breach "the ledger's id changed";
    PolicyRowChanged "policyRowChanged" Breach "a row of the policy was removed, moved or given another principal or key";
    PolicyUnretired "policyUnretired" Breach "a retired row was brought back";
    PolicySpecLowered "policySpecLowered" Breach "the level of the specification fell";
    PolicyCompromised "policyCompromised" Breach "a compromised row breaks its rules";
    PolicyEvent "policyEvent" Breach "the events do not fit what the entry does to the policy";
    SpecUnsupported "specUnsupported" Unknown "the ledger continues at a level of the specification this program does not know";
    // Who may write what.
    SignerUnknown "signerUnknown" Breach "the signing key is not in the policy in force";
    SignerPrincipal "signerPrincipal" Breach "the entry names another principal than its key's row";
    SignerRetired "signerRetired" Breach "the signing key was retired before this entry";
    SignerRole "signerRole" Breach "the signer's roles do not allow this event";
    SignerType "signerType" Breach "the signer's row does not allow this event type";
    ApprovalUnexpected "approvalUnexpected" Breach "approvals stand in an entry that changes no policy";
    ApprovalNonCanonical "approvalNonCanonical" Breach "an approval is not spelled the one way it may be";
    ApprovalBad "approvalBad" Breach "an approval's signature does not fit the proposed policy";
    ApprovalSigner "approvalSigner" Breach "an approval is not by an admin of the policy in force";
    ThresholdMissed "thresholdMissed" Breach "fewer distinct admins agreed than the threshold demands";
    CompromisedEntry "compromisedEntry" Unknown "an entry was signed with a key that was later called compromised, and no admin vouches for it";
    // What the events say together.
    EventRepeated "eventRepeated" Note "one event was recorded twice by one signer";
    EventConflict "eventConflict" Note "two different events bear the same source and id";
    // The anchor, and what was seen before.
    FingerprintMismatch "fingerprintMismatch" Breach "entry 0 is not the one this ledger is pinned to";
    RolledBack "rolledBack" Breach "the ledger lacks entries that were seen here before";
    HistoryRewritten "historyRewritten" Breach "the ledger holds another entry where one was seen here before";
    MarkUnreadable "markUnreadable" Unknown "what was seen here before could not be read";
    MarkMissing "markMissing" Unknown "a mark that must be there is gone";
    MarkAltered "markAltered" Unknown "what was seen here before is not written down as it was";
    Stale "stale" Unknown "the newest entry is older than allowed";
    // The proofs that travel.
    ProofMalformed "proofMalformed" Breach "the file is not a receipt or evidence in its one spelling";
    ProofPolicy "proofPolicy" Breach "a policy, or the entry that sets it, is not shown as it must be";
    ProofPath "proofPath" Breach "the hashes do not lead from an entry to the history it is said to be in";
    ProofClaim "proofClaim" Breach "the file shows something else than it claims";
    ProofUnanchored "proofUnanchored" Unknown "no fingerprint was given to judge the file by";
    // The report.
    ReportMalformed "reportMalformed" Breach "the file is not a report of a form that is known";
    ReportMismatch "reportMismatch" Breach "the page is another than its data make";
    ReportContradiction "reportContradiction" Breach "one part of the report says something else than another";
    ReportReceipt "reportReceipt" Breach "a receipt in the report does not prove what it should";
    ReportDiffers "reportDiffers" Breach "the ledger says something else than the report";
    ReportUnrelated "reportUnrelated" Breach "the report is of another ledger, or of a history that is not this one";
    ReportVersion "reportVersion" Unknown "the report was made by another version, so that its page cannot be made again";
    ReportUnchecked "reportUnchecked" Unknown "something in the report could not be checked here";
    ReportOlder "reportOlder" Note "the ledger has grown since the report was made";
    // The repository around it.
    Shallow "shallow" Unknown "the history is cut off, so older entries could not be checked";
    ReplaceRefs "replaceRefs" Note "replace refs would show stock git other objects; they were ignored";
    Grafts "grafts" Note "a grafts file would show stock git other parents; it was ignored";
    Alternates "alternates" Note "objects are borrowed from another store; this copy does not stand alone";
    // What others saw.
    TipForked "tipForked" Breach "a tip that was seen elsewhere stands in another history";
    TipUnrelated "tipUnrelated" Breach "a tip that was seen elsewhere is of another ledger";
    TipUnjudged "tipUnjudged" Unknown "whether a tip that was seen elsewhere is of this history cannot be told here";
    // The mirrors.
    MirrorSilent "mirrorSilent" Unknown "a remote gave no answer that could be used";
    MirrorMissing "mirrorMissing" Unknown "a remote does not have the ledger";
    MirrorRemoved "mirrorRemoved" Breach "a remote that held the ledger holds it no more";
    MirrorForked "mirrorForked" Breach "a remote holds another history";
    MirrorStray "mirrorStray" Breach "a remote holds another entry under a number this copy has too";
    MirrorTwin "mirrorTwin" Breach "a remote holds another spelling of an entry this copy has";
    MirrorRolledBack "mirrorRolledBack" Breach "a remote lacks entries it was seen to hold";
    MirrorUnrelated "mirrorUnrelated" Breach "a remote holds another ledger";
    MirrorBreach "mirrorBreach" Breach "a remote's copy breaks the rules";
    MirrorLagging "mirrorLagging" Unknown "a remote has lacked entries for longer than allowed";
    MirrorStale "mirrorStale" Unknown "a remote's newest entry is older than allowed";
    // What a push may not do.
    PushRewinds "pushRewinds" Breach "the push would take entries away from the ledger";
    PushDeletes "pushDeletes" Breach "the push would delete the ledger";
    PushDuplicate "pushDuplicate" Breach "the push names one ref twice";
    PushMixed "pushMixed" Breach "the push moves the ledger together with other refs";
    PushStale "pushStale" Breach "the push was made against another state of the ledger";
    PushRefName "pushRefName" Breach "the push touches a ref that could be taken for the ledger or changes how it is read";
    PushUnrecorded "pushUnrecorded" Breach "the push could not be recorded, so it is refused";
    // The refs the record follows.
    RefUnrecorded "refUnrecorded" Breach "a ref is not where the record left it, and no hook saw it move";
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub id: FindingId,
    /// Position of the first entry concerned, counted from the root; `None` when it is not about
    /// one entry, or when the root was not reached.
    pub at: Option<u64>,
    /// The commit concerned.
    pub commit: Option<ObjectId>,
    /// The evidence: what was found, and what was expected. Foreign text stands here as it was
    /// read; whoever shows it escapes it.
    pub detail: String,
}

impl Finding {
    /// A finding that is not about one entry.
    pub fn new(id: FindingId, detail: impl Into<String>) -> Self {
        Finding {
            id,
            at: None,
            commit: None,
            detail: detail.into(),
        }
    }

    /// The same finding, about the entry at this position and of this commit.
    pub fn at(mut self, position: Option<u64>, commit: ObjectId) -> Self {
        self.at = position;
        self.commit = Some(commit);
        self
    }

    /// What this finding does to the answer.
    pub fn severity(&self) -> Severity {
        self.id.severity()
    }
}

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Everything was checked and holds.
    Sound,
    /// Something could not be checked, and nothing that was checked is broken.
    Unknown,
    /// A rule is broken.
    Breach,
}

impl Answer {
    /// The answer these findings amount to.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Answer {
        match findings.into_iter().map(Finding::severity).max() {
            Some(Severity::Breach) => Answer::Breach,
            Some(Severity::Unknown) => Answer::Unknown,
            Some(Severity::Note) | None => Answer::Sound,
        }
    }

    /// The word used in every output: `sound`, `unknown` or `breach`.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Sound => "sound",
            Answer::Unknown => "unknown",
            Answer::Breach => "breach",
        }
    }
}
