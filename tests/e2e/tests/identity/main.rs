//! Accounts, from registration to erasure, as clients see them.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod admin;
mod email;
mod erasure;
mod export;
mod keys;
mod lockout;
mod login;
mod mfa;
mod oauth;
mod password;
mod profile;
mod refresh;
mod registration;
mod sessions;

use e2e::{Answer, Person, Stack};
use serde_json::{Value, json};

/// The body of a registration.
fn registration(name: &str) -> Value {
    json!({"email": format!("{name}@example.org"), "username": name, "password": e2e::PASSWORD, "language": "en"})
}

/// Signs in by password, whatever the answer is.
async fn login(stack: &Stack, email: &str, password: &str) -> Answer {
    stack.post("/auth/login", None, &json!({"email": email, "password": password})).await
}

/// Signs somebody in once more: another session.
async fn another_session(stack: &Stack, of: &Person) -> Person {
    Person::of(&login(stack, &of.email, e2e::PASSWORD).await.expect(200))
}

/// The only mail to somebody whose text holds this.
#[track_caller]
fn mail_with(stack: &Stack, to: &str, words: &str) -> String {
    let found: Vec<String> = stack
        .mails(to)
        .iter()
        .filter_map(|m| m["text"].as_str().map(str::to_owned))
        .filter(|text| text.contains(words))
        .collect();
    assert_eq!(found.len(), 1, "mails to {to} with {words:?}: {found:#?}");
    found.into_iter().next().unwrap()
}

/// The token of a mail's link.
#[track_caller]
fn token_of(mail: &str) -> String {
    let after = mail.split_once("token=").unwrap_or_else(|| panic!("no token in {mail}")).1;
    let token: String =
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    // The bare token stands there a second time, for clients that cannot open links.
    assert_eq!(mail.matches(&token).count(), 2, "{mail}");
    token
}
