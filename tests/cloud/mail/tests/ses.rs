//! Sending mail, and looking at what was sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod desk;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use desk::Desk;
use serde_json::{Value, json};

fn simple(from: &str, to: &str, subject: &str) -> Value {
    json!({
        "FromEmailAddress": from,
        "Destination": {"ToAddresses": [to]},
        "Content": {"Simple": {"Subject": {"Data": subject},
            "Body": {"Text": {"Data": "plain <text>"}, "Html": {"Data": "<p>rich</p>"}}}},
    })
}

const OUTBOUND: &str = "/v2/email/outbound-emails";

#[tokio::test]
async fn mails_are_kept_newest_first_and_found_by_any_recipient() {
    let desk = Desk::new();
    desk.mail.ensure_identity("shop.test").unwrap();
    let (status, first) =
        desk.rest("POST", OUTBOUND, &simple("Shop <no-reply@shop.test>", "Ann@x.test", "1")).await;
    assert_eq!(status, 200, "{first}");
    desk.clock.advance(Duration::from_mins(1));
    let mut second = simple("no-reply@shop.test", "bob@x.test", "2");
    second["Destination"]["BccAddresses"] = json!(["Ann A <ann@x.test>"]);
    desk.rest("POST", OUTBOUND, &second).await;

    let all = desk.mail.mails(None).unwrap();
    assert_eq!(all.iter().map(|m| m.subject.as_str()).collect::<Vec<_>>(), ["2", "1"]);
    assert!(all[0].created_at > all[1].created_at, "times are the clock's");
    assert_eq!(desk.mail.mails(Some("ANN@x.test")).unwrap().len(), 2);
    assert_eq!(desk.mail.mails(Some("bob@x.test")).unwrap().len(), 1);
    let mail = &all[1];
    assert_eq!(mail.id, first["MessageId"].as_str().unwrap());
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("Shop <no-reply@shop.test>", "Ann@x.test"));
    assert_eq!((mail.text.as_deref(), mail.html.as_deref()), (Some("plain <text>"), Some("<p>rich</p>")));
}

#[tokio::test]
async fn only_verified_addresses_and_domains_may_send() {
    let desk = Desk::new();
    let (status, answer) = desk.rest("POST", OUTBOUND, &simple("me@x.test", "a@x.test", "s")).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().unwrap().contains("not verified"), "{answer}");
    let fields = [
        ("Action", "SendEmail"),
        ("Source", "me@x.test"),
        ("Destination.ToAddresses.member.1", "a@x.test"),
        ("Message.Subject.Data", "s"),
        ("Message.Body.Text.Data", "t"),
    ];
    let (status, xml) = desk.query("ses", &fields).await;
    assert_eq!((status, desk::element(&xml, "Code")), (400, "MessageRejected"));

    desk.query("ses", &[("Action", "VerifyEmailIdentity"), ("EmailAddress", "Me@x.test")]).await;
    assert_eq!(desk.query("ses", &fields).await.0, 200);
    assert_eq!(desk.rest("POST", OUTBOUND, &simple("you@x.test", "a@x.test", "s")).await.0, 400);
    let created = desk.rest("POST", "/v2/email/identities", &json!({"EmailIdentity": "x.test"})).await;
    assert_eq!(created.1["IdentityType"], "DOMAIN");
    assert_eq!(desk.rest("POST", OUTBOUND, &simple("you@x.test", "a@x.test", "s")).await.0, 200);
    assert_eq!(desk.rest("DELETE", "/v2/email/identities/x.test", &json!({})).await.0, 200);
    assert_eq!(desk.rest("POST", OUTBOUND, &simple("you@x.test", "a@x.test", "s")).await.0, 400);
    assert_eq!(desk.rest("GET", "/v2/email/identities/x.test", &json!({})).await.0, 404);
}

#[tokio::test]
async fn what_cannot_be_delivered_is_refused() {
    let desk = Desk::new();
    desk.mail.ensure_identity("x.test").unwrap();
    let to = |list: Value| {
        let mut mail = simple("me@x.test", "a@x.test", "s");
        mail["Destination"] = json!({"ToAddresses": list});
        mail
    };
    for recipients in [json!([]), json!(["nobody"]), json!(vec!["a@x.test"; 51])] {
        let (status, answer) = desk.rest("POST", OUTBOUND, &to(recipients)).await;
        assert_eq!(status, 400, "{answer}");
    }
    assert_eq!(desk.mail.mails(None).unwrap(), []);
}

#[tokio::test]
async fn raw_and_templated_mails_read_like_simple_ones() {
    let desk = Desk::new();
    desk.mail.ensure_identity("x.test").unwrap();
    let raw = "From: me@x.test\r\nTo: Ann <ann@x.test>\r\nSubject: =?UTF-8?Q?caf=C3=A9?=\r\n\r\nhey";
    let raw = json!({"Content": {"Raw": {"Data": STANDARD.encode(raw)}}});
    assert_eq!(desk.rest("POST", OUTBOUND, &raw).await.0, 200);
    let mail = &desk.mail.mails(Some("ann@x.test")).unwrap()[0];
    assert_eq!((mail.subject.as_str(), mail.text.as_deref()), ("café", Some("hey")));

    let template =
        json!({"TemplateName": "t", "TemplateContent": {"Subject": "Hi {{n}}", "Text": "yo {{n}}"}});
    assert_eq!(desk.rest("POST", "/v2/email/templates", &template).await.0, 200);
    let with = |name: &str, data: &str| {
        json!({"FromEmailAddress": "me@x.test", "Destination": {"ToAddresses": ["bob@x.test"]},
            "Content": {"Template": {"TemplateName": name, "TemplateData": data}}})
    };
    assert_eq!(desk.rest("POST", OUTBOUND, &with("t", r#"{"n":"Bob"}"#)).await.0, 200);
    assert_eq!(desk.rest("POST", OUTBOUND, &with("t", "{}")).await.0, 400);
    assert_eq!(desk.rest("POST", OUTBOUND, &with("none", "{}")).await.0, 404);
    let mails = desk.mail.mails(Some("bob@x.test")).unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].subject.as_str(), mails[0].text.as_deref()), ("Hi Bob", Some("yo Bob")));
}

#[tokio::test]
async fn mails_are_shown_as_localstack_shows_them_and_survive_a_restart() {
    let desk = Desk::durable("ses");
    desk.mail.ensure_identity("x.test").unwrap();
    desk.rest("POST", OUTBOUND, &simple("me@x.test", "a@x.test", "s")).await;
    let desk = desk.reopened();
    let (_, shown) = desk.rest("GET", "/_aws/ses", &Value::Null).await;
    let message = &shown["messages"][0];
    assert_eq!(message["Destination"]["ToAddresses"], json!(["a@x.test"]));
    assert_eq!(message["Body"], json!({"text_part": "plain <text>", "html_part": "<p>rich</p>"}));
    assert_eq!(
        desk.rest("GET", "/_aws/ses?email=other@x.test", &Value::Null).await.1,
        json!({"messages": []})
    );
    desk.mail.reset().unwrap();
    assert_eq!(desk.mail.mails(None).unwrap(), []);
    assert_eq!(
        desk.rest("POST", OUTBOUND, &simple("me@x.test", "a@x.test", "s")).await.0,
        400,
        "identities too"
    );
}
