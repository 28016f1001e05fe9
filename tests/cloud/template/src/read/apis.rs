//! APIs and routes: SAM's `HttpApi` events, and `AWS::ApiGatewayV2` routes with their integrations and permissions,
//! which may stand in another stack than the API.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::functions::sam_events;
use super::{All, Declared};
use crate::error::TemplateError;
use crate::iam::like;
use crate::model::{Api, ApiKind, Cors, Function, Product, Route, RouteKey};
use crate::template::IMPLICIT_HTTP_API;
use crate::values::{flag, number};

const API_KINDS: [&str; 2] = ["AWS::ApiGatewayV2::Api", "AWS::Serverless::HttpApi"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ApiProperties {
    protocol_type: Option<String>,
    cors_configuration: Value,
    route_selection_expression: Option<String>,
    domain: Option<Domain>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Domain {
    #[serde(default)]
    base_path: Vec<String>,
}

/// CloudFormation's and SAM's settings have the same members.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct CorsProperties {
    allow_origins: Vec<String>,
    allow_methods: Vec<String>,
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    #[serde(deserialize_with = "number")]
    max_age: Option<u32>,
    #[serde(deserialize_with = "flag")]
    allow_credentials: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MappingProperties {
    api_id: String,
    api_mapping_key: Option<String>,
}

pub(super) fn apis(all: &All<'_>) -> Result<Vec<Api>, TemplateError> {
    let mut apis = Vec::new();
    for declared in all.of(&API_KINDS) {
        let properties: ApiProperties = declared.typed()?;
        for member in ["Body", "BodyS3Location", "DefinitionBody", "DefinitionUri"] {
            if declared.properties.get(member).is_some() {
                return Err(
                    declared.error(format!("routes in {member} do not run here, declare them one by one"))
                );
            }
        }
        let websocket = properties.protocol_type.as_deref() == Some("WEBSOCKET");
        apis.push(Api {
            logical_id: declared.logical_id(),
            stack: declared.stack_name(),
            id: declared.name.clone(),
            kind: if websocket { ApiKind::WebSocket } else { ApiKind::Http },
            cors: cors(declared, &properties.cors_configuration)?,
            mappings: properties
                .domain
                .map(|d| d.base_path)
                .unwrap_or_default()
                .iter()
                .map(|p| trimmed(p))
                .collect(),
            selection: properties.route_selection_expression,
        });
    }
    for declared in all.of(&["AWS::ApiGatewayV2::ApiMapping"]) {
        let properties: MappingProperties = declared.typed()?;
        let api = apis.iter_mut().find(|a| a.id == properties.api_id);
        let api = api.ok_or_else(|| declared.error(format!("there is no API {}", properties.api_id)))?;
        api.mappings.push(trimmed(&properties.api_mapping_key.unwrap_or_default()));
    }
    Ok(apis)
}

fn trimmed(path: &str) -> String {
    path.trim_matches('/').to_owned()
}

fn cors(declared: &Declared<'_>, value: &Value) -> Result<Option<Cors>, TemplateError> {
    let every = || vec!["*".to_owned()];
    Ok(match value {
        Value::Null | Value::Bool(false) => None,
        // SAM: `CorsConfiguration: true`.
        Value::Bool(true) => {
            Some(Cors { origins: every(), methods: every(), headers: every(), ..Cors::default() })
        }
        value => {
            let given: CorsProperties = declared.typed_part(value)?;
            Some(Cors {
                origins: given.allow_origins,
                methods: given.allow_methods,
                headers: given.allow_headers,
                exposed: given.expose_headers,
                max_age_s: given.max_age,
                credentials: given.allow_credentials,
            })
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RouteProperties {
    api_id: String,
    route_key: String,
    target: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IntegrationProperties {
    integration_type: String,
    integration_uri: Option<String>,
    payload_format_version: Option<String>,
}

/// The properties of SAM's `HttpApi` event.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HttpApiEvent {
    api_id: Option<String>,
    method: Option<String>,
    path: Option<String>,
    payload_format_version: Option<String>,
}

pub(super) fn routes(all: &All<'_>, product: &Product) -> Result<Vec<Route>, TemplateError> {
    let integrations: BTreeMap<&str, &Declared<'_>> =
        all.of(&["AWS::ApiGatewayV2::Integration"]).map(|d| (d.name.as_str(), d)).collect();
    let mut routes = Vec::new();
    for declared in all.of(&["AWS::ApiGatewayV2::Route"]) {
        routes.push(route(all, product, &integrations, declared)?);
    }
    for (function, _, event) in sam_events(all)? {
        if event.kind == "HttpApi" {
            routes.push(sam_route(product, function, &event.properties)?);
        }
    }
    Ok(routes)
}

fn route(
    all: &All<'_>,
    product: &Product,
    integrations: &BTreeMap<&str, &Declared<'_>>,
    declared: &Declared<'_>,
) -> Result<Route, TemplateError> {
    let properties: RouteProperties = declared.typed()?;
    let api = product.apis.iter().find(|a| a.id == properties.api_id);
    let api = api.ok_or_else(|| declared.error(format!("there is no API {}", properties.api_id)))?;
    let target = properties.target.as_deref().and_then(|t| t.strip_prefix("integrations/"));
    let target = target.ok_or_else(|| declared.error("its Target must be integrations/{id}"))?;
    let integration = integrations.get(target);
    let integration =
        integration.ok_or_else(|| declared.error(format!("there is no integration {target}")))?;
    let properties_of: IntegrationProperties = integration.typed()?;
    if properties_of.integration_type != "AWS_PROXY" {
        return Err(integration
            .error(format!("integrations of type {} do not run here", properties_of.integration_type)));
    }
    let uri = properties_of.integration_uri.unwrap_or_default();
    let function = product.function(invoked(&uri));
    let function =
        function.ok_or_else(|| integration.error(format!("there is no function {}", invoked(&uri))))?;
    let key = route_key(declared, api.kind, &properties.route_key)?;
    Ok(Route {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        api: api.logical_id.clone(),
        permitted: permitted(all, product, api, &key, function),
        key,
        function: function.name.clone(),
        payload: properties_of.payload_format_version.unwrap_or_else(|| "1.0".to_owned()),
    })
}

/// The function in `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations`, or the text as it
/// is.
fn invoked(uri: &str) -> &str {
    let arn = uri.split_once("/functions/").map_or(uri, |(_, rest)| rest);
    arn.strip_suffix("/invocations").unwrap_or(arn)
}

fn route_key(declared: &Declared<'_>, kind: ApiKind, key: &str) -> Result<RouteKey, TemplateError> {
    match (kind, key.split_once(' ')) {
        (ApiKind::WebSocket, _) => Ok(RouteKey::WebSocket(key.to_owned())),
        (ApiKind::Http, Some((method, path))) if path.starts_with('/') => {
            Ok(RouteKey::Http { method: method.to_ascii_uppercase(), path: path.to_owned() })
        }
        (ApiKind::Http, None) if key == "$default" => Ok(RouteKey::Default),
        _ => Err(declared.error(format!("{key:?} is no route key"))),
    }
}

/// Whether a permission lets API Gateway invoke the function for this route. A permission names
/// `{api}/{stage}/{method}{path}`, or `{api}/{stage}/{route key}` for WebSocket APIs; in place of a path variable it
/// may have the variable or `*`.
fn permitted(all: &All<'_>, product: &Product, api: &Api, key: &RouteKey, function: &Function) -> bool {
    let routes = match key {
        RouteKey::Http { method, path } => {
            let open: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
            vec![format!("{method}{path}"), format!("{method}{}", open.join("/"))]
        }
        RouteKey::Default => vec!["$default".to_owned()],
        RouteKey::WebSocket(key) => vec![key.clone()],
    };
    let arns: Vec<String> = routes
        .iter()
        .map(|route| all.world.arn("execute-api", &format!("{}/$default/{route}", api.id)))
        .collect();
    product.permissions.iter().any(|permission| {
        permission.function == function.name
            && permission.principal == "apigateway.amazonaws.com"
            && permission.source_arn.as_ref().is_none_or(|pattern| arns.iter().any(|arn| like(pattern, arn)))
    })
}

/// SAM adds the permission by itself.
fn sam_route(product: &Product, function: &Declared<'_>, properties: &Value) -> Result<Route, TemplateError> {
    let event: HttpApiEvent =
        if properties.is_null() { HttpApiEvent::default() } else { function.typed_part(properties)? };
    let api = product.apis.iter().find(|a| match &event.api_id {
        Some(id) => a.id == *id,
        None => a.logical_id == IMPLICIT_HTTP_API && a.stack == function.stack.name,
    });
    let api = api.ok_or_else(|| function.error("an HttpApi event names an API that is not there"))?;
    let key = match (event.method, event.path) {
        (Some(method), Some(path)) => {
            let method = if method == "*" { "ANY".to_owned() } else { method.to_ascii_uppercase() };
            RouteKey::Http { method, path }
        }
        (None, None) => RouteKey::Default,
        _ => return Err(function.error("an HttpApi event needs both Method and Path, or neither")),
    };
    Ok(Route {
        logical_id: function.logical_id(),
        stack: function.stack_name(),
        api: api.logical_id.clone(),
        key,
        function: function.name.clone(),
        payload: event.payload_format_version.unwrap_or_else(|| "2.0".to_owned()),
        permitted: true,
    })
}
