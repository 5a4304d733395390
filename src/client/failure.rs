//! How a command can end other than well.

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The reader of stdout has gone, as with `| head`: there is nobody to tell more.
    #[error("stdout was closed")]
    Closed,
    /// What was asked for is not right.
    #[error("{0}")]
    Usage(String),
    /// No gateway answers there.
    #[error("{0}")]
    NotReachable(String),
    /// The token is missing or is not let in.
    #[error("{0}")]
    NotAdmitted(String),
    /// It can't be done as things are.
    #[error("{0}")]
    NotNow(String),
    /// The message will not be sent.
    #[error("{0}")]
    NotSent(String),
    /// It is not known what became of it.
    #[error("{0}")]
    Unknown(String),
    /// Whatever else.
    #[error("{0}")]
    Other(String),
    /// The result is told already and is not good.
    #[error("{}", .0)]
    Told(u8),
}

impl Failure {
    /// One without a name of its own, in the error's words.
    pub fn other(error: impl ToString) -> Self {
        Self::Other(error.to_string())
    }

    /// The exit code for it.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::NotReachable(_) => 3,
            Self::NotAdmitted(_) => 4,
            Self::NotNow(_) => 5,
            Self::NotSent(_) => 6,
            Self::Unknown(_) => 7,
            Self::Told(code) => *code,
        }
    }

    /// What is said on stderr; none: nothing is left to say.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::Closed | Self::Told(_) => None,
            Self::Usage(_)
            | Self::NotReachable(_)
            | Self::NotAdmitted(_)
            | Self::NotNow(_)
            | Self::NotSent(_)
            | Self::Unknown(_)
            | Self::Other(_) => Some(self.to_string()),
        }
    }
}
