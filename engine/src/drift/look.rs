//! A look at the cluster: its drift at one moment.

use super::accepted::Accepted;
use super::comparison::{self, DriftSource};
use super::report::DriftReport;
use super::rules::Rules;
use super::{DriftError, classification};
use crate::operation::{Context, Failure};

/// Looks at the cluster once.
pub(super) async fn look(source: &DriftSource, context: &Context) -> Result<DriftReport, Failure> {
    let comparison = comparison::compare(source, context).await?;
    let work = move |context: &Context| -> Result<DriftReport, DriftError> {
        let rules = Rules::read(&comparison.workspace, context.seconds())?;
        let accepted = Accepted::read(&comparison.workspace)?;
        Ok(classification::report(&comparison, &rules, &accepted))
    };
    Ok(context.block(work).await?)
}
