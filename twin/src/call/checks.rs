//! Tables of checks: which of several possible refusals a call gets.

use super::refusal::Refusal;

/// One check: refuses a call that fails it. `T` is the call with what the check reads of it.
pub(crate) type Check<T> = fn(&T) -> Result<(), Refusal>;

/// Makes the checks of a table in their order. Clients see the refusal of the first that fails.
pub(crate) fn in_order<T>(checks: &[Check<T>], call: &T) -> Result<(), Refusal> {
    checks.iter().try_for_each(|check| check(call))
}
