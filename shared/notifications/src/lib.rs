//! Notices to people.
//!
//! # Table `notifications`
//!
//! Everything of one reader lies in one partition, so that one query gives a page with its unread count, and erasure
//! walks one partition.
//!
//! | item | pk | sk | expires |
//! |---|---|---|---|
//! | notification | `USER#{user}` | `NOTE#{id}` | 90 days and the rest of the week |
//! | box: newest id, watermark, unread counts by week, settings | `USER#{user}` | `NOTE~` (sorts behind every note) | never |
//! | fold: the open notification of a burst | `USER#{user}` | `FOLD#{kind}#{thing}` | an hour after it began |
//! | mark: a message that was acted on | `USER#{user}` | `SEEN#{identity}` | 30 days |
//! | device that takes pushes (endpoint, platform, token) | `USER#{user}` | `DEVICE#{id}` | never |
//! | whose device a token is: a telephone that changes hands | `TOKEN#{sha256 of the token}` | `TOKEN` | never |
//! | mark: a mail that was sent | `MAIL#{message id}` | `MAIL` | 30 days |
//!
//! No index. Units per call (items below 1 KB):
//!
//! | call | AWS calls | units |
//! |---|---|---|
//! | list, first page | 1 query | 1 read per 4 KB |
//! | list, further page | 1 query, 1 get | the same and 1 |
//! | mark one read | 1 transaction of 2, 2 gets: the answer is the notification, and a refused condition must be told apart | 4 write, 2 read |
//! | mark all read | 1 update | 1 write, however many there are |
//! | dispatch, new | 2–3 gets (reader, box, fold), 1 transaction of 3–5 | 6–10 write |
//! | dispatch, folded | 3 gets, 1 transaction of 4 | 8 write |
//! | send a mail | 1 put, SES, 1 update | 2 write |
//!
//! # Rules and where they hold
//!
//! - *Once*: the mark is put in the transaction that stores the notification, on the condition that there is none.
//! - *Read*: a notification is read when it has `read_at` or when its id is not after the box's watermark
//!   `read_before`. Marking everything read moves the watermark to the newest id and drops the counts: one write.
//! - *Count*: unread notifications are counted by the week of their id, and all notifications of a week expire
//!   together; so the count stays exact when TTL removes what was never read.
//! - *Order*: an id is always greater than every id the box gave out before (a condition of the transaction), so the
//!   watermark never covers a notification that came after it, whatever the machines' clocks say.
//! - *Fold*: a burst is one kind about one thing within an hour, not read yet.
//!
//! # What if the process dies here
//!
//! Dispatch has one effect, its transaction; before it nothing happened, after it the mark makes a second delivery do
//! nothing. The mail it asks for is an outbox message of the same transaction. Sending a mail has two effects that
//! cannot be joined: SES takes the mail, then the mark says so. A process that dies between the two sends the mail
//! again when its claim has lapsed: at least once, and twice only in that window (see [`Postman`]).

mod catalogue;
mod dispatch;
mod errors;
mod inbox;
mod mails;
mod row;
mod settings;
mod text;

pub use dispatch::{Dispatcher, People, Reader};
pub use errors::NotificationError;
pub use inbox::{AllRead, Notification, NotificationList, Notifications};
pub use mails::{Postman, Rendered, render};
pub use settings::{Category, Channels, Settings};

/// Indexes that the table's access patterns need.
pub const INDEXES: &[&str] = &[];
