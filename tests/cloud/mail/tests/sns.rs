//! Publishing: to queues, to phones, to devices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod desk;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use desk::{Desk, element};
use serde_json::{Value, json};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:news";

async fn subscribe(desk: &Desk, queue: &str, raw: bool) {
    desk.query("sns", &[("Action", "CreateTopic"), ("Name", "news")]).await;
    let (status, xml) = desk
        .query(
            "sns",
            &[
                ("Action", "Subscribe"),
                ("TopicArn", TOPIC),
                ("Protocol", "sqs"),
                ("Endpoint", queue),
                ("Attributes.entry.1.key", "RawMessageDelivery"),
                ("Attributes.entry.1.value", if raw { "true" } else { "false" }),
            ],
        )
        .await;
    assert_eq!(status, 200, "{xml}");
}

#[tokio::test]
async fn queues_get_the_bare_message_or_the_envelope() {
    let desk = Desk::new();
    let (bare, wrapped) =
        ("arn:aws:sqs:us-east-1:000000000000:bare", "arn:aws:sqs:us-east-1:000000000000:wrapped");
    subscribe(&desk, bare, true).await;
    subscribe(&desk, wrapped, false).await;
    let (_, xml) = desk
        .query(
            "sns",
            &[
                ("Action", "Publish"),
                ("TopicArn", TOPIC),
                ("Message", "a <b>"),
                ("Subject", "s"),
                ("MessageGroupId", "g"),
                ("MessageAttributes.entry.1.Name", "k"),
                ("MessageAttributes.entry.1.Value.DataType", "String"),
                ("MessageAttributes.entry.1.Value.StringValue", "v"),
            ],
        )
        .await;
    let messages = desk.delivered.messages.lock().unwrap().clone();
    assert_eq!(messages.len(), 2);
    let to = |arn: &str| messages.iter().find(|(to, ..)| to == arn).unwrap();
    assert_eq!(to(bare), &(bare.to_owned(), "a <b>".to_owned(), Some("g".to_owned())));
    let envelope: Value = serde_json::from_str(&to(wrapped).1).unwrap();
    assert_eq!((&envelope["Type"], &envelope["Message"]), (&json!("Notification"), &json!("a <b>")));
    assert_eq!((&envelope["TopicArn"], &envelope["Subject"]), (&json!(TOPIC), &json!("s")));
    assert_eq!(envelope["MessageId"], element(&xml, "MessageId"));
    assert_eq!(envelope["MessageAttributes"], json!({"k": {"Type": "String", "Value": "v"}}));
    assert_eq!(desk.mail.active(), 0);
}

#[tokio::test]
async fn what_could_not_be_delivered_is_tried_again_also_after_a_restart() {
    let desk = Desk::durable("sns");
    subscribe(&desk, "arn:aws:sqs:us-east-1:000000000000:q", true).await;
    desk.delivered.refuse.store(true, Ordering::SeqCst);
    let (status, _) =
        desk.query("sns", &[("Action", "Publish"), ("TopicArn", TOPIC), ("Message", "m")]).await;
    assert_eq!((status, desk.mail.active()), (200, 1));
    let desk = desk.reopened();
    let work = tokio::spawn(Arc::clone(&desk.mail).run());
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if desk.mail.active() == 0 {
            break;
        }
    }
    work.abort();
    assert_eq!(desk.delivered.messages.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_text_message_is_kept() {
    let desk = Desk::new();
    let publish =
        |phone: &'static str| [("Action", "Publish"), ("PhoneNumber", phone), ("Message", "code 123456")];
    assert_eq!(desk.query("sns", &publish("+819012345678")).await.0, 200);
    let (status, xml) = desk.query("sns", &publish("090-1234")).await;
    assert_eq!((status, element(&xml, "Code")), (400, "InvalidParameter"));
    let texts = desk.mail.texts().unwrap();
    assert_eq!(texts.len(), 1);
    assert_eq!((texts[0].to.as_str(), texts[0].text.as_str()), ("+819012345678", "code 123456"));
}

#[tokio::test]
async fn a_device_gets_its_platforms_part_until_it_is_switched_off() {
    let desk = Desk::new();
    let (_, xml) = desk
        .query("sns", &[("Action", "CreatePlatformApplication"), ("Name", "app"), ("Platform", "GCM")])
        .await;
    let application = element(&xml, "PlatformApplicationArn").to_owned();
    let register = [
        ("Action", "CreatePlatformEndpoint"),
        ("PlatformApplicationArn", &*application),
        ("Token", "device-1"),
        ("CustomUserData", "user-1"),
    ];
    let (_, xml) = desk.query("sns", &register).await;
    let endpoint = element(&xml, "EndpointArn").to_owned();
    assert_eq!(
        element(&desk.query("sns", &register).await.1, "EndpointArn"),
        endpoint,
        "the same device again"
    );

    let publish = [
        ("Action", "Publish"),
        ("TargetArn", &*endpoint),
        ("MessageStructure", "json"),
        ("Message", r#"{"default": "d", "GCM": "{\"data\":{}}"}"#),
    ];
    assert_eq!(desk.query("sns", &publish).await.0, 200);
    let pushes = desk.mail.pushes().unwrap();
    assert_eq!((pushes[0].message.as_str(), pushes[0].token.as_str()), (r#"{"data":{}}"#, "device-1"));
    assert_eq!((pushes[0].platform.as_str(), pushes[0].user_data.as_str()), ("GCM", "user-1"));

    let off = [
        ("Action", "SetEndpointAttributes"),
        ("EndpointArn", &*endpoint),
        ("Attributes.entry.1.key", "Enabled"),
        ("Attributes.entry.1.value", "false"),
    ];
    desk.query("sns", &off).await;
    assert_eq!(element(&desk.query("sns", &publish).await.1, "Code"), "EndpointDisabled");
    desk.query("sns", &[("Action", "DeleteEndpoint"), ("EndpointArn", &*endpoint)]).await;
    assert_eq!(element(&desk.query("sns", &publish).await.1, "Code"), "NotFound");
    assert_eq!(desk.mail.pushes().unwrap().len(), 1);
}
