use std::sync::Arc;

use identity::Identity;
use kernel::ids::{NotificationId, UserId};
use kernel::{BoxFuture, CommonError, ConfigError, Context, Domain, Env, Language, Result, Time};
use messaging::{Mail, MailContent, Notice, NoticeKind, queues};
use serde_json::Value;
use storage::{Check, Item, Key, Put, Retry, Send, Table, Transaction, Update};

use crate::catalogue::{Fold, Once, kind, thing, words};
use crate::row::{
    FoldRow, Inbox, MARK_KEPT_S, NoteRow, box_key, counter, expiry_of, following, living_weeks, note_key,
    partition, week_of,
};

/// Who a notice is for, as identity knows them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Language of title, text and mails.
    pub language: Language,
    /// How they are called.
    pub name: String,
    /// Where mails go.
    pub email: String,
}

/// Looks people up. `None` for a closed or erased account.
pub trait People: std::marker::Send + Sync + 'static {
    /// The person, with one read.
    fn reader<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<Option<Reader>>>;
}

/// Stores notices for their readers, and asks for the mails that go with them.
#[derive(Clone)]
pub struct Dispatcher {
    table: Table,
    people: Arc<dyn People>,
    app_url: Arc<str>,
}

/// How long a burst folds into one notification after its first event.
const BURST_S: i64 = 3600;

impl Domain for Dispatcher {
    fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let mut settings = env.settings();
        let table = Table::open(env, &mut settings, "notifications");
        let people = Identity::open(env, &mut settings);
        let app_url = settings.text("APP_URL").trim_end_matches('/').into();
        settings.finish()?;
        Ok(Self { table, people: Arc::new(people), app_url })
    }
}

impl People for Identity {
    fn reader<'a>(&'a self, context: &'a Context, user: UserId) -> BoxFuture<'a, Result<Option<Reader>>> {
        Box::pin(async move {
            let person = self.person(context, user).await?.filter(|person| person.is_active);
            Ok(person.map(|p| Reader { language: p.language, name: p.display_name, email: p.email }))
        })
    }
}

/// A notice on its way, with what was looked up.
struct Delivery<'a> {
    user: UserId,
    notice: &'a Notice,
    reader: Reader,
    mark: Key,
    fold: Option<Key>,
    now: Time,
}

