//! Rules of accounts, against a real table.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod world;

use identity::{
    Edit, Identity, OwnPassword, PasswordChange, PasswordReset, Post, ProfileChange, Roles, UserSearch, seed,
};
use kernel::ids::UserId;
use platform::http::Page;
use serde_json::json;
use world::{PASSWORD, World, code};

fn page(search: Option<&str>) -> UserSearch {
    UserSearch { page: Page { limit: 100, cursor: None }, search: search.map(str::to_owned) }
}

fn password_change(now: &str, new: &str) -> PasswordChange {
    PasswordChange { current_password: Some(now.to_owned()), new_password: new.to_owned() }
}

#[tokio::test]
async fn an_address_and_a_name_belong_to_one_person_without_regard_to_case() {
    let world = World::new().await;
    let first = world.register("Hana@Example.com", "Hana").await.unwrap();
    assert_eq!(first.user.roles, ["user", "creator"]);
    assert!(!first.user.is_verified);
    assert_eq!(code(world.register("hana@example.COM", "other").await), "EMAIL_TAKEN");
    assert_eq!(code(world.register("other@example.com", "hANA").await), "USERNAME_TAKEN");
    // What was refused left nothing behind.
    assert_eq!(world.items().await.iter().filter(|i| i["sk"]["S"] == "PROFILE").count(), 1);
    world.signed_in(" hana@example.com ", PASSWORD).await;
}

#[tokio::test]
async fn of_many_who_want_one_name_at_the_same_moment_one_has_it() {
    let world = World::new().await;
    let tries = (0..8).map(|i| {
        let world = &world;
        async move { world.register(&format!("p{i}@example.com"), "same").await }
    });
    let outcomes: Vec<_> = futures::future::join_all(tries).await.into_iter().map(code).collect();
    assert_eq!(outcomes.iter().filter(|c| **c == "OK").count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|c| ["OK", "USERNAME_TAKEN"].contains(c)), "{outcomes:?}");
}

#[tokio::test]
async fn a_mail_confirms_the_address_once() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let token = world.mailed("verify_email", "token").await;
    let link = world.mailed("verify_email", "link").await;
    assert_eq!(link, format!("https://app.example.com/verify-email?token={token}"));
    let identity = world.identity();
    assert!(identity.confirm_email(&world.context(), &token).await.unwrap().is_verified);
    assert_eq!(code(identity.confirm_email(&world.context(), &token).await), "INVALID_TOKEN");
    let call = world.call(&who.tokens.access_token).await;
    let me = identity.me(&call).await.unwrap();
    assert!(me.user.is_verified && me.email_verified_at.is_some());
    assert_eq!(code(world.domain::<Post>().send_verification(&call).await), "EMAIL_ALREADY_VERIFIED");
}

#[tokio::test]
async fn a_token_does_not_do_what_another_was_made_for_nor_after_its_time() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    let verify = world.mailed("verify_email", "token").await;
    world.domain::<Post>().forgot(&world.context(), "A@example.com").await.unwrap();
    let reset = world.mailed("reset_password", "token").await;
    let identity = world.identity();
    let reset_by =
        |token: &str| PasswordReset { token: token.to_owned(), new_password: "a new long one".to_owned() };
    assert_eq!(code(identity.confirm_email(&world.context(), &reset).await), "INVALID_TOKEN");
    assert_eq!(code(identity.reset_password(&world.context(), &reset_by(&verify)).await), "INVALID_TOKEN");
    world.advance_s(3601);
    assert_eq!(code(identity.reset_password(&world.context(), &reset_by(&reset)).await), "INVALID_TOKEN");
}

#[tokio::test]
async fn forgetting_costs_the_same_whether_or_not_somebody_has_the_address() {
    let world = World::new().await;
    world.register("a@example.com", "aaa").await.unwrap();
    let before = world.messages("emails").await.len();
    let (known, unknown) = (world.context(), world.context());
    let post = world.domain::<Post>();
    let told = post.forgot(&known, "a@example.com").await.unwrap();
    let same = post.forgot(&unknown, "b@example.com").await.unwrap();
    assert_eq!(serde_json::to_value(told).unwrap(), serde_json::to_value(same).unwrap());
    assert_eq!(known.meter.usage().calls, unknown.meter.usage().calls);
    assert_eq!(world.messages("emails").await.len(), before + 1);
}

