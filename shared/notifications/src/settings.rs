use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a kind of notice is about, as far as readers can switch it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Payments, orders, credits.
    Payment,
    /// Likes, comments, followers, publications.
    Social,
    /// Conversations.
    Chat,
    /// Offers.
    Marketing,
    /// The reader's own doings, for example a video that is ready: cannot be switched off.
    Own,
}

/// What a reader wants to hear of, and by which channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)] // One switch each is what a reader sees.
pub struct Settings {
    /// Payments, orders, credits.
    pub payment: bool,
    /// Likes, comments, followers, publications.
    pub social: bool,
    /// Conversations.
    pub chat: bool,
    /// Offers.
    pub marketing: bool,
    /// Ways besides the list itself.
    pub channels: Channels,
}

/// Ways that a notice takes besides the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Channels {
    /// Mobile push.
    pub push: bool,
    /// E-mail, where the kind asks for it.
    pub email: bool,
    /// Kakao `AlimTalk`, where the kind asks for it.
    pub alimtalk: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self { push: true, email: true, alimtalk: true }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { payment: true, social: true, chat: true, marketing: false, channels: Channels::default() }
    }
}

impl Settings {
    /// Whether the reader wants notices of this category.
    #[must_use]
    pub fn wants(&self, category: Category) -> bool {
        match category {
            Category::Payment => self.payment,
            Category::Social => self.social,
            Category::Chat => self.chat,
            Category::Marketing => self.marketing,
            Category::Own => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_on_but_offers_and_a_partial_setting_keeps_the_rest() {
        let settings: Settings = serde_json::from_str(r#"{"social": false}"#).unwrap();
        assert!(
            settings.wants(Category::Payment)
                && settings.wants(Category::Chat)
                && settings.wants(Category::Own)
        );
        assert!(!settings.wants(Category::Social) && !settings.wants(Category::Marketing));
        assert_eq!(settings.channels, Channels::default());
    }
}
