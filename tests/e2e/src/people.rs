use serde_json::{Value, json};

use crate::Stack;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Id.
    pub id: String,
    /// E-mail.
    pub email: String,
    /// Username.
    pub username: String,
    /// Access token.
    pub token: String,
    /// Refresh token.
    pub refresh: String,
}

/// Everybody's password in tests.
pub const PASSWORD: &str = "correct horse battery";

impl Person {
    /// Reads what register and login answer.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    pub fn of(answer: &Value) -> Self {
        let text =
            |value: &Value| value.as_str().unwrap_or_else(|| panic!("no session: {answer}")).to_owned();
        Self {
            id: text(&answer["user"]["id"]),
            email: text(&answer["user"]["email"]),
            username: text(&answer["user"]["username"]),
            token: text(&answer["access_token"]),
            refresh: text(&answer["refresh_token"]),
        }
    }
}

impl Stack {
    /// Registers somebody under this name.
    pub async fn register(&self, name: &str) -> Person {
        let body = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD, "language": "en"});
        Person::of(&self.post("/auth/register", None, &body).await.expect(201))
    }

    /// Signs the seeded administrator in.
    pub async fn admin(&self) -> Person {
        let body = json!({"email": "admin@example.com", "password": "local-admin-password"});
        Person::of(&self.post("/auth/login", None, &body).await.expect(200))
    }
}
