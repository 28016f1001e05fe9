//! AWS Elemental `MediaConvert`, spoken over its wire protocol and done with ffmpeg.
//!
//! A job is accepted like in AWS ([`Media`] checks the settings and answers `BadRequestException` for what would be
//! refused there), waits in a queue, and is really transcoded: one ffmpeg process decodes the input once and encodes
//! every output of the job. What happens is announced on the event bus as `MediaConvert Job State Change`.
//!
//! What differs from AWS on purpose:
//! - `STATUS_UPDATE` comes about once a second instead of once a `StatusUpdateInterval`, so that people see progress.
//! - A `ClientRequestToken` is remembered as long as its job, not for one minute.
//! - Settings that this service cannot honour (other codecs, captions, encryption, clipping) are refused when the job
//!   is created, never silently left out.
//!
//! Wire format: the API model of `2017-08-29`; events and error codes as in the `MediaConvert` user guide
//! (`mediaconvert_event_list`, `mediaconvert_error_codes`).

mod api;
mod codec;
mod command;
mod events;
mod failure;
mod ffmpeg;
mod files;
mod frame;
mod job;
mod jobs;
mod media;
mod playlist;
mod probe;
mod probe_answer;
mod s3_url;
mod settings;
mod transcode;
mod work;
mod worker;

pub use files::Files;
pub use media::{Media, OpenError};
