//! SOC 2: criteria of the Trust Services Criteria that a delivery pipeline's record speaks to.

use super::{Control, Evidence::*, Kind, Reach::*, control};

pub(super) const CONTROLS: &[Control] = &[
    control(
        "CC4.1",
        "Ongoing and separate evaluations",
        Part,
        &[Verified, Events("review")],
        "evaluations of controls other than this record",
    ),
    control(
        "CC6.1",
        "Logical access to protected assets",
        Part,
        &[Signers, PolicyChanges, Events("protection")],
        "access to systems other than this ledger and the repositories that record here",
    ),
    control(
        "CC6.2",
        "New access is authorised before it is given",
        Part,
        &[PolicyChanges, Events("access")],
        "how identities were checked; systems whose users are not recorded here",
    ),
    control(
        "CC6.3",
        "Access by role, least privilege, duties kept apart",
        Part,
        &[
            Signers,
            Events("access"),
            Explain(&[Kind::OnePerson, Kind::SelfApproved]),
        ],
        "whether two names are one person",
    ),
    control(
        "CC6.6",
        "Protection against threats from outside",
        Part,
        &[
            Events("signed-push"),
            Events("protection"),
            Explain(&[Kind::BadCertificate, Kind::ProtectionLifted]),
        ],
        "networks, endpoints, multi-factor sign-in",
    ),
    control(
        "CC6.8",
        "Unauthorised software is prevented or found",
        Part,
        &[
            Events("artifact"),
            Events("deployment"),
            Explain(&[Kind::UnapprovedDeployment]),
        ],
        "software that came another way than through the recorded pipeline",
    ),
    control(
        "CC7.1",
        "Changes of configuration and new weaknesses are found",
        Part,
        &[
            Events("configuration"),
            Events("incident"),
            Explain(&[Kind::Gap, Kind::ForcedPush]),
        ],
        "scans and baselines of systems that record nothing here",
    ),
    control(
        "CC7.2",
        "Anomalies are watched for",
        Part,
        &[
            Verified,
            Copies,
            Events("review"),
            Explain(&[Kind::Gap, Kind::FailedDelivery, Kind::TamperFound]),
        ],
        "monitoring of running systems",
    ),
    control(
        "CC7.3",
        "Security events are evaluated",
        Part,
        &[
            Events("incident"),
            Events("review"),
            Explain(&[Kind::TamperFound, Kind::CompromisedKey]),
        ],
        "how they were evaluated, unless somebody recorded it",
    ),
    control(
        "CC7.4",
        "Incidents are responded to",
        Part,
        &[Events("incident")],
        "the response itself",
    ),
    control(
        "CC7.5",
        "Recovery from incidents",
        None,
        &[],
        "recovery plans and tests",
    ),
    control(
        "CC8.1",
        "Changes are authorised, tested, approved and put in place",
        Whole,
        &[
            Events("change"),
            Events("approval"),
            Events("test"),
            Events("deployment"),
            Explain(&[
                Kind::UnapprovedDeployment,
                Kind::OnePerson,
                Kind::SelfApproved,
                Kind::ForcedPush,
                Kind::Gap,
            ]),
        ],
        "changes that are made past the recorded pipeline and leave no gap",
    ),
];
