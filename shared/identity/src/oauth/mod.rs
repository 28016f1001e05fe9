//! Signing in by Google, GitHub and Twitter (X): OAuth 2.0 authorization code with PKCE and a state that works once.

mod federation;
mod provider;

pub use federation::{AuthorizeUrl, Callback, Federation, OauthStart};
