//! GDPR: articles on security and accountability that a record of changes speaks to.

use super::{Control, Evidence::*, Kind, Reach::*, control};

pub(super) const CONTROLS: &[Control] = &[
    control(
        "Art. 5(1)(f)",
        "Integrity and confidentiality",
        Part,
        &[
            Verified,
            Signers,
            Explain(&[Kind::TamperFound, Kind::CompromisedKey]),
        ],
        "personal data in the systems themselves; confidentiality",
    ),
    control(
        "Art. 5(2)",
        "Accountability: being able to show it",
        Part,
        &[Verified, Sample, Kept],
        "what is shown here concerns changes and deliveries, not each processing",
    ),
    control(
        "Art. 17",
        "Erasure",
        None,
        &[],
        "what an entry holds cannot be erased without a trace; keep personal data out of it",
    ),
    control(
        "Art. 24",
        "Measures are reviewed and updated",
        Part,
        &[Events("review"), PolicyChanges],
        "measures other than those recorded here",
    ),
    control(
        "Art. 25",
        "Data protection by design and by default",
        Part,
        &[Events("change"), Events("approval")],
        "whether reviews looked at data protection",
    ),
    control(
        "Art. 30",
        "Records of processing activities",
        None,
        &[],
        "the register of processing is kept elsewhere",
    ),
    control(
        "Art. 32(1)(b)",
        "Lasting integrity and availability of systems",
        Part,
        &[
            Verified,
            Copies,
            Events("deployment"),
            Explain(&[Kind::UnapprovedDeployment, Kind::Gap]),
        ],
        "resilience of running systems",
    ),
    control(
        "Art. 32(1)(d)",
        "Measures are tested and evaluated regularly",
        Part,
        &[Events("review"), Events("test")],
        "tests of security that nobody recorded here",
    ),
    control(
        "Art. 32(4)",
        "People with access act on instructions only",
        Part,
        &[
            Signers,
            Events("access"),
            Explain(&[Kind::OnePerson, Kind::SelfApproved]),
        ],
        "the instructions",
    ),
    control(
        "Art. 33(1)",
        "Breaches are notified within 72 hours",
        Part,
        &[Events("incident")],
        "the notification; when somebody became aware is as recorded",
    ),
    control(
        "Art. 33(5)",
        "Breaches, their effects and remedies are documented",
        Part,
        &[
            Events("incident"),
            Order,
            Explain(&[Kind::TamperFound, Kind::CompromisedKey]),
        ],
        "effects and remedies, unless somebody recorded them",
    ),
];
