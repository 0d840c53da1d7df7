//! Login: the user or API token as which a request is made.

/// Login: a user, or one of the user's API tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user: `root@pam`.
    pub user: String,
    /// The name of the API token, where one was used: `iac` of `root@pam!iac`.
    pub token: Option<String>,
}

impl Login {
    /// Reads `root@pam` or `root@pam!iac`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('!') {
            Some((user, token)) => Self { user: user.to_owned(), token: Some(token.to_owned()) },
            None => Self { user: text.to_owned(), token: None },
        }
    }

    /// `root@pam`, or `root@pam!iac` of a token.
    pub fn full(&self) -> String {
        match &self.token {
            Some(token) => format!("{}!{token}", self.user),
            None => self.user.clone(),
        }
    }

    /// Reports whether this is `root@pam` himself: a token of his is not.
    pub fn is_root(&self) -> bool {
        self.user == "root@pam" && self.token.is_none()
    }
}