impl Dispatcher {
    /// Stores a notice once, however often its message is delivered; folds it into an unread notification of the same
    /// burst; hands its mail on where the kind asks for one and the reader wants it. Nobody is told of their own
    /// doings, and a closed account is told nothing.
    pub fn dispatch<'a>(
        &'a self,
        context: &'a Context,
        message_id: &'a str,
        notice: Notice,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run(context, message_id, notice))
    }

    async fn run(&self, context: &Context, message_id: &str, mut notice: Notice) -> Result<()> {
        let user = notice.user;
        if notice.actor == Some(user) {
            return Ok(());
        }
        let Some(reader) = self.people.reader(context, user).await? else { return Ok(()) };
        if let Some(actor) = notice.actor
            && !notice.data.contains_key("actor_name")
        {
            let actor = self.people.reader(context, actor).await?;
            notice.data.extend(actor.map(|a| ("actor_name".to_owned(), Value::String(a.name))));
        }
        let entry = kind(notice.kind);
        let what = format!("{}#{}", name_of(notice.kind), thing(&notice));
        let identity = match (entry.once, notice.actor) {
            (Once::Actor, Some(actor)) => format!("{what}#{actor}"),
            _ => message_id.to_owned(),
        };
        let delivery = Delivery {
            user,
            reader,
            mark: Key::new(partition(user), format!("SEEN#{identity}")),
            fold: (entry.fold == Fold::ByThing).then(|| Key::new(partition(user), format!("FOLD#{what}"))),
            now: context.now(),
            notice: &notice,
        };
        // A burst brings many notices for one box at once: they wait for each other for as long as there is time,
        // before the queue is asked to deliver again.
        let (mut retry, mut again) = (Retry::new(), false);
        loop {
            // A mark can only stand in the way of a delivery that was refused once.
            if again && self.is_marked(context, &delivery).await? {
                return Ok(());
            }
            let (inbox, fold) = futures::try_join!(
                self.table.get_consistent(context, box_key(user)),
                self.open_fold(context, &delivery)
            )?;
            let inbox = Inbox::of(inbox, delivery.now)?;
            if !inbox.row.settings.wants(entry.category) {
                return Ok(());
            }
            let open = match &fold {
                Some(fold) if inbox.row.read_before.is_some_and(|mark| fold.note <= mark) => None,
                // Whether it was read by itself is looked up only when the first try was refused.
                Some(fold) if again && !self.is_unread(context, &delivery, fold).await? => None,
                fold => fold.as_ref(),
            };
            let stored = match open {
                Some(open) => self.fold_into(&delivery, open).commit(context).await,
                None => self.store(context, &delivery, &inbox, fold.as_ref())?.commit(context).await,
            };
            match stored {
                Err(error) if error.is(CommonError::Conflict) && retry.wait(context).await => again = true,
                other => return other,
            }
        }
    }

    async fn is_marked(&self, context: &Context, delivery: &Delivery<'_>) -> Result<bool> {
        let mark = self.table.get_consistent(context, delivery.mark.clone()).await?;
        Ok(mark.and_then(|m| m.number("expires_at")).is_some_and(|at| at > delivery.now.s()))
    }

    async fn open_fold(&self, context: &Context, delivery: &Delivery<'_>) -> Result<Option<FoldRow>> {
        let Some(key) = &delivery.fold else { return Ok(None) };
        let row =
            self.table.get_consistent(context, key.clone()).await?.map(Item::read::<FoldRow>).transpose()?;
        Ok(row.filter(|row| row.expires_at > delivery.now.s()))
    }

    async fn is_unread(&self, context: &Context, delivery: &Delivery<'_>, fold: &FoldRow) -> Result<bool> {
        let note = self.table.get_consistent(context, note_key(delivery.user, fold.note)).await?;
        Ok(note.is_some_and(|note| note.text("read_at").is_none()))
    }

    /// The mark that makes a second delivery do nothing.
    fn mark(delivery: &Delivery<'_>) -> Put {
        Put::row(&delivery.mark, serde_json::json!({}))
            .expires_at(delivery.now.s() + MARK_KEPT_S)
            // Told once. TTL is late at times: a mark whose time is over does not count.
            .when("attribute_not_exists(pk) OR expires_at <= :now_s")
            .value(":now_s", delivery.now.s())
            .or(CommonError::Conflict)
    }

    fn fold_into(&self, delivery: &Delivery<'_>, fold: &FoldRow) -> Transaction {
        let count = fold.count.saturating_add(1);
        let (title, text) = words(delivery.notice, count, delivery.reader.language);
        let key = delivery.fold.clone().unwrap_or_else(|| delivery.mark.clone());
        self.table
            .transaction()
            .put(Self::mark(delivery))
            .update(
                Update::key(key, "SET #count = :count")
                    .name("#count", "count")
                    .value(":count", count)
                    // The burst is as it was read: nobody else was counted meanwhile.
                    .when("note = :note AND #count = :before")
                    .value(":note", fold.note)
                    .value(":before", fold.count)
                    .or(CommonError::Conflict),
            )
            .update(
                Update::key(
                    note_key(delivery.user, fold.note),
                    "SET title = :title, #text = :text, #data = :data, #count = :count, updated_at = :now",
                )
                .name("#text", "text")
                .name("#data", "data")
                .name("#count", "count")
                .value(":title", title)
                .value(":text", text)
                .value(":data", &delivery.notice.data)
                .value(":count", count)
                .value(":now", delivery.now)
                // What was read is closed: the next event begins another notification.
                .when("attribute_exists(pk) AND attribute_not_exists(read_at)")
                .or(CommonError::Conflict),
            )
            .check(
                Check::key(box_key(delivery.user))
                    // The same for what was read with everything else.
                    .when("attribute_not_exists(read_before) OR read_before < :note")
                    .value(":note", fold.note)
                    .or(CommonError::Conflict),
            )
    }

    fn store(
        &self,
        context: &Context,
        delivery: &Delivery<'_>,
        inbox: &Inbox,
        old: Option<&FoldRow>,
    ) -> Result<Transaction> {
        let id: NotificationId = following(inbox.row.last_id, context.id())?;
        let (week, now) = (week_of(id)?, delivery.now);
        let (title, text) = words(delivery.notice, 1, delivery.reader.language);
        let row = NoteRow {
            id,
            kind: delivery.notice.kind,
            title,
            text,
            data: delivery.notice.data.clone(),
            count: 1,
            created_at: now,
            updated_at: now,
            read_at: None,
            expires_at: expiry_of(week),
        };
        let outlived = living_weeks(now).start;
        let counted = format!(
            "SET last_id = :id ADD {} :one REMOVE {}, {}",
            counter(week),
            counter(outlived - 1),
            counter(outlived - 2)
        );
        let mut transaction = self
            .table
            .transaction()
            .put(Self::mark(delivery))
            .put(Put::row(&note_key(delivery.user, id), &row).unless_exists().or(CommonError::Conflict))
            .update(
                Update::key(box_key(delivery.user), counted)
                    .value(":id", id)
                    .value(":one", 1)
                    // Ids of a box only grow: the watermark never covers what comes after it.
                    .when("attribute_not_exists(last_id) OR last_id < :id")
                    .or(CommonError::Conflict),
            );
        if let Some(key) = &delivery.fold {
            let fold = FoldRow { note: id, count: 1, expires_at: now.s() + BURST_S };
            let put = Put::row(key, &fold).value(":now_s", now.s());
            transaction = transaction.put(match old {
                // Of two that open a burst at once, one does.
                None => {
                    put.when("attribute_not_exists(pk) OR expires_at <= :now_s").or(CommonError::Conflict)
                }
                Some(old) => put
                    .when("attribute_not_exists(pk) OR expires_at <= :now_s OR note = :old")
                    .value(":old", old.note)
                    .or(CommonError::Conflict),
            });
        }
        if let Some(mail) = self.mail(delivery, inbox) {
            transaction = transaction.send(Send::to(queues::EMAILS, &mail));
        }
        Ok(transaction)
    }

    /// The mail that goes with a notice.
    fn mail(&self, delivery: &Delivery<'_>, inbox: &Inbox) -> Option<Mail> {
        let (reader, data) = (&delivery.reader, &delivery.notice.data);
        if !inbox.row.settings.channels.email {
            return None;
        }
        let member = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let content = match delivery.notice.kind {
            NoticeKind::VideoReady => MailContent::VideoReady {
                name: reader.name.clone(),
                title: member("title"),
                link: format!("{}/videos/{}", self.app_url, member("video_id")),
            },
            _ => return None,
        };
        Some(Mail { to: reader.email.clone(), language: reader.language, content })
    }
}

/// The kind's name in keys: the same as in JSON.
fn name_of(kind: NoticeKind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
