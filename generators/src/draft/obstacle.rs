//! Obstacles and remarks: what keeps an object out of Terraform, and what the user should know.

use proxmox_mpc_model::Unreadable;

/// An obstacle to importing an object, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The reason why the object cannot be imported, with the fact behind it.
    pub reason: String,
    /// A command or a step for the user; `None` where nothing helps.
    pub remedy: Option<String>,
}

impl Obstacle {
    /// An obstacle without a remedy.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: None }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// An error that ends a row.
#[derive(Debug)]
pub enum RowError {
    /// The object cannot be imported.
    Obstacle(Obstacle),
    /// A stored answer cannot be read back.
    Unreadable(Unreadable),
}

impl From<Obstacle> for RowError {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<Unreadable> for RowError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// Result of a row.
pub type RowResult = Result<(), RowError>;

/// A remark for the user about an object that is code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The remark.
    pub text: String,
    /// The remedy; `None` if there is none.
    pub remedy: Option<String>,
}