#[tokio::test]
async fn a_reset_works_once_and_ends_every_session_and_the_lockout() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    for _ in 0..10 {
        assert_eq!(code(world.login("a@example.com", "wrong wrong").await), "INVALID_CREDENTIALS");
    }
    assert_eq!(code(world.login("a@example.com", PASSWORD).await), "TOO_MANY_ATTEMPTS");
    world.domain::<Post>().forgot(&world.context(), "a@example.com").await.unwrap();
    let token = world.mailed("reset_password", "token").await;
    let reset = PasswordReset { token, new_password: "another tuesday".to_owned() };
    world.identity().reset_password(&world.context(), &reset).await.unwrap();
    assert_eq!(code(world.identity().reset_password(&world.context(), &reset).await), "INVALID_TOKEN");
    assert_eq!(code(world.refresh(&who.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
    assert_eq!(code(world.login("a@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    assert!(world.signed_in("a@example.com", "another tuesday").await.user.is_verified);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_keeps_this_one() {
    let world = World::new().await;
    let here = world.register("a@example.com", "aaa").await.unwrap();
    let there = world.signed_in("a@example.com", PASSWORD).await;
    let identity = world.identity();
    let call = world.call(&here.tokens.access_token).await;
    let wrong = password_change("not the password", "another tuesday");
    assert_eq!(code(identity.change_password(&call, &wrong).await), "WRONG_PASSWORD");
    let none = PasswordChange { current_password: None, new_password: "another tuesday".to_owned() };
    assert_eq!(code(identity.change_password(&call, &none).await), "VALIDATION_FAILED");
    identity.change_password(&call, &password_change(PASSWORD, "another tuesday")).await.unwrap();
    world.refresh(&here.tokens.refresh_token).await.unwrap();
    assert_eq!(code(world.refresh(&there.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
    // The other access token lives on, but not for what asks whether the session does.
    let other = world.call(&there.tokens.access_token).await;
    assert_eq!(code(identity.me(&other).await), "OK");
    let again = password_change("another tuesday", "a third tuesday");
    assert_eq!(code(identity.change_password(&other, &again).await), "UNAUTHENTICATED");
    assert_eq!(code(identity.session_alive(&other).await), "UNAUTHENTICATED");
    assert_eq!(code(identity.session_alive(&call).await), "OK");
    let list = identity.sessions(&call, 20, None).await.unwrap();
    assert_eq!(list.items.iter().map(|s| s.current).collect::<Vec<_>>(), [true]);
}

#[tokio::test]
async fn a_profile_is_changed_in_parts_and_counts_as_complete_once() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    world.register("b@example.com", "bbb").await.unwrap();
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    let change = ProfileChange {
        username: Some("AAA.new".to_owned()),
        bio: Edit::Set("words".to_owned()),
        avatar_url: Edit::Set("https://example.com/a.png".to_owned()),
        ..ProfileChange::default()
    };
    let me = identity.change_profile(&call, &change).await.unwrap();
    assert_eq!((me.user.username.as_str(), me.user.bio.as_deref()), ("AAA.new", Some("words")));
    let completed = me.profile_completed_at;
    assert!(completed.is_some());
    world.advance_s(60);
    let clear = ProfileChange { bio: Edit::Clear, ..ProfileChange::default() };
    let me = identity.change_profile(&call, &clear).await.unwrap();
    assert_eq!((me.user.bio, me.profile_completed_at), (None, completed));
    let taken = ProfileChange { username: Some("BBB".to_owned()), ..ProfileChange::default() };
    assert_eq!(code(identity.change_profile(&call, &taken).await), "USERNAME_TAKEN");
    // The old name is free again.
    world.register("c@example.com", "aaa").await.unwrap();
}

#[tokio::test]
async fn a_closed_account_is_shut_at_once_and_its_address_free_when_it_is_erased() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    world.signed_in("a@example.com", PASSWORD).await;
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    let proof = |password: &str| OwnPassword { password: Some(password.to_owned()) };
    assert_eq!(code(identity.close(&call, &proof("not the password")).await), "WRONG_PASSWORD");
    assert_eq!(code(identity.close(&call, &OwnPassword::default()).await), "VALIDATION_FAILED");
    assert!(
        identity.erase(&world.context(), who.user.id, vec![]).await.is_err(),
        "an open account is not erased"
    );
    identity.close(&call, &proof(PASSWORD)).await.unwrap();
    assert_eq!(world.messages("user-erasures").await, [json!({"user": who.user.id})]);
    assert_eq!(code(identity.me(&call).await), "UNAUTHENTICATED");
    assert_eq!(code(world.refresh(&who.tokens.refresh_token).await), "REFRESH_TOKEN_INVALID");
    assert_eq!(code(world.login("a@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    assert_eq!(code(identity.public(&world.context(), who.user.id).await), "USER_NOT_FOUND");
    assert_eq!(code(world.register("a@example.com", "other").await), "EMAIL_TAKEN");
    assert!(!identity.person(&world.context(), who.user.id).await.unwrap().unwrap().is_active);

    for _ in 0..3 {
        identity.erase(&world.context(), who.user.id, vec![Box::pin(async { Ok(()) })]).await.unwrap();
    }
    let mails = world.messages("emails").await;
    assert_eq!(mails.iter().filter(|m| m["content"] == "account_erased").count(), 1);
    assert!(identity.person(&world.context(), who.user.id).await.unwrap().is_none());
    let left: Vec<_> =
        world.items().await.into_iter().filter(|i| i["pk"]["S"] == format!("USER#{}", who.user.id)).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(!json!(left).to_string().contains("example.com"), "{left:?}");
    world.register("a@example.com", "aaa").await.unwrap();
}

#[tokio::test]
async fn what_other_areas_cannot_erase_yet_keeps_the_account_until_they_can() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let (identity, call) = (world.identity(), world.call(&who.tokens.access_token).await);
    identity.close(&call, &OwnPassword { password: Some(PASSWORD.to_owned()) }).await.unwrap();
    let failing = Box::pin(async { Err(kernel::Error::unavailable("later")) });
    assert_eq!(
        code(identity.erase(&world.context(), who.user.id, vec![failing]).await),
        "SERVICE_UNAVAILABLE"
    );
    assert_eq!(code(world.register("a@example.com", "aaa").await), "EMAIL_TAKEN");
}

async fn administrator(world: &World) -> kernel::Context {
    seed(&world.identity(), &world.context()).await.unwrap();
    let admin = world.signed_in(identity::ADMIN_EMAIL, identity::ADMIN_PASSWORD).await;
    world.call(&admin.tokens.access_token).await
}

#[tokio::test]
async fn the_seeded_administrator_is_there_once_and_verified() {
    let world = World::new().await;
    let call = administrator(&world).await;
    seed(&world.identity(), &world.context()).await.unwrap();
    let me = world.identity().me(&call).await.unwrap();
    assert!(me.user.is_verified);
    assert_eq!(me.user.roles, ["admin", "user", "creator"]);
    assert_eq!(world.identity().list(&call, &page(None)).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn people_are_found_once_by_the_beginning_of_address_or_name() {
    let world = World::new().await;
    let call = administrator(&world).await;
    for (email, name) in
        [("hana@example.com", "hana"), ("x@example.com", "Hanako"), ("hans@example.com", "other")]
    {
        world.register(email, name).await.unwrap();
    }
    let list = world.identity().list(&call, &page(Some("HAN"))).await.unwrap();
    let mut names: Vec<_> = list.items.iter().map(|u| u.user.username.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Hanako", "hana", "other"]);
    assert_eq!(code(world.identity().list(&call, &page(Some(&"x".repeat(255)))).await), "VALIDATION_FAILED");
    // Page by page, nobody twice.
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let search = UserSearch { page: Page { limit: 1, cursor }, search: Some("ha".to_owned()) };
        let list = world.identity().list(&call, &search).await.unwrap();
        seen.extend(list.items.into_iter().map(|u| u.user.id));
        cursor = list.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn roles_are_set_whole_and_nobody_has_none() {
    let world = World::new().await;
    let call = administrator(&world).await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let wanted = ["user", "moderator", "user", "tenant:t-1:staff"].map(str::to_owned).to_vec();
    let user =
        world.identity().set_roles(&call, who.user.id, &Roles { roles: wanted.clone() }).await.unwrap();
    assert_eq!(user.user.roles, ["user", "moderator", "tenant:t-1:staff"]);
    let nobody = UserId::parse("0192f0c1-2345-7000-8000-000000000000").unwrap();
    assert_eq!(
        code(world.identity().set_roles(&call, nobody, &Roles { roles: wanted }).await),
        "USER_NOT_FOUND"
    );
    // The next tokens carry them.
    let pair = world.refresh(&who.tokens.refresh_token).await.unwrap();
    assert!(world.call(&pair.access_token).await.caller().unwrap().has_role("moderator"));
}

#[tokio::test]
async fn people_are_looked_up_many_at_a_time() {
    let world = World::new().await;
    let a = world.register("a@example.com", "aaa").await.unwrap().user.id;
    let b = world.register("b@example.com", "bbb").await.unwrap().user.id;
    let identity: Identity = world.identity();
    let found = identity.people(&world.context(), &[a, b, a]).await.unwrap();
    assert_eq!((found.len(), found[&b].username.as_str()), (2, "bbb"));
    assert!(identity.people(&world.context(), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_export_is_asked_for_through_the_outbox() {
    let world = World::new().await;
    let who = world.register("a@example.com", "aaa").await.unwrap();
    let call = world.call(&who.tokens.access_token).await;
    world.identity().request_export(&call).await.unwrap();
    assert_eq!(world.messages("data-exports").await, [json!({"user": who.user.id})]);
}
