//! Module instances.

use hcl::Value;

/// An element of `count` or `for_each`.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    /// `each.value`.
    pub(super) value: Option<std::rc::Rc<Value>>,
}
