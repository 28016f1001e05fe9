//! The services that send and keep small things, on one machine: SES (v1 and v2), SNS, SSM Parameter Store, Secrets
//! Manager, STS, KMS, and as much of `CloudWatch` and `CloudWatch` Logs as set-up scripts call.
//!
//! Nothing leaves the machine. Mails, text messages and mobile pushes are kept to be looked at
//! ([`Mail::mails`], [`Mail::texts`], [`Mail::pushes`], and `GET /_aws/ses`); what SNS publishes to queues and functions
//! goes through [`cloud_core::Deliver`].
//!
//! Wire formats: the API models `2010-12-01` (SES), `2019-09-27` (SES v2), `2010-03-31` (SNS), `2014-11-06` (SSM),
//! `2017-10-17` (Secrets Manager), `2011-06-15` (STS), `2014-11-01` (KMS), `2010-08-01` (`CloudWatch`),
//! `2014-03-28` (Logs).

mod form;
mod ident;
mod json;
mod kms;
mod logs;
mod metrics;
mod secrets;
mod service;
mod ses;
mod sns;
mod ssm;
mod sts;
mod xml;

pub use service::{Mail, OpenError};
pub use ses::CapturedMail;
pub use sns::{CapturedPush, CapturedText};
