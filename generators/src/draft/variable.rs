//! Variables of the generated code: values that only a creation needs, and secrets.

/// A variable of the generated code.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Description for the user.
    pub description: String,
    /// Default. Every variable has one, because a plan must not ask for a value that only a creation needs.
    pub default: VariableDefault,
    /// True if Terraform must not print the value.
    pub sensitive: bool,
}

/// Default of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableDefault {
    /// `null`, as if the attribute were not set.
    Null,
    /// A text.
    Text(String),
    /// An empty map of texts.
    Map,
}
