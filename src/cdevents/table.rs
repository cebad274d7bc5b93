//! The types of the specification with their versions, and the members of their content.

use super::Form;
use super::Form::{Name, Reference, Text, Texts, Uri, Word};

/// One type.
pub(super) struct Row {
    /// Subject and predicate, such as `service.deployed`.
    pub name: &'static str,
    /// Three numbers.
    pub version: &'static str,
    /// The members of the content, in groups.
    pub content: &'static [&'static [Member]],
}

/// One member of a content; a dot stands where it nests.
pub(super) struct Member {
    pub name: &'static str,
    pub form: Form,
    pub need: Need,
}

/// Whether a member must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Always,
    /// Where the object it stands in is there.
    Within,
    Never,
}

const fn needs(name: &'static str, form: Form) -> Member {
    let need = Need::Always;
    Member { name, form, need }
}

const fn within(name: &'static str, form: Form) -> Member {
    let need = Need::Within;
    Member { name, form, need }
}

const fn may(name: &'static str, form: Form) -> Member {
    let need = Need::Never;
    Member { name, form, need }
}

const fn row(
    name: &'static str,
    version: &'static str,
    content: &'static [&'static [Member]],
) -> Row {
    Row {
        name,
        version,
        content,
    }
}

const OUTCOMES: Form = Word(&["success", "failure", "cancel", "error"]);
const DECISIONS: Form = Word(&[
    "approved",
    "rejected",
    "requestChanges",
    "escalated",
    "delegate",
    "deferred",
]);
const SEVERITIES: Form = Word(&["low", "medium", "high", "critical"]);
const TESTS: Form = Word(&[
    "performance",
    "functional",
    "unit",
    "security",
    "compliance",
    "integration",
    "e2e",
    "other",
]);
const TRIGGERS: Form = Word(&["manual", "pipeline", "event", "schedule", "other"]);

const IN_ENVIRONMENT: &[Member] = &[
    needs("environment.id", Name),
    may("environment.source", Reference),
];
const MAYBE_ENVIRONMENT: &[Member] = &[
    within("environment.id", Name),
    may("environment.source", Reference),
];
const REPOSITORY: &[Member] = &[
    within("repository.id", Name),
    may("repository.source", Reference),
];
const PIPELINE_RUN: &[Member] = &[
    within("pipelineRun.id", Name),
    may("pipelineRun.source", Reference),
];
const SERVICE: &[Member] = &[within("service.id", Name), may("service.source", Reference)];
const ARTIFACT: &[Member] = &[needs("artifactId", Name)];
const MAYBE_ARTIFACT: &[Member] = &[may("artifactId", Name)];
const SBOM: &[Member] = &[within("sbom.uri", Reference)];
const USER: &[Member] = &[may("user", Name)];
const DESCRIPTION: &[Member] = &[may("description", Text)];
const TASK: &[Member] = &[may("taskName", Text), may("uri", Uri)];
const REPOSITORY_KNOWN: &[Member] = &[
    may("name", Text),
    may("owner", Text),
    may("uri", Uri),
    may("viewUrl", Uri),
];
const APPROVAL: &[Member] = &[
    needs("approvalDetailsUrl", Name),
    needs("resourceTargetUrl", Name),
];
const TEST_CASE: &[Member] = &[
    within("testCase.id", Name),
    may("testCase.name", Text),
    may("testCase.type", TESTS),
    may("testCase.uri", Uri),
    may("testCase.version", Text),
];
const TEST_SUITE: &[Member] = &[
    within("testSuite.id", Name),
    may("testSuite.name", Text),
    may("testSuite.uri", Uri),
    may("testSuite.version", Text),
];
const TEST_SUITE_RUN: &[Member] = &[
    within("testSuiteRun.id", Name),
    may("testSuiteRun.source", Reference),
];
const TRIGGER: &[Member] = &[may("trigger.type", TRIGGERS), may("trigger.uri", Uri)];
const TEST_OUTCOME: &[Member] = &[
    needs("outcome", OUTCOMES),
    may("reason", Text),
    may("severity", SEVERITIES),
];
const TICKET: &[Member] = &[
    needs("uri", Reference),
    may("assignees", Texts),
    may("group", Text),
    may("labels", Texts),
    may("milestone", Text),
    may("priority", Name),
    may("ticketType", Name),
];
const TICKET_LATER: &[Member] = &[
    may("creator", Name),
    may("summary", Text),
    may("updatedBy", Text),
];

