//! The rules that consumers of a queue rely on.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloud_core::{Clock, Place, State};
use cloud_queues::{DeliveryFault, DeliveryFaultKind, Message, Outgoing, QueueError, QueueStats, Queues};

const NONE: Duration = Duration::ZERO;

fn place() -> Place {
    Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
    }
}

fn open(state: &State, clock: &Clock) -> Arc<Queues> {
    Queues::open(state, place(), clock.clone()).unwrap()
}

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn redrive(dlq: &str, max: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:{dlq}","maxReceiveCount":{max}}}"#)
}

async fn take(queues: &Queues, name: &str, max: usize) -> Vec<Message> {
    queues.receive(name, max, NONE, None).await.unwrap()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|m| m.body.as_str()).collect()
}

fn stats(queues: &Queues, name: &str) -> QueueStats {
    queues.stats().into_iter().find(|s| s.name == name).unwrap()
}

fn fifo(body: &str, group: &str) -> Outgoing {
    Outgoing { group: Some(group.to_owned()), dedup: Some(body.to_owned()), ..Outgoing::text(body) }
}

struct TempDir(std::path::PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cloud-queues-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn state(&self) -> State {
        State::Dir(self.0.clone())
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_jump_of_the_clock_makes_delayed_messages_visible_and_wakes_a_long_poll() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q", attributes(&[])).unwrap();
    queues.send("q", Outgoing { delay_s: Some(600), ..Outgoing::text("later") }).unwrap();
    assert!(take(&queues, "q", 1).await.is_empty());
    assert_eq!(stats(&queues, "q").delayed, 1);
    let due_ms = stats(&queues, "q").next_due_ms.unwrap();
    assert!((clock.now_ms() + 590_000..=clock.now_ms() + 600_000).contains(&due_ms));

    let poll = {
        let queues = Arc::clone(&queues);
        tokio::spawn(async move { queues.receive("q", 1, Duration::from_mins(20), None).await.unwrap() })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    clock.advance(Duration::from_secs(601));
    let got = tokio::time::timeout(Duration::from_secs(2), poll).await.unwrap().unwrap();
    assert_eq!(bodies(&got), ["later"]);
}

#[tokio::test]
async fn a_send_wakes_a_long_poll() {
    let queues = open(&State::Memory, &Clock::default());
    queues.ensure("q", attributes(&[])).unwrap();
    let poll = {
        let queues = Arc::clone(&queues);
        tokio::spawn(async move { queues.receive("q", 1, Duration::from_secs(20), None).await.unwrap() })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    queues.send("q", Outgoing::text("now")).unwrap();
    let got = tokio::time::timeout(Duration::from_secs(2), poll).await.unwrap().unwrap();
    assert_eq!(bodies(&got), ["now"]);
}

#[tokio::test]
async fn only_the_latest_receipt_deletes() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q", attributes(&[("VisibilityTimeout", "10")])).unwrap();
    queues.send("q", Outgoing::text("x")).unwrap();
    let first = take(&queues, "q", 1).await.remove(0);
    clock.advance(Duration::from_secs(11));
    let second = take(&queues, "q", 1).await.remove(0);
    assert_eq!(second.message_id, first.message_id);
    assert_eq!(second.receive_count(), 2);
    queues.delete("q", &first.receipt_handle).unwrap();
    assert_eq!(stats(&queues, "q").in_flight, 1);
    queues.delete("q", &second.receipt_handle).unwrap();
    assert_eq!(stats(&queues, "q").in_flight, 0);
    queues.delete("q", &second.receipt_handle).unwrap();
    assert!(matches!(queues.delete("q", "forged"), Err(QueueError::ReceiptHandleIsInvalid)));
}

#[tokio::test]
async fn what_was_received_is_visible_again_in_its_order_when_its_receivers_are_gone() {
    let dir = TempDir::new("recall");
    let clock = Clock::default();
    {
        let queues = open(&dir.state(), &clock);
        queues.ensure("q", attributes(&[("VisibilityTimeout", "40")])).unwrap();
        queues.ensure("f.fifo", attributes(&[("FifoQueue", "true"), ("VisibilityTimeout", "40")])).unwrap();
        queues.send("q", Outgoing::text("held")).unwrap();
        for body in ["1", "2"] {
            queues.send("f.fifo", fifo(body, "a")).unwrap();
        }
        assert_eq!(take(&queues, "q", 1).await.len() + take(&queues, "f.fifo", 1).await.len(), 2);
    }
    let queues = open(&dir.state(), &clock);
    assert!(take(&queues, "q", 1).await.is_empty() && take(&queues, "f.fifo", 1).await.is_empty());
    for name in ["q", "f.fifo"] {
        queues.recall(name).unwrap();
    }
    assert_eq!(bodies(&take(&queues, "q", 10).await), ["held"]);
    assert_eq!(bodies(&take(&queues, "f.fifo", 10).await), ["1", "2"]);
    assert_eq!(stats(&queues, "q").in_flight, 1);
}

#[tokio::test]
async fn a_group_stays_in_order_when_its_first_message_comes_back() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
    for body in ["1", "2", "3"] {
        queues.send("q.fifo", fifo(body, "a")).unwrap();
    }
    queues.send("q.fifo", fifo("other", "b")).unwrap();
    let first = take(&queues, "q.fifo", 1).await;
    assert_eq!(bodies(&first), ["1"]);
    assert_eq!(bodies(&take(&queues, "q.fifo", 10).await), ["other"]);
    queues.change_visibility("q.fifo", &first[0].receipt_handle, NONE).unwrap();
    let all = take(&queues, "q.fifo", 10).await;
    assert_eq!(bodies(&all), ["1", "2", "3"]);
    // The group is free again only when the last of the batch is gone.
    queues.send("q.fifo", fifo("4", "a")).unwrap();
    queues.delete("q.fifo", &all[0].receipt_handle).unwrap();
    queues.delete("q.fifo", &all[2].receipt_handle).unwrap();
    assert!(take(&queues, "q.fifo", 10).await.is_empty());
    queues.delete("q.fifo", &all[1].receipt_handle).unwrap();
    assert_eq!(bodies(&take(&queues, "q.fifo", 10).await), ["4"]);
}

#[tokio::test]
async fn a_repeated_deduplication_id_is_one_message_for_five_minutes() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
    let first = queues.send("q.fifo", fifo("x", "a")).unwrap();
    let got = take(&queues, "q.fifo", 10).await;
    queues.delete("q.fifo", &got[0].receipt_handle).unwrap();
    clock.advance(Duration::from_secs(299));
    assert_eq!(queues.send("q.fifo", fifo("x", "a")).unwrap(), first);
    assert!(take(&queues, "q.fifo", 10).await.is_empty());
    clock.advance(Duration::from_secs(2));
    assert_ne!(queues.send("q.fifo", fifo("x", "a")).unwrap(), first);
    assert_eq!(take(&queues, "q.fifo", 10).await.len(), 1);
}

