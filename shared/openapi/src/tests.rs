use kernel::ids::VideoId;
use kernel::{ConfigError, Context, Domain, Env, Permission, Result, Time, Validate};
use platform::http::{Page, RateClass};
use platform::{Access, Call, Endpoint, Function, Job, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Info, document};

#[derive(Clone)]
struct Nothing;

impl Domain for Nothing {
    fn from_env(_: &Env) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

kernel::codes! {
    /// Causes of the sample.
    enum SampleError {
        /// No such video.
        NotFound = 404 "VIDEO_NOT_FOUND" { ja: "動画がありません。", en: "No such video.", ko: "동영상이 없습니다.", zh: "没有该视频。", vi: "Không có video." }
    }
}

/// A tag of a video.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Tag {
    #[serde(default)]
    weight: u32,
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct NewVideo {
    #[schemars(length(min = 1, max = 100))]
    title: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

impl Validate for NewVideo {}

#[derive(Deserialize, JsonSchema)]
struct Change {
    title: Option<String>,
}

impl Validate for Change {}

/// How a list is ordered.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    New,
    Popular,
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    #[serde(flatten)]
    page: Page,
    /// Order.
    sort: Option<Sort>,
}

#[derive(Serialize, JsonSchema)]
struct Video {
    id: VideoId,
    title: String,
    tags: Vec<Tag>,
    sort: Sort,
    created_at: Time,
}

#[derive(Serialize, JsonSchema)]
struct Videos {
    items: Vec<Video>,
    next_cursor: Option<String>,
}

fn video(context: &Context, title: String, tags: Vec<Tag>) -> Video {
    Video { id: context.id(), title, tags, sort: Sort::New, created_at: context.now() }
}

async fn create(_: Nothing, call: Call<NewVideo>) -> Result<Reply<Video>> {
    Ok(Reply::new(video(&call.context, call.body.title, call.body.tags)))
}

async fn change(_: Nothing, call: Call<Change>) -> Result<Reply<Video>> {
    Ok(Reply::new(video(&call.context, call.body.title.unwrap_or_default(), Vec::new())))
}

async fn list(_: Nothing, call: Call<(), Filter>) -> Result<Reply<Videos>> {
    let _ = (call.query.page.checked()?, call.query.sort);
    Ok(Reply::new(Videos { items: Vec::new(), next_cursor: None }))
}

async fn nothing(_: Nothing, _: Call) -> Result<Reply<()>> {
    Ok(Reply::empty())
}

async fn message(_: Nothing, _: platform::Message<Value>) -> Result<()> {
    Ok(())
}

fn functions() -> Vec<Function> {
    vec![
        Endpoint::post("/api/videos")
            .summary("Create a video")
            .access(Access::May(Permission::Publish))
            .creates("/api/videos/{id}")
            .serve("videos-create", create),
        Endpoint::get("/api/videos").summary("Videos").serve("videos-list", list),
        Endpoint::patch("/api/videos/{id}")
            .summary("Change a video")
            .access(Access::User)
            .errors([SampleError::NotFound.code()])
            .serve("videos-change", change),
        Endpoint::delete("/api/videos/{id}/tags/{name}")
            .summary("Remove a tag")
            .access(Access::User)
            .errors([SampleError::NotFound.code()])
            .serve("videos-remove-tag", nothing),
        Endpoint::post("/api/tips")
            .summary("Give a tip")
            .access(Access::User)
            .idempotency_required()
            .serve("payments-tip", change),
        Endpoint::get("/page")
            .summary("A page")
            .produces("text/html; charset=utf-8")
            .rate(RateClass::Unlimited)
            .serve("platform-page", nothing),
        Endpoint::get("/go").summary("Away").status(302).serve("platform-go", nothing),
        Job::queue("work").serve("videos-work", message),
    ]
}

fn made() -> Value {
    document(&functions(), &Info { title: "Sample", version: "1.0.0", description: "For the tests." })
}

fn operation<'a>(document: &'a Value, path: &str, method: &str) -> &'a Value {
    &document["paths"][path][method]
}

fn parameter<'a>(operation: &'a Value, name: &str) -> &'a Value {
    operation["parameters"].as_array().unwrap().iter().find(|p| p["name"] == name).unwrap()
}

#[test]
fn every_endpoint_is_there_and_no_job() {
    let document = made();
    let count: usize =
        document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(count, 7);
    assert_eq!(operation(&document, "/api/videos", "post")["operationId"], "videos-create");
}

