//! Videos: upload → transcode → play, and what the audience does.
//!
//! # States
//!
//! `uploading → queued → transcoding → ready | failed`, forward only ([`Status::may_become`] is the one place that says
//! so). Whether a video is out is another matter: `draft → scheduled → published`, decided by its owner once it is
//! `ready`; and who may watch it is a third: visibility, least plan, adult (`access::play`).
//!
//! # Table `videos`
//!
//! | item | key | indexes |
//! |---|---|---|
//! | video, with its counts | `VIDEO#{id}` / `VIDEO` | none: a view must not rewrite indexes |
//! | place in its owner's list | `VIDEO#{id}` / `OWNER` | `gsi1`: `OWNER#{user}` / uploaded at |
//! | place in a public list | `VIDEO#{id}` / `LIST#…` | `gsi1`: `LIST#…` / published at; `gsi2`: `LIST#…` / views, published at |
//! | like | `VIDEO#{id}` / `LIKE#{user}` | `gsi1`: `LIKER#{user}` / time |
//! | comment | `VIDEO#{id}` / `COMMENT#{id}` | `gsi1`: `AUTHOR#{user}` / id |
//! | date in the agenda | `VIDEO#{id}` / `DUE#…` | `gsi1`: `DUE` / when |
//! | upload (kept a week after its end) | `UPLOAD#{id}` / `UPLOAD` | |
//! | mark of a view (half an hour) | `VIEW#{video}#{viewer}` / `VIEW` | |
//! | outbox | `OUTBOX#{id}` / `OUTBOX` | |
//!
//! Lists are `LIST#ALL`, `LIST#KIND#…`, `LIST#CATEGORY#…`, `LIST#TAG#…`, `LIST#CREATOR#…`. A row of a list points to
//! its video; the page is then read by one `BatchGetItem`, so that a list never shows an old count and a view never
//! writes a list. One partition a list is enough: it is written once a publication, and public pages are cached.
//!
//! # What calls cost
//!
//! | call | AWS calls | units |
//! |---|---|---|
//! | [`Catalog::get`] | `GetItem` | ½ read a 4 KB |
//! | [`Catalog::list`] | `Query` of an index, `BatchGetItem` (the page's videos; see above) | 1 and ½ a video |
//! | [`Catalog::update`], [`Catalog::publish`] | `GetItem` (what is replaced decides which lists change), transaction | 2 writes a row: the video, its lists, the agenda |
//! | [`Library::status`] | `GetItem`, consistent: the owner waits for it | 1 read |
//! | [`Library::delete`] | `GetItem`, transaction | 2 writes a row |
//! | [`Uploads::initiate`] | (`CreateMultipartUpload`), transaction; URLs are signed here | 10 writes |
//! | [`Uploads::sign_parts`] | `GetItem` | 1 read |
//! | [`Uploads::get`] | `GetItem`, `ListParts` a thousand parts, or `HeadObject` | 1 read |
//! | [`Uploads::complete`] | `GetItem`, `ListParts`, `CompleteMultipartUpload`, transaction | 1 read, 4 writes |
//! | [`Uploads::abort`] | `GetItem`, transaction, `AbortMultipartUpload` or `DeleteObject` | 1 read, 10 writes |
//! | [`Player::watch`] | `GetItem`, and for followers' videos one more | ½ read each |
//! | [`Manifests::get`] | `GetObject` | none |
//! | [`Views::record`] | `BatchGetItem`, transaction; rarely the lists | 1 read, 4 writes |
//! | [`Audience::like`], [`Audience::comment`] | `BatchGetItem` or `GetItem`, transaction | 1 read, 6 writes |
//! | [`Audience::comments`] | `GetItem` (may the caller see them) beside `Query` | ½ and ½ a 4 KB |
//! | [`Captions::add`] | `GetItem`, `PutObject` × 2, transaction, `GetObject`, `GetItem`, `PutObject` | 2 reads, 4 writes |
//!
//! # If the process dies
//!
//! - **initiate**, between S3's upload and the transaction: an upload without parts and without a record; the bucket's
//!   lifecycle ends it after a day.
//! - **complete**, after S3 made the file: the file's event moves the video on; a repeated completion finds the file and
//!   closes the upload.
//! - **start**, anywhere: the event is delivered again. A job that was created and not noted is found by its token
//!   (the video's id); should MediaConvert have forgotten the token, the job's first event has noted it.
//! - **finish**, anywhere: the event is delivered again; the track of previews is written before the one transaction
//!   that makes the video ready and tells its owner.
//! - **failed, cancelled, deleted**: what happened and the [`Sweep`] of what is left behind are one transaction, and the
//!   sweep begins anew until it is through. Events of a job whose video is gone sweep again, since a job may have
//!   written while it was being stopped.
//! - **captions**, between item and playlist: a message sent with the item writes the playlist.
//! - **scheduled**: the date stays in the agenda until the transaction that publishes takes it out.
//!
//! Sources of ready videos stay in the bucket `uploads`, whose lifecycle moves them to cheaper storage: they are what a
//! later, better encoding would be made of. Sources of failed ones go at once.
//!
//! Domains are kept apart by what they link: [`Catalog`], [`Library`], [`Audience`] and [`Views`] know the table;
//! [`Uploads`], [`Captions`] and [`Manifests`] S3 as well; only [`Ingest`] MediaConvert.

mod access;
mod audience;
mod captions;
mod catalog;
mod container;
mod error;
mod finish;
mod hls;
mod ingest;
mod ladder;
mod library;
mod listing;
mod model;
mod player;
#[cfg(test)]
mod samples;
mod status;
mod store;
mod sweep;
mod upload_view;
mod uploads;
mod view;
mod views;
mod webvtt;

pub use audience::{Audience, CommentPage, CommentView, Liked, WriteComment};
pub use captions::{AddCaptions, CAPTIONS_MAX, CaptionView, Captions, Subtitles};
pub use catalog::{Catalog, ListQuery, Publish, Shared, Sort, VideoChange, VideoPage};
pub use error::VideoError;
pub use finish::{JobEvent, MediaMessage};
pub use ingest::Ingest;
pub use library::Library;
pub use model::{Kind, Method, Plan, Publication, Rendition, UploadStatus, Visibility};
pub use player::{CaptionUrl, Manifest, ManifestQuery, Manifests, Player, Stream, Watching};
pub use status::Status;
pub use sweep::Sweep;
pub use upload_view::{
    Accepted, Complete, Initiate, Initiated, PartUrl, PutHeaders, ReceivedPart, SentPart, SignParts,
    SignedParts, UploadView,
};
pub use uploads::{PUT_MAX, SIZE_MAX, Uploads};
pub use view::{FailureView, StatusView, VideoView};
pub use views::{Counted, Views, Watched};
pub use webvtt::CaptionFormat;

/// Indexes of the table `videos`.
pub const INDEXES: &[&str] = &["gsi1", "gsi2"];
