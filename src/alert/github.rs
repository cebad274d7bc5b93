//! An alert in the log of a workflow: an annotation, and a line for the summary of the job.
//!
//! The runner obeys lines that begin with `::`. Nothing of an alert can make a second one: all that
//! could end the line or the property is escaped as the runner undoes it.
//!
//! Source: GitHub "Workflow commands"; actions/toolkit, `packages/core/src/command.ts`.

use crate::escape::printable;
use crate::finding::Severity;

use super::{Alert, Kind};

/// The line of the annotation, without its end.
pub fn annotation(alert: &Alert) -> String {
    let level = match (alert.kind, alert.severity) {
        (Kind::Gone, _) | (_, Severity::Note) => "notice",
        (_, Severity::Unknown) => "warning",
        (_, Severity::Breach) => "error",
    };
    format!(
        "::{level} title={}::{}",
        property(&alert.title()),
        data(&alert.line())
    )
}

/// A line of Markdown; foreign words stand in it as code, where nothing is a link or a picture.
pub fn summary(alert: &Alert) -> String {
    // a backtick would end the code, and nothing escapes it there
    let code = |text: &str| printable(text).replace('`', "'");
    format!(
        "- **{}** `{}` {} `{}`\n",
        alert.severity.word(),
        alert.name,
        alert.meaning,
        code(&alert.line())
    )
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    printable(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// What stands in a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