#[test]
fn every_reference_leads_somewhere_and_no_schema_is_idle() {
    fn walk(value: &Value, document: &Value, seen: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (key, member) in object {
                    if let (true, Some(text)) = (key == "$ref", member.as_str()) {
                        let pointer = text.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{text}");
                        seen.push(text.to_owned());
                    }
                    walk(member, document, seen);
                }
            }
            Value::Array(list) => list.iter().for_each(|m| walk(m, document, seen)),
            _ => {}
        }
    }
    let document = made();
    let mut seen = Vec::new();
    walk(&document, &document, &mut seen);
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(seen.contains(&format!("#/components/schemas/{name}")), "{name}");
    }
}

#[test]
fn every_code_that_an_endpoint_can_answer_stands_under_its_status() {
    let document = made();
    let change = operation(&document, "/api/videos/{id}", "patch");
    let reference = change["responses"]["404"]["$ref"].as_str().unwrap();
    let response = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    let schema = &response["content"]["application/problem+json"]["schema"];
    assert_eq!(schema["allOf"][1]["properties"]["code"]["enum"], json!(["VIDEO_NOT_FOUND"]));
    assert_eq!(document["x-codes"]["VIDEO_NOT_FOUND"]["text"]["en"], "No such video.");
    assert!(change["responses"].get("403").is_none());
    assert!(operation(&document, "/api/videos", "post")["responses"].get("403").is_some());
}

#[test]
fn what_is_optional_to_send_is_always_there_to_read() {
    let document = made();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Tag"]["required"], json!(["weight", "name"]));
    assert_eq!(schemas["TagInput"]["required"], json!(["name"]));
    assert_eq!(schemas["NewVideo"]["properties"]["tags"]["items"]["$ref"], "#/components/schemas/TagInput");
    assert_eq!(schemas["NewVideo"]["properties"]["title"]["maxLength"], 100);
    let body = |path, method| operation(&document, path, method)["requestBody"]["required"].clone();
    assert_eq!((body("/api/videos", "post"), body("/api/videos/{id}", "patch")), (json!(true), json!(false)));
}

#[test]
fn query_parameters_have_their_limits_and_are_never_null() {
    let document = made();
    let list = operation(&document, "/api/videos", "get");
    assert_eq!(parameter(list, "limit")["schema"]["maximum"], 100);
    assert_eq!(parameter(list, "limit")["required"], false);
    assert_eq!(parameter(list, "cursor")["schema"]["type"], "string");
    let sort = parameter(list, "sort");
    assert_eq!(sort["schema"]["$ref"], "#/components/schemas/Sort");
    assert_eq!(sort["description"], "Order.");
}

#[test]
fn a_path_parameter_that_names_an_id_is_a_uuid() {
    let document = made();
    let remove = operation(&document, "/api/videos/{id}/tags/{name}", "delete");
    assert_eq!(parameter(remove, "id")["schema"]["format"], "uuid");
    assert_eq!(parameter(remove, "name")["schema"].get("format"), None);
}

#[test]
fn success_says_its_status_media_type_and_location() {
    let document = made();
    let created = &operation(&document, "/api/videos", "post")["responses"]["201"];
    assert!(created["headers"].get("Location").is_some());
    assert_eq!(created["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Video");
    let removed = &operation(&document, "/api/videos/{id}/tags/{name}", "delete")["responses"]["204"];
    assert!(removed.is_object() && removed.get("content").is_none());
    let page = &operation(&document, "/page", "get")["responses"]["200"];
    assert!(page["content"].get("text/html; charset=utf-8").is_some());
    assert!(page["headers"].get("X-RateLimit-Limit").is_none());
    assert!(operation(&document, "/go", "get")["responses"]["302"]["headers"].get("Location").is_some());
}

#[test]
fn who_may_call_and_whether_the_key_is_required_is_said() {
    let document = made();
    let tip = operation(&document, "/api/tips", "post");
    assert!(
        tip["parameters"]
            .as_array()
            .unwrap()
            .contains(&json!({"$ref": "#/components/parameters/IdempotencyKeyRequired"}))
    );
    assert_eq!(tip["security"], json!([{"bearer": []}]));
    assert_eq!(operation(&document, "/api/videos", "get")["security"], json!([{}, {"bearer": []}]));
    assert!(
        operation(&document, "/api/videos", "post")["x-access"].as_str().unwrap().contains("write:artworks")
    );
}

#[test]
fn the_document_does_not_depend_on_the_order_of_the_functions() {
    let mut reversed = functions();
    reversed.reverse();
    let info = Info { title: "Sample", version: "1.0.0", description: "For the tests." };
    assert_eq!(document(&reversed, &info).to_string(), made().to_string());
}
