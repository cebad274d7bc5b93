//! HIPAA: standards of the Security Rule that a record of changes speaks to.

use super::{Control, Evidence::*, Kind, Reach::*, control};

pub(super) const CONTROLS: &[Control] = &[
    control(
        "164.308(a)(1)(ii)(D)",
        "Records of activity are reviewed regularly",
        Part,
        &[
            Verified,
            Events("review"),
            Explain(&[Kind::Gap, Kind::TamperFound]),
        ],
        "reviews of the systems that hold health information",
    ),
    control(
        "164.308(a)(3)(ii)(A)",
        "Who works with health information is authorised or supervised",
        Part,
        &[Signers, Events("access")],
        "people and systems that are not recorded here",
    ),
    control(
        "164.308(a)(4)(ii)(C)",
        "Access is established, reviewed and changed by rule",
        Part,
        &[PolicyChanges, Events("access")],
        "access to the systems that hold health information",
    ),
    control(
        "164.308(a)(5)(ii)(C)",
        "Log-ins are monitored",
        None,
        &[],
        "log-ins are recorded elsewhere",
    ),
    control(
        "164.308(a)(6)(ii)",
        "Incidents are answered and documented",
        Part,
        &[
            Events("incident"),
            Explain(&[Kind::TamperFound, Kind::CompromisedKey]),
        ],
        "the response and its outcome, unless somebody recorded them",
    ),
    control(
        "164.308(a)(8)",
        "Periodic evaluation",
        Part,
        &[Verified, Events("review")],
        "evaluation of everything but this record",
    ),
    control(
        "164.312(a)(1)",
        "Only those with rights have access",
        Part,
        &[Signers, PolicyChanges],
        "access to health information itself",
    ),
    control(
        "164.312(b)",
        "Mechanisms record and examine activity",
        Part,
        &[
            Verified,
            Order,
            Events("push"),
            Events("deployment"),
            Explain(&[Kind::Gap, Kind::FailedDelivery, Kind::UnfinishedStep]),
        ],
        "activity in systems that hold health information, unless they record here",
    ),
    control(
        "164.312(c)(1)",
        "Protection from improper alteration or destruction",
        Part,
        &[Verified, Copies],
        "it is this record that is protected, not health information",
    ),
    control(
        "164.312(c)(2)",
        "It can be shown that nothing was altered",
        Part,
        &[Verified, Sample],
        "it is this record for which that can be shown",
    ),
    control(
        "164.312(d)",
        "Who acts is who they claim to be",
        Part,
        &[
            Signers,
            Events("signed-push"),
            Explain(&[Kind::BadCertificate, Kind::CompromisedKey]),
        ],
        "who used a key that people share; sign-in to other systems",
    ),
    control(
        "164.316(b)(1)",
        "Actions and assessments are documented",
        Part,
        &[Order, PolicyChanges],
        "policies and procedures of the organisation",
    ),
    control(
        "164.316(b)(2)(i)",
        "Documentation is kept for six years",
        Part,
        &[Kept, Copies],
        "that it will be kept; documentation elsewhere",
    ),
];
