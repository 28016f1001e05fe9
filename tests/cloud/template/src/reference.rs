//! What `Ref` and `Fn::GetAtt` answer for each type of resource. Names that the template leaves open are
//! `{stack}-{logical id}`, where AWS would add a random suffix.

use serde_json::Value;

use crate::error::Problem;
use crate::stack::Stack;
use crate::template::Resource;
use crate::world::World;

/// The property that names a resource of this type, if it can be named.
fn naming_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => "TableName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::Lambda::Function" | "AWS::Serverless::Function" => "FunctionName",
        "AWS::Lambda::LayerVersion" | "AWS::Serverless::LayerVersion" => "LayerName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::IAM::Policy" => "PolicyName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm" => "AlarmName",
        "AWS::CloudWatch::Dashboard" => "DashboardName",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => "StateMachineName",
        "AWS::ApiGatewayV2::Stage" | "AWS::ApiGateway::Stage" => "StageName",
        "AWS::ApiGatewayV2::DomainName" | "AWS::ApiGateway::DomainName" => "DomainName",
        "AWS::Events::EventBus"
        | "AWS::Events::Rule"
        | "AWS::Scheduler::Schedule"
        | "AWS::Scheduler::ScheduleGroup"
        | "AWS::SSM::Parameter"
        | "AWS::SecretsManager::Secret"
        | "AWS::MediaConvert::Queue"
        | "AWS::MediaConvert::JobTemplate"
        | "AWS::MediaConvert::Preset"
        | "AWS::SES::ConfigurationSet"
        | "AWS::WAFv2::WebACL"
        | "AWS::Kinesis::Stream" => "Name",
        _ => return None,
    })
}

/// Service and resource part of the ARN for types whose ARN is `arn:aws:{service}:{region}:{account}:{part}{name}`.
fn arn_shape(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => {
            ("dynamodb", "table/")
        }
        "AWS::SQS::Queue" => ("sqs", ""),
        "AWS::SNS::Topic" => ("sns", ""),
        "AWS::Lambda::Function" | "AWS::Serverless::Function" => ("lambda", "function:"),
        "AWS::Events::EventBus" => ("events", "event-bus/"),
        "AWS::Events::Rule" => ("events", "rule/"),
        "AWS::Scheduler::ScheduleGroup" => ("scheduler", "schedule-group/"),
        "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm" => ("cloudwatch", "alarm:"),
        "AWS::SecretsManager::Secret" => ("secretsmanager", "secret:"),
        "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => ("states", "stateMachine:"),
        "AWS::KMS::Key" => ("kms", "key/"),
        "AWS::MediaConvert::Queue" => ("mediaconvert", "queues/"),
        "AWS::MediaConvert::JobTemplate" => ("mediaconvert", "jobTemplates/"),
        "AWS::MediaConvert::Preset" => ("mediaconvert", "presets/"),
        "AWS::Kinesis::Stream" => ("kinesis", "stream/"),
        "AWS::SES::ConfigurationSet" => ("ses", "configuration-set/"),
        _ => return None,
    })
}

