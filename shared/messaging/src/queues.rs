//! Queue names, without the stage's prefix. Each is consumed by one job.

/// Notices to people: `notifications-dispatch`.
pub const NOTIFICATIONS: &str = "notifications";
/// Mails: `notifications-send-email`.
pub const EMAILS: &str = "emails";
/// Objects that arrived in the uploads bucket: `videos-start-transcode`.
pub const MEDIA_INGEST: &str = "media-ingest";
/// MediaConvert's job events: `videos-finish-transcode`.
pub const TRANSCODE_EVENTS: &str = "transcode-events";
/// Requests for a person's data: `identity-export-data`.
pub const DATA_EXPORTS: &str = "data-exports";
/// Accounts to erase: `identity-erase-user`.
pub const USER_ERASURES: &str = "user-erasures";
