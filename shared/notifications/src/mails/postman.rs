use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Error, Result, Time};
use mail::{Mailer, Outcome, Outgoing};
use messaging::Mail;
use serde::{Deserialize, Serialize};
use storage::{Item, Key, Put, Table, Update};

use super::render::render;
use crate::row::MARK_KEPT_S;

/// Sends mails, each once as far as that can be.
///
/// A mail is claimed before it is sent: a mark under the message's identity, held until the function's time is over.
/// A delivery that finds a mark *sent* or *refused* does nothing; one that finds it held waits for the queue to
/// deliver again. SES takes no idempotency token, so one window stays: when the process dies after SES accepted the
/// mail and before the mark says so, the claim lapses and the mail goes out a second time.
#[derive(Clone)]
pub struct Postman {
    table: Table,
    mailer: Mailer,
}

/// How far a mail came. Neither address nor words are kept.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MarkRow {
    state: State,
    held_until: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Sending,
    Sent,
    Refused,
}

impl Domain for Postman {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "notifications");
        let mailer = Mailer::open(env, &mut settings);
        settings.finish()?;
        Ok(Self { table, mailer })
    }
}

fn key(message_id: &str) -> Key {
    Key::new(format!("MAIL#{message_id}"), "MAIL")
}

impl Postman {
    /// Sends the mail of a message unless that was done. An address that SES refuses is marked and left alone.
    ///
    /// # Errors
    /// `CONFLICT` while another delivery holds the mail, `SERVICE_UNAVAILABLE` while SES does not take it: the queue
    /// delivers again.
    pub fn send<'a>(
        &'a self,
        context: &'a Context,
        message_id: &'a str,
        mail: Mail,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !self.claim(context, message_id).await? {
                return Ok(());
            }
            let rendered = render(&mail)?;
            let outgoing = Outgoing {
                to: mail.to,
                subject: rendered.subject,
                text: rendered.text,
                html: rendered.html,
                message_id: message_id.to_owned(),
            };
            let outcome = match self.mailer.send(context, &outgoing).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    // The next delivery may begin at once. If this is lost, the claim lapses by itself.
                    let _ = self.note(context, message_id, State::Sending, "", context.now()).await;
                    return Err(error);
                }
            };
            let (state, remark) = match outcome {
                Outcome::Accepted(id) => (State::Sent, id),
                Outcome::Refused(reason) => (State::Refused, reason),
            };
            self.note(context, message_id, state, &remark, context.deadline).await
        })
    }

    /// `false`: done before.
    async fn claim(&self, context: &Context, message_id: &str) -> Result<bool> {
        let now = context.now();
        let row = MarkRow { state: State::Sending, held_until: context.deadline };
        let claimed = self
            .table
            .put(
                context,
                Put::row(&key(message_id), &row)
                    // Not the invocation's id: a batch may bring the same message twice, and of two equal rows
                    // the second passes for the first one's repetition.
                    .attribute("holder", context.uuid().to_string())
                    .expires_at(now.s() + MARK_KEPT_S)
                    // Nobody has sent it, and whoever was about to is out of time.
                    .when("attribute_not_exists(pk) OR (#state = :sending AND held_until <= :now)")
                    .name("#state", "state")
                    .value(":sending", State::Sending)
                    .value(":now", now)
                    .or_else(|old| {
                        let row = old.cloned().map(Item::read::<MarkRow>).and_then(Result::ok);
                        match row {
                            Some(MarkRow { state: State::Sent | State::Refused, .. }) => done(),
                            _ => CommonError::Conflict.into(),
                        }
                    }),
            )
            .await;
        match claimed {
            Ok(()) => Ok(true),
            Err(error) if error.cause() == Some(DONE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn note(
        &self,
        context: &Context,
        message_id: &str,
        state: State,
        remark: &str,
        held_until: Time,
    ) -> Result<()> {
        let update =
            Update::key(key(message_id), "SET #state = :state, held_until = :held, remark = :remark")
                .name("#state", "state")
                .value(":state", state)
                .value(":held", held_until)
                .value(":remark", remark)
                .if_exists();
        self.table.update(context, update).await.map(drop)
    }
}

const DONE: &str = "sent before";

fn done() -> Error {
    Error::from(CommonError::Conflict).because(DONE)
}
