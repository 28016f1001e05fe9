use std::sync::Arc;

use kernel::Settings;
use messaging::{Mail, MailContent, queues};
use storage::Send;

use crate::user::Profile;

/// Links and mails of identity.
#[derive(Clone)]
pub(crate) struct Letters {
    app_url: Arc<str>,
}

impl Letters {
    /// Reads `APP_URL`, where people confirm and reset; the API's own `PUBLIC_URL` when it is not set.
    pub(crate) fn open(settings: &mut Settings<'_>) -> Self {
        let public_url = settings.text("PUBLIC_URL");
        let app_url = settings.or("APP_URL", public_url);
        Self { app_url: app_url.trim_end_matches('/').into() }
    }

    pub(crate) fn verify_email(&self, to: &Profile, token: &str) -> Send {
        mail(
            to,
            MailContent::VerifyEmail {
                name: to.display_name.clone(),
                link: format!("{}/verify-email?token={token}", self.app_url),
                token: token.to_owned(),
            },
        )
    }

    pub(crate) fn reset_password(&self, to: &Profile, token: &str) -> Send {
        mail(
            to,
            MailContent::ResetPassword {
                name: to.display_name.clone(),
                link: format!("{}/reset-password?token={token}", self.app_url),
                token: token.to_owned(),
            },
        )
    }
}

/// A mail to a person, in their language.
pub(crate) fn mail(to: &Profile, content: MailContent) -> Send {
    Send::to(queues::EMAILS, &Mail { to: to.email.clone(), language: to.language, content })
}
