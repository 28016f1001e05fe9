use e2e::Stack;
use serde_json::{Value, json};

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_listed_newest_first_page_by_page() {
    let stack = Stack::start().await;
    let admin = stack.admin().await;
    for n in 0..5 {
        stack.register(&format!("person{n}")).await;
    }
    let (mut found, mut path) = (Vec::new(), "/api/admin/users?limit=2".to_owned());
    loop {
        let page = stack.get(&path, &*admin.token).await.expect(200);
        assert!(names(&page).len() <= 2);
        found.extend(names(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/admin/users?limit=2&cursor={cursor}");
    }
    assert_eq!(found, ["person4", "person3", "person2", "person1", "person0", "admin"]);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_the_beginning_of_address_or_name_and_told_once() {
    let stack = Stack::start().await;
    let admin = stack.admin().await;
    stack.register("hanako").await;
    stack.register("hanada").await;
    let other = json!({"email": "hana@example.net", "username": "zoe", "password": e2e::PASSWORD});
    stack.post("/auth/register", None, &other).await.expect(201);
    let search = |text: &'static str| {
        let (stack, token) = (&stack, admin.token.clone());
        async move {
            let page = stack.get(&format!("/api/admin/users?search={text}"), &*token).await.expect(200);
            let mut found: Vec<String> = names(&page).into_iter().map(str::to_owned).collect();
            found.sort();
            found
        }
    };
    assert_eq!(search("HANA").await, ["hanada", "hanako", "zoe"]);
    assert_eq!(search("hanako@").await, ["hanako"]);
    assert_eq!(search("zo").await, ["zoe"]);
    assert!(search("nobody").await.is_empty());
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_set_exactly_and_come_with_the_next_token() {
    let stack = Stack::start().await;
    let (admin, person) = (stack.admin().await, stack.register("hanako").await);
    let path = format!("/api/admin/users/{}/roles", person.id);
    let roles = json!({"roles": ["user", "moderator", "exhibition:TOKYO:gate", "user"]});
    let set = stack.put(&path, &*admin.token, &roles).await.expect(200);
    assert_eq!(set["roles"], json!(["user", "moderator", "exhibition:TOKYO:gate"]));
    assert!(set.get("password_hash").is_none() && set.get("secrets").is_none());

    // The token that is out keeps the old ones: still a creator.
    let upload = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1, "kind": "video", "title": "A"});
    stack.post("/api/upload/initiate", &*person.token, &upload).await.expect(201);
    let body = json!({"refresh_token": person.refresh});
    let next = stack.post("/auth/refresh", None, &body).await.expect(200);
    let token = next["access_token"].as_str().unwrap();
    stack.post("/api/upload/initiate", token, &upload).await.refused(403, "FORBIDDEN");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_administrator_makes_a_service_or_a_role_that_is_none() {
    let stack = Stack::start().await;
    let (admin, person) = (stack.admin().await, stack.register("hanako").await);
    let path = format!("/api/admin/users/{}/roles", person.id);
    for role in ["service", "root", "Admin", "exhibition:X:boss", "tenant::owner", ""] {
        let told = stack
            .put(&path, &*admin.token, &json!({"roles": ["user", role]}))
            .await
            .refused(400, "VALIDATION_FAILED");
        assert_eq!(told["errors"][0]["field"], "roles[1]");
    }
    let nobody = "/api/admin/users/0192d3a4-5b6c-7d8e-9f01-23456789abcd/roles";
    stack.put(nobody, &*admin.token, &json!({"roles": ["user"]})).await.refused(404, "USER_NOT_FOUND");
    stack.put(&path, &*person.token, &json!({"roles": ["admin"]})).await.refused(403, "FORBIDDEN");
    stack.finish().await;
}
