//! STS: who is calling. There is one caller here.

use cloud_core::WireError;

use crate::service::{Mail, unknown_operation};
use crate::xml::Xml;

impl Mail {
    pub(crate) fn sts(&self, action: &str) -> Result<Xml, WireError> {
        match action {
            "GetCallerIdentity" => Ok(Xml::default()
                .text("Arn", &format!("arn:aws:iam::{}:root", self.place.account))
                .text("UserId", &self.place.account)
                .text("Account", &self.place.account)),
            _ => Err(unknown_operation(action)),
        }
    }
}