impl Stack {
    /// A name for what has none: `{stack}-{logical id}`.
    pub(crate) fn derived_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.name)
    }

    /// The same for ids, which are one label of a host name.
    pub(crate) fn derived_id(&self, logical_id: &str) -> String {
        self.derived_name(logical_id).to_ascii_lowercase()
    }

    /// The name or id under which the resource is known in its service.
    pub(crate) fn physical_name(&self, world: &World<'_>, resource: &Resource) -> Result<String, Problem> {
        let named = naming_property(&resource.kind).and_then(|property| resource.properties.get(property));
        if let Some(node) = named
            && let Some(value) = world.deeper(node.line, || self.resolve(world, node))?
        {
            return Ok(crate::values::text_of(&value));
        }
        let id = &resource.logical_id;
        Ok(match resource.kind.as_str() {
            "AWS::S3::Bucket" => self.derived_id(id),
            "AWS::SQS::Queue" | "AWS::SNS::Topic" if self.is_fifo(world, resource)? => {
                format!("{}.fifo", self.derived_name(id))
            }
            kind if kind.starts_with("AWS::ApiGateway") || kind.starts_with("AWS::CloudFront") => {
                self.derived_id(id)
            }
            "AWS::Serverless::HttpApi" | "AWS::Serverless::Api" | "AWS::Serverless::WebSocketApi" => {
                self.derived_id(id)
            }
            "AWS::Logs::LogGroup" => format!("/{}", self.derived_name(id)),
            _ => self.derived_name(id),
        })
    }

    fn is_fifo(&self, world: &World<'_>, resource: &Resource) -> Result<bool, Problem> {
        let fifo = resource.properties.get("FifoQueue").or_else(|| resource.properties.get("FifoTopic"));
        let value = fifo.map(|node| self.resolve(world, node)).transpose()?.flatten();
        Ok(value.is_some_and(|v| crate::values::text_of(&v) == "true"))
    }

    /// The ARN that the resource has, or one that looks like it for types that are not known here.
    pub(crate) fn arn_of(&self, world: &World<'_>, resource: &Resource) -> Result<String, Problem> {
        let name = self.physical_name(world, resource)?;
        if let Some((service, part)) = arn_shape(&resource.kind) {
            return Ok(world.arn(service, &format!("{part}{name}")));
        }
        let account = &world.options.place.account;
        Ok(match resource.kind.as_str() {
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{name}"),
            "AWS::IAM::Role" => format!("arn:aws:iam::{account}:role/{name}"),
            "AWS::IAM::ManagedPolicy" => format!("arn:aws:iam::{account}:policy/{name}"),
            "AWS::CloudFront::Distribution" => format!("arn:aws:cloudfront::{account}:distribution/{name}"),
            "AWS::CloudFront::Function" => format!("arn:aws:cloudfront::{account}:function/{name}"),
            "AWS::Logs::LogGroup" => world.arn("logs", &format!("log-group:{name}:*")),
            "AWS::SSM::Parameter" => world.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/'))),
            "AWS::Scheduler::Schedule" => {
                let group = resource.properties.get("GroupName");
                let group = group.map(|node| self.resolve_text(world, node)).transpose()?;
                world.arn("scheduler", &format!("schedule/{}/{name}", group.as_deref().unwrap_or("default")))
            }
            "AWS::Lambda::LayerVersion" | "AWS::Serverless::LayerVersion" => {
                world.arn("lambda", &format!("layer:{name}:1"))
            }
            "AWS::Lambda::Version" | "AWS::Lambda::Alias" => {
                let qualifier = match resource.properties.get("Name") {
                    Some(node) => self.resolve_text(world, node)?,
                    None => "1".to_owned(),
                };
                let function = resource.properties.get("FunctionName");
                let function =
                    function.map(|node| self.resolve_text(world, node)).transpose()?.unwrap_or_default();
                if function.starts_with("arn:") {
                    format!("{function}:{qualifier}")
                } else {
                    world.arn("lambda", &format!("function:{function}:{qualifier}"))
                }
            }
            kind => {
                let service = kind.split("::").nth(1).unwrap_or("unknown").to_ascii_lowercase();
                world.arn(&service, &name)
            }
        })
    }

    fn queue_url(&self, world: &World<'_>, resource: &Resource) -> Result<String, Problem> {
        let place = &world.options.place;
        Ok(format!("{}/{}/{}", place.endpoint, place.account, self.physical_name(world, resource)?))
    }

    fn known(&self, logical_id: &str, line: usize) -> Result<&Resource, Problem> {
        let resource = self.template.resource(logical_id);
        let resource = resource
            .ok_or_else(|| Problem::new(line, format!("there is no parameter or resource {logical_id}")))?;
        if self.exists(resource) {
            return Ok(resource);
        }
        let condition = resource.condition.as_deref().unwrap_or_default();
        Err(Problem::new(
            line,
            format!("{logical_id} does not exist, because its condition {condition} is false"),
        ))
    }

    /// `Ref` of a resource.
    pub(crate) fn ref_of(&self, world: &World<'_>, name: &str, line: usize) -> Result<Value, Problem> {
        // SAM: `!Ref Function.Alias`, `!Ref Api.Stage`.
        if let Some((id, part)) = name.split_once('.') {
            let resource = self.known(id, line)?;
            return self.sam_part(world, resource, part, line);
        }
        let resource = self.known(name, line)?;
        Ok(Value::from(match resource.kind.as_str() {
            "AWS::SQS::Queue" => self.queue_url(world, resource)?,
            "AWS::SNS::Topic"
            | "AWS::IAM::ManagedPolicy"
            | "AWS::SecretsManager::Secret"
            | "AWS::Lambda::Version"
            | "AWS::Lambda::Alias"
            | "AWS::Lambda::LayerVersion"
            | "AWS::Serverless::LayerVersion"
            | "AWS::CloudFront::Function"
            | "AWS::StepFunctions::StateMachine"
            | "AWS::Serverless::StateMachine" => self.arn_of(world, resource)?,
            "AWS::CloudFormation::Stack" | "AWS::Serverless::Application" => {
                world.arn("cloudformation", &format!("stack/{}-{}/local", self.name, resource.logical_id))
            }
            _ => self.physical_name(world, resource)?,
        }))
    }

    fn sam_part(
        &self,
        world: &World<'_>,
        resource: &Resource,
        part: &str,
        line: usize,
    ) -> Result<Value, Problem> {
        let arn = self.arn_of(world, resource)?;
        match part {
            "Version" => Ok(Value::from(format!("{arn}:1"))),
            "Alias" => {
                let alias = resource.properties.get("AutoPublishAlias");
                let alias = alias.map(|node| self.resolve_text(world, node)).transpose()?;
                let alias =
                    alias.ok_or_else(|| Problem::new(line, "the function has no AutoPublishAlias"))?;
                Ok(Value::from(format!("{arn}:{alias}")))
            }
            "Stage" => {
                let stage = resource.properties.get("StageName");
                let stage = stage.map(|node| self.resolve_text(world, node)).transpose()?;
                Ok(Value::from(stage.unwrap_or_else(|| "$default".to_owned())))
            }
            // The resources that SAM makes beside this one: their names are derived like all others.
            "Role" | "DomainName" | "UserPool" | "Deployment" => {
                Ok(Value::from(self.derived_name(&format!("{}{part}", resource.logical_id))))
            }
            _ => Err(Problem::new(line, format!("{} has no part {part}", resource.logical_id))),
        }
    }

    /// `Fn::GetAtt`.
    pub(crate) fn attribute(
        &self,
        world: &World<'_>,
        id: &str,
        attribute: &str,
        line: usize,
    ) -> Result<Value, Problem> {
        // SAM names the role it makes for a function `{function}Role`.
        if let Some(function) = id.strip_suffix("Role")
            && self.template.resource(id).is_none()
            && self.template.resource(function).is_some_and(|r| r.kind == "AWS::Serverless::Function")
        {
            return Ok(Value::from(self.sam_role(world, id, attribute)));
        }
        let resource = self.known(id, line)?;
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            let nested = self.nested.get(id);
            let nested =
                nested.ok_or_else(|| Problem::new(line, format!("{id} is not a stack that was read")))?;
            let value = nested.outputs.get(output).cloned();
            return value.ok_or_else(|| Problem::new(line, format!("stack {id} has no output {output}")));
        }
        let kind = resource.kind.as_str();
        if let Some(value) = self.special_attribute(world, resource, attribute)? {
            return Ok(Value::from(value));
        }
        Ok(Value::from(match attribute {
            "Arn" => self.arn_of(world, resource)?,
            _ if attribute.ends_with("Arn") && !kind.starts_with("AWS::CloudFormation") => {
                self.arn_of(world, resource)?
            }
            _ => self.physical_name(world, resource)?,
        }))
    }

    /// The role that SAM makes for a function without one.
    fn sam_role(&self, world: &World<'_>, id: &str, attribute: &str) -> String {
        let name = self.derived_name(id);
        match attribute {
            "Arn" => format!("arn:aws:iam::{}:role/{name}", world.options.place.account),
            _ => name,
        }
    }

    /// Attributes that are neither the ARN nor the name; `None` for all others.
    fn special_attribute(
        &self,
        world: &World<'_>,
        resource: &Resource,
        attribute: &str,
    ) -> Result<Option<String>, Problem> {
        let region = &world.options.place.region;
        let name = || self.physical_name(world, resource);
        Ok(Some(match (resource.kind.as_str(), attribute) {
            ("AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable", "StreamArn") => {
                // The label is the moment at which the stream was switched on; nothing here depends on it.
                format!("{}/stream/2026-01-01T00:00:00.000", self.arn_of(world, resource)?)
            }
            ("AWS::SQS::Queue", "QueueUrl") => self.queue_url(world, resource)?,
            ("AWS::S3::Bucket", "DomainName") => format!("{}.s3.amazonaws.com", name()?),
            ("AWS::S3::Bucket", "RegionalDomainName") => format!("{}.s3.{region}.amazonaws.com", name()?),
            ("AWS::S3::Bucket", "DualStackDomainName") => {
                format!("{}.s3.dualstack.{region}.amazonaws.com", name()?)
            }
            ("AWS::S3::Bucket", "WebsiteURL") => {
                format!("http://{}.s3-website-{region}.amazonaws.com", name()?)
            }
            (
                "AWS::ApiGatewayV2::Api" | "AWS::Serverless::HttpApi" | "AWS::Serverless::WebSocketApi",
                "ApiEndpoint",
            ) => {
                let id = name()?;
                let websocket = world.websocket_apis.borrow().contains(&id);
                let scheme = if websocket { "wss" } else { "https" };
                world.localized(format!("{scheme}://{id}.execute-api.{region}.amazonaws.com"))
            }
            ("AWS::CloudFront::Distribution", "DomainName") => format!("{}.cloudfront.net", name()?),
            ("AWS::SSM::Parameter", "Value" | "Type") => match resource.properties.get(attribute) {
                Some(node) => self.resolve_text(world, node)?,
                None => return Ok(None),
            },
            ("AWS::Lambda::Url", "FunctionUrl") => format!("https://{}.lambda-url.{region}.on.aws/", name()?),
            _ => return Ok(None),
        }))
    }
}