#[tokio::test]
async fn sequence_numbers_have_twenty_digits_and_grow() {
    let queues = open(&State::Memory, &Clock::default());
    queues.ensure("q.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
    for n in 0..20 {
        queues.send("q.fifo", fifo(&n.to_string(), "a")).unwrap();
    }
    let numbers: Vec<String> =
        take(&queues, "q.fifo", 20).await.iter().map(|m| m.attributes["SequenceNumber"].clone()).collect();
    assert_eq!(numbers.len(), 20);
    assert!(numbers.iter().all(|n| n.len() == 20) && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test]
async fn what_was_received_too_often_waits_in_the_dead_letter_queue_until_it_is_sent_back() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    let policy = redrive("dlq", 2);
    queues.ensure("q", attributes(&[("RedrivePolicy", &policy), ("VisibilityTimeout", "1")])).unwrap();
    queues.ensure("dlq", attributes(&[])).unwrap();
    let id = queues.send("q", Outgoing::text("poison")).unwrap();
    for count in 1..=2 {
        assert_eq!(take(&queues, "q", 1).await[0].receive_count(), count);
        clock.advance(Duration::from_secs(2));
    }
    assert!(take(&queues, "q", 1).await.is_empty());
    assert_eq!((stats(&queues, "q").visible, stats(&queues, "dlq").visible), (0, 1));
    let dead = take(&queues, "dlq", 1).await.remove(0);
    assert_eq!(dead.message_id, id);
    assert_eq!(dead.attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:q");
    queues.change_visibility("dlq", &dead.receipt_handle, NONE).unwrap();

    assert_eq!(queues.redrive("q").unwrap(), 1);
    let again = take(&queues, "q", 1).await.remove(0);
    assert_eq!((again.body.as_str(), again.receive_count()), ("poison", 1));
    assert_ne!(again.message_id, id);
}

#[tokio::test]
async fn a_poisoned_head_leaves_its_group_free_for_the_next() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    let policy = redrive("dlq.fifo", 1);
    queues.ensure("dlq.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
    queues.ensure("q.fifo", attributes(&[("FifoQueue", "true"), ("RedrivePolicy", &policy)])).unwrap();
    queues.send("q.fifo", fifo("bad", "a")).unwrap();
    queues.send("q.fifo", fifo("good", "a")).unwrap();
    assert_eq!(bodies(&take(&queues, "q.fifo", 1).await), ["bad"]);
    clock.advance(Duration::from_secs(31));
    assert_eq!(bodies(&take(&queues, "q.fifo", 1).await), ["good"]);
    assert_eq!(bodies(&take(&queues, "dlq.fifo", 1).await), ["bad"]);
}

#[tokio::test]
async fn messages_older_than_the_retention_are_gone() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q", attributes(&[("MessageRetentionPeriod", "60")])).unwrap();
    queues.send("q", Outgoing::text("old")).unwrap();
    clock.advance(Duration::from_secs(30));
    queues.send("q", Outgoing::text("young")).unwrap();
    assert_eq!(stats(&queues, "q").oldest_age_s, 30);
    clock.advance(Duration::from_secs(31));
    assert_eq!(bodies(&take(&queues, "q", 10).await), ["young"]);
}

#[tokio::test]
async fn everything_accepted_is_there_after_a_restart() {
    let dir = TempDir::new("restart");
    let clock = Clock::default();
    let held;
    {
        let queues = open(&dir.state(), &clock);
        queues.ensure("q", attributes(&[("VisibilityTimeout", "40")])).unwrap();
        queues.ensure("f.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
        for body in ["held", "deleted", "waiting"] {
            queues.send("q", Outgoing::text(body)).unwrap();
        }
        queues.send("q", Outgoing { delay_s: Some(100), ..Outgoing::text("delayed") }).unwrap();
        queues.send("f.fifo", fifo("1", "a")).unwrap();
        let got = take(&queues, "q", 2).await;
        queues.delete("q", &got[1].receipt_handle).unwrap();
        held = got[0].receipt_handle.clone();
        // Dropped without a goodbye, as by `kill -9`.
    }
    let queues = open(&dir.state(), &clock);
    let stats = stats(&queues, "q");
    assert_eq!((stats.visible, stats.in_flight, stats.delayed), (1, 1, 1));
    assert_eq!(bodies(&take(&queues, "q", 10).await), ["waiting"]);
    queues.delete("q", &held).unwrap();
    clock.advance(Duration::from_secs(101));
    let mut rest = bodies(&take(&queues, "q", 10).await).join(" ");
    assert_eq!(rest, "waiting delayed");
    queues.send("f.fifo", fifo("1", "a")).unwrap();
    rest = bodies(&take(&queues, "f.fifo", 10).await).join(" ");
    assert_eq!(rest, "1", "the deduplication window was forgotten");
    queues.reset().unwrap();
    drop(queues);
    assert!(open(&dir.state(), &clock).stats().is_empty());
}

#[tokio::test]
async fn faults_duplicate_and_delay_as_often_as_they_say() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q", attributes(&[])).unwrap();
    queues.ensure("spared", attributes(&[])).unwrap();
    let fault = |kind| DeliveryFault { queue: Some("q".to_owned()), kind, probability: 1.0, times: Some(1) };
    queues.set_delivery_faults(7, vec![fault(DeliveryFaultKind::Duplicate { copies: 2 })]);
    for queue in ["spared", "q", "q"] {
        queues.send(queue, Outgoing::text("x")).unwrap();
    }
    assert_eq!(stats(&queues, "spared").visible, 1);
    let got = take(&queues, "q", 10).await;
    assert_eq!(got.len(), 4);
    assert!(got[0].message_id == got[2].message_id && got[0].receipt_handle != got[2].receipt_handle);

    let by = Duration::from_secs(50);
    queues.set_delivery_faults(7, vec![fault(DeliveryFaultKind::Delay { by })]);
    queues.send("q", Outgoing::text("late")).unwrap();
    assert!(take(&queues, "q", 10).await.is_empty());
    clock.advance(Duration::from_secs(51));
    assert!(bodies(&take(&queues, "q", 10).await).contains(&"late"));
}

#[tokio::test]
async fn reordering_changes_the_order_of_standard_queues_only() {
    let clock = Clock::default();
    let queues = open(&State::Memory, &clock);
    queues.ensure("q", attributes(&[])).unwrap();
    queues.ensure("q.fifo", attributes(&[("FifoQueue", "true")])).unwrap();
    let fault =
        DeliveryFault { queue: None, kind: DeliveryFaultKind::Reorder, probability: 0.5, times: None };
    queues.set_delivery_faults(1, vec![fault]);
    let sent: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    for body in &sent {
        queues.send("q", Outgoing::text(body)).unwrap();
        queues.send("q.fifo", fifo(body, "a")).unwrap();
    }
    clock.advance(Duration::from_secs(1));
    let (mixed, straight) = (take(&queues, "q", 100).await, take(&queues, "q.fifo", 100).await);
    assert_eq!(bodies(&straight), sent);
    assert_ne!(bodies(&mixed), sent);
    let mut sorted: Vec<u32> = mixed.iter().map(|m| m.body.parse().unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_message_of_one_mebibyte_is_taken_and_a_larger_one_is_not() {
    let queues = open(&State::Memory, &Clock::default());
    queues.ensure("q", attributes(&[])).unwrap();
    queues.send("q", Outgoing::text("x".repeat(1_048_576))).unwrap();
    let refused = queues.send("q", Outgoing::text("x".repeat(1_048_577)));
    assert!(matches!(refused, Err(QueueError::InvalidParameterValue(_))));
    let refused = queues.send("q", Outgoing::text("\u{0}"));
    assert!(matches!(refused, Err(QueueError::InvalidMessageContents(_))));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_between_many_consumers() {
    let queues = open(&State::Memory, &Clock::default());
    queues.ensure("q", attributes(&[])).unwrap();
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let queues = Arc::clone(&queues);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                loop {
                    let got = queues.receive("q", 7, Duration::from_millis(300), None).await.unwrap();
                    if got.is_empty() {
                        return seen;
                    }
                    for message in got {
                        queues.delete("q", &message.receipt_handle).unwrap();
                        seen.push(message.body.parse::<u32>().unwrap());
                    }
                }
            })
        })
        .collect();
    for n in 0..1000 {
        queues.send("q", Outgoing::text(n.to_string())).unwrap();
        tokio::task::yield_now().await;
    }
    let mut all = Vec::new();
    for consumer in consumers {
        all.extend(consumer.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..1000).collect::<Vec<u32>>());
}
