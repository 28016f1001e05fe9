use kernel::Language;
use serde::{Deserialize, Serialize};

/// A mail to one address, on [`crate::queues::EMAILS`]. The words are chosen where it is sent, in this language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// Address.
    pub to: String,
    /// The reader's language.
    pub language: Language,
    /// What it says.
    #[serde(flatten)]
    pub content: MailContent,
}

/// What a mail says. Links come with the bare token beside them. `name` is how the reader is called, `link` where a
/// button leads, `title` what the reader called the thing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
#[allow(missing_docs)] // The members say the same in every mail; see above.
pub enum MailContent {
    /// Confirm an address.
    VerifyEmail { name: String, link: String, token: String },
    /// Choose a new password.
    ResetPassword { name: String, link: String, token: String },
    /// A code for a second factor.
    MfaCode { name: String, code: String },
    /// All data of a person, ready to be fetched.
    DataExport { name: String, link: String },
    /// The account was closed and its data erased.
    AccountErased { name: String },
    /// A video can be watched or published.
    VideoReady { name: String, title: String, link: String },
}
