//! Who may make each call, tried by everybody else: `tests/access.tsv` is the table.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Answer, Stack};
use platform::{Endpoint, Permission, Trigger, permissions_of};
use reqwest::Method;
use serde_json::json;

/// Plain roles, of which some give a permission.
const ROLES: [&str; 7] = ["guest", "user", "creator", "premium", "moderator", "admin", "adult-verified"];
/// Refusals of the guard; an area's own refusals have codes of their own.
const GUARD: [&str; 3] = ["UNAUTHENTICATED", "TOKEN_EXPIRED", "FORBIDDEN"];

/// Function → guard, as the table has it.
fn table() -> BTreeMap<String, String> {
    let text = include_str!("../../access.tsv");
    let rows = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    let row = |line: &str| {
        let mut cells = line.split('\t');
        (cells.next().unwrap().to_owned(), cells.next().unwrap().to_owned())
    };
    rows.map(row).collect()
}

fn endpoints() -> Vec<(&'static str, Box<Endpoint>)> {
    let functions = product::functions().into_iter();
    functions
        .filter_map(|f| match f.trigger {
            Trigger::Http(endpoint) => Some((f.name, endpoint)),
            Trigger::Job(_) => None,
        })
        .collect()
}

/// A path that could be: a random id where one belongs.
fn path_of(endpoint: &Endpoint) -> String {
    let parts = endpoint.path.split('/').map(|part| match part {
        "{provider}" => "google".to_owned(),
        "{file}" => "master.m3u8".to_owned(),
        part if part.starts_with('{') => "0192d3a4-5b6c-7d8e-9f01-23456789abcd".to_owned(),
        part => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn attempt(stack: &Stack, endpoint: &Endpoint, token: Option<&str>) -> Answer {
    let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
    let mut request = stack.request(method, &path_of(endpoint));
    if endpoint.method != "GET" {
        request = request.json(&json!({}));
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    stack.send(request).await
}

#[track_caller]
fn let_in(name: &str, answer: &Answer) {
    let code = answer.json["code"].as_str().unwrap_or_default();
    assert!(!GUARD.contains(&code), "{name} shut somebody out: {}", answer.json);
    assert!(answer.status.as_u16() < 500, "{name} failed: {}", answer.json);
}

/// The table's word about an endpoint.
fn guard_of(table: &BTreeMap<String, String>, name: &str) -> String {
    table.get(name).unwrap_or_else(|| panic!("tests/access.tsv does not name {name}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_and_forgers_are_let_in_exactly_where_the_table_says_anyone() {
    let stack = Stack::start().await;
    let table = table();
    let real = stack.token(None, &["admin", "service"]).await;
    let (signed, _) = real.rsplit_once('.').unwrap();
    // The claims of an administrator under a signature that is none of ours.
    let forged = format!("{signed}.{}", "A".repeat(86));
    for (name, endpoint) in endpoints() {
        let guard = guard_of(&table, name);
        // The handler itself looks at what a holder brings.
        if guard.starts_with("holder of") {
            continue;
        }
        let open = guard == "anyone";
        let answer = attempt(&stack, &endpoint, None).await;
        if open {
            let_in(name, &answer);
        } else {
            answer.refused(401, "UNAUTHENTICATED");
        }
        let answer = attempt(&stack, &endpoint, Some(&forged)).await;
        if open {
            let_in_or_told(name, &answer, "UNAUTHENTICATED");
        } else {
            answer.refused(401, "UNAUTHENTICATED");
        }
    }
    stack.finish().await;
}

/// An open endpoint that looks at tokens may tell that one is bad, so that the client renews it.
#[track_caller]
fn let_in_or_told(name: &str, answer: &Answer, code: &str) {
    let told = answer.json["code"].as_str().unwrap_or_default();
    assert!(told == code || !GUARD.contains(&told), "{name}: {}", answer.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_time_is_over_opens_nothing_that_is_not_open_to_anyone() {
    let stack = Stack::start().await;
    let table = table();
    let token = stack.token(None, &["admin", "service"]).await;
    stack.advance(Duration::from_secs(30 * 60 + 1)).await;
    for (name, endpoint) in endpoints() {
        let guard = guard_of(&table, name);
        let answer = attempt(&stack, &endpoint, Some(&token)).await;
        if guard.starts_with("holder of") {
            continue;
        }
        if guard == "anyone" {
            let_in_or_told(name, &answer, "TOKEN_EXPIRED");
        } else {
            answer.refused(401, "TOKEN_EXPIRED");
        }
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_comes_with_its_roles_and_no_others() {
    let stack = Stack::start().await;
    let table = table();
    let scoped = ["exhibition:TOKYO:owner", "tenant:1:owner", "admin ", "Admin", "service:admin"];
    for (name, endpoint) in endpoints() {
        let guard = guard_of(&table, name);
        let Some(permission) = Permission::ALL.iter().find(|p| p.name() == guard) else { continue };
        for role in ROLES.into_iter().chain(scoped) {
            let token = stack.token(None, &[role]).await;
            let answer = attempt(&stack, &endpoint, Some(&token)).await;
            if permissions_of(role).contains(permission) {
                let_in(name, &answer);
            } else {
                answer.refused(403, "FORBIDDEN");
            }
        }
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_role_is_enough_where_the_table_says_user() {
    let stack = Stack::start().await;
    let table = table();
    let guest = stack.register("hanako").await;
    let token = stack.token(Some(&guest.id), &["guest"]).await;
    for (name, endpoint) in endpoints() {
        // Closing the account and ending the session would change what the rest meets.
        if guard_of(&table, name) == "user" {
            let_in(name, &attempt(&stack, &endpoint, Some(&token)).await);
        }
    }
    stack.finish().await;
}

/// The handler itself looks at the token that the holder brings.
#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_token_holds_nothing() {
    let stack = Stack::start().await;
    let admin = stack.token(None, &["admin"]).await;
    for token in [None, Some(admin.as_str())] {
        let body = json!({"mfa_token": "made up", "method": "email", "code": "123456"});
        stack.post("/auth/mfa/challenge", token, &body).await.refused(401, "MFA_TOKEN_INVALID");
        stack.post("/auth/mfa/verify", token, &body).await.refused(401, "MFA_TOKEN_INVALID");
        let path = "/api/videos/0192d3a4-5b6c-7d8e-9f01-23456789abcd/manifest/master.m3u8";
        for query in ["", "?token=made-up", "?token="] {
            let answer = stack.get(&format!("{path}{query}"), token).await;
            answer.refused(401, "UNAUTHENTICATED");
        }
    }
    stack.finish().await;
}