/// All types. Approval stands in the specification's main branch after 0.5.0 and is taken by
/// readers of 0.5; no other draft is here.
pub(super) const ROWS: &[Row] = &[
    row(
        "approval.created",
        "0.1.0",
        &[APPROVAL, &[needs("requestor", Uri)]],
    ),
    row(
        "approval.updated",
        "0.1.0",
        &[
            APPROVAL,
            &[needs("decision", DECISIONS), needs("responder", Uri)],
        ],
    ),
    row(
        "approval.closed",
        "0.1.0",
        &[
            APPROVAL,
            &[
                needs("decision", DECISIONS),
                needs("responder", Uri),
                needs(
                    "status",
                    Word(&["approved", "rejected", "cancelled", "expired"]),
                ),
            ],
        ],
    ),
    row("artifact.deleted", "0.2.0", &[USER]),
    row("artifact.downloaded", "0.2.0", &[USER]),
    row(
        "artifact.packaged",
        "0.3.0",
        &[
            &[needs("change.id", Name), may("change.source", Reference)],
            SBOM,
        ],
    ),
    row("artifact.published", "0.3.0", &[SBOM, USER]),
    row("artifact.signed", "0.3.0", &[&[needs("signature", Name)]]),
    row("branch.created", "0.3.0", &[REPOSITORY]),
    row("branch.deleted", "0.3.0", &[REPOSITORY]),
    row("build.finished", "0.3.0", &[MAYBE_ARTIFACT]),
    row("build.queued", "0.3.0", &[]),
    row("build.started", "0.3.0", &[]),
    row("change.abandoned", "0.3.0", &[REPOSITORY]),
    row(
        "change.created",
        "0.4.0",
        &[REPOSITORY, &[may("description", Name)]],
    ),
    row("change.merged", "0.3.0", &[REPOSITORY]),
    row("change.reviewed", "0.3.0", &[REPOSITORY]),
    row("change.updated", "0.3.0", &[REPOSITORY]),
    row(
        "environment.created",
        "0.3.0",
        &[&[may("name", Text), may("uri", Uri)]],
    ),
    row("environment.deleted", "0.3.0", &[&[may("name", Text)]]),
    row(
        "environment.modified",
        "0.3.0",
        &[&[may("name", Text), may("uri", Uri)]],
    ),
    row(
        "incident.detected",
        "0.3.0",
        &[IN_ENVIRONMENT, SERVICE, MAYBE_ARTIFACT, DESCRIPTION],
    ),
    row(
        "incident.reported",
        "0.3.0",
        &[
            IN_ENVIRONMENT,
            &[needs("ticketURI", Uri)],
            SERVICE,
            MAYBE_ARTIFACT,
            DESCRIPTION,
        ],
    ),
    row(
        "incident.resolved",
        "0.3.0",
        &[IN_ENVIRONMENT, SERVICE, MAYBE_ARTIFACT, DESCRIPTION],
    ),
    row(
        "pipelinerun.finished",
        "0.3.0",
        &[&[
            may("errors", Text),
            may("outcome", OUTCOMES),
            may("pipelineName", Text),
            may("uri", Uri),
        ]],
    ),
    row(
        "pipelinerun.queued",
        "0.3.0",
        &[&[may("pipelineName", Text), may("uri", Uri)]],
    ),
    row(
        "pipelinerun.started",
        "0.3.0",
        &[&[needs("pipelineName", Text), needs("uri", Uri)]],
    ),
    row(
        "repository.created",
        "0.3.0",
        &[&[
            needs("name", Name),
            needs("uri", Uri),
            may("owner", Text),
            may("viewUrl", Uri),
        ]],
    ),
    row("repository.deleted", "0.3.0", &[REPOSITORY_KNOWN]),
    row("repository.modified", "0.3.0", &[REPOSITORY_KNOWN]),
    row("service.deployed", "0.3.0", &[IN_ENVIRONMENT, ARTIFACT]),
    row("service.published", "0.3.0", &[MAYBE_ENVIRONMENT]),
    row("service.removed", "0.3.0", &[MAYBE_ENVIRONMENT]),
    row("service.rolledback", "0.3.0", &[IN_ENVIRONMENT, ARTIFACT]),
    row("service.upgraded", "0.3.0", &[IN_ENVIRONMENT, ARTIFACT]),
    row(
        "taskrun.finished",
        "0.3.0",
        &[
            TASK,
            PIPELINE_RUN,
            &[may("errors", Text), may("outcome", Text)],
        ],
    ),
    row("taskrun.started", "0.3.0", &[TASK, PIPELINE_RUN]),
    row(
        "testcaserun.finished",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_OUTCOME, TEST_CASE, TEST_SUITE_RUN],
    ),
    row(
        "testcaserun.queued",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_CASE, TEST_SUITE_RUN, TRIGGER],
    ),
    row(
        "testcaserun.skipped",
        "0.2.0",
        &[
            MAYBE_ENVIRONMENT,
            TEST_CASE,
            TEST_SUITE_RUN,
            &[may("reason", Text)],
        ],
    ),
    row(
        "testcaserun.started",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_CASE, TEST_SUITE_RUN, TRIGGER],
    ),
    row(
        "testoutput.published",
        "0.3.0",
        &[&[
            needs("format", Text),
            needs(
                "outputType",
                Word(&["report", "video", "image", "log", "other"]),
            ),
            may("uri", Uri),
            within("testCaseRun.id", Name),
            may("testCaseRun.source", Reference),
        ]],
    ),
    row(
        "testsuiterun.finished",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_OUTCOME, TEST_SUITE],
    ),
    row(
        "testsuiterun.queued",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_SUITE, TRIGGER],
    ),
    row(
        "testsuiterun.started",
        "0.3.0",
        &[IN_ENVIRONMENT, TEST_SUITE, TRIGGER],
    ),
    row(
        "ticket.closed",
        "0.2.0",
        &[TICKET, TICKET_LATER, &[needs("resolution", Name)]],
    ),
    row(
        "ticket.created",
        "0.2.0",
        &[TICKET, &[needs("creator", Name), needs("summary", Text)]],
    ),
    row("ticket.updated", "0.2.0", &[TICKET, TICKET_LATER]),
];
