//! What a function's role may do: inline policies, roles, and the SAM and managed policies that are in use.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{All, Declared};
use crate::error::TemplateError;
use crate::iam::Statement;
use crate::values::text_of;
use crate::world::World;

/// Statements, and managed policies that are not expanded into statements.
#[derive(Clone, Default)]
pub(super) struct Rights {
    pub(super) statements: Vec<Statement>,
    pub(super) managed: Vec<String>,
}

/// Actions, and patterns of the resources that they cover.
type Grant = (&'static [&'static str], &'static [&'static str]);

/// SAM's policy templates (`policy_templates.json` of `aws-sam-translator`), each with its parameters, actions and the
/// resources that they cover; `{Name}` stands for a parameter, and `::` for region and account.
const SAM_TEMPLATES: &[(&str, &[Grant])] = &[
    (
        "SQSPollerPolicy",
        &[(
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:ChangeMessageVisibilityBatch",
                "sqs:DeleteMessage",
                "sqs:DeleteMessageBatch",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            &["sqs::{QueueName}"],
        )],
    ),
    ("SQSSendMessagePolicy", &[(&["sqs:SendMessage*"], &["sqs::{QueueName}"])]),
    ("LambdaInvokePolicy", &[(&["lambda:InvokeFunction"], &["lambda::function:{FunctionName}*"])]),
    (
        "DynamoDBCrudPolicy",
        &[(
            &[
                "dynamodb:GetItem",
                "dynamodb:DeleteItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
                "dynamodb:ConditionCheckItem",
            ],
            &["dynamodb::table/{TableName}", "dynamodb::table/{TableName}/index/*"],
        )],
    ),
    (
        "DynamoDBReadPolicy",
        &[(
            &[
                "dynamodb:GetItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
            ],
            &["dynamodb::table/{TableName}", "dynamodb::table/{TableName}/index/*"],
        )],
    ),
    (
        "DynamoDBWritePolicy",
        &[(
            &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"],
            &["dynamodb::table/{TableName}", "dynamodb::table/{TableName}/index/*"],
        )],
    ),
    (
        "DynamoDBStreamReadPolicy",
        &[
            (
                &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                &["dynamodb::table/{TableName}/stream/{StreamName}"],
            ),
            (&["dynamodb:ListStreams"], &["dynamodb::table/{TableName}/stream/*"]),
        ],
    ),
    (
        "S3ReadPolicy",
        &[(
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:GetLifecycleConfiguration",
            ],
            &["arn:aws:s3:::{BucketName}", "arn:aws:s3:::{BucketName}/*"],
        )],
    ),
    (
        "S3WritePolicy",
        &[(
            &["s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"],
            &["arn:aws:s3:::{BucketName}", "arn:aws:s3:::{BucketName}/*"],
        )],
    ),
    (
        "S3CrudPolicy",
        &[(
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:GetLifecycleConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:DeleteObject",
            ],
            &["arn:aws:s3:::{BucketName}", "arn:aws:s3:::{BucketName}/*"],
        )],
    ),
    ("SNSPublishMessagePolicy", &[(&["sns:Publish"], &["sns::{TopicName}"])]),
    (
        "SSMParameterReadPolicy",
        &[
            (&["ssm:DescribeParameters"], &["*"]),
            (
                &["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"],
                &["ssm::parameter/{ParameterName}"],
            ),
        ],
    ),
    (
        "SSMParameterWithSlashPrefixReadPolicy",
        &[
            (&["ssm:DescribeParameters"], &["*"]),
            (
                &["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"],
                &["ssm::parameter{ParameterName}"],
            ),
        ],
    ),
    (
        "SESCrudPolicy",
        &[(
            &[
                "ses:GetIdentityVerificationAttributes",
                "ses:SendEmail",
                "ses:SendRawEmail",
                "ses:VerifyEmailIdentity",
            ],
            &["ses::identity/{IdentityName}"],
        )],
    ),
    ("EventBridgePutEventsPolicy", &[(&["events:PutEvents"], &["events::event-bus/{EventBusName}"])]),
    ("AWSSecretsManagerGetSecretValuePolicy", &[(&["secretsmanager:GetSecretValue"], &["{SecretArn}"])]),
    ("KMSDecryptPolicy", &[(&["kms:Decrypt"], &["kms::key/{KeyId}"])]),
    ("KMSEncryptPolicy", &[(&["kms:Encrypt"], &["kms::key/{KeyId}"])]),
    ("CloudWatchPutMetricPolicy", &[(&["cloudwatch:PutMetricData"], &["*"])]),
];

/// Managed policies of Lambda execution roles, as the AWS managed policy reference lists them.
const MANAGED: &[(&str, &[&str])] = &[
    ("AWSLambdaBasicExecutionRole", &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    (
        "AWSLambdaSQSQueueExecutionRole",
        &[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    ),
    (
        "AWSLambdaDynamoDBExecutionRole",
        &[
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    ),
    (
        "AWSXRayDaemonWriteAccess",
        &[
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ],
    ),
];

impl Rights {
    /// SAM's `Policies`: one or a list of documents, policy templates and managed policies.
    pub(super) fn add_sam(
        &mut self,
        world: &World<'_>,
        declared: &Declared<'_>,
        policies: &Value,
    ) -> Result<(), TemplateError> {
        match policies {
            Value::Null => {}
            Value::Array(items) => {
                for item in items {
                    self.add_sam(world, declared, item)?;
                }
            }
            Value::String(name) => self.add_managed(declared, name)?,
            document if document.get("Statement").is_some() => self.add_document(declared, document)?,
            Value::Object(templates) => {
                for (name, parameters) in templates {
                    self.add_template(world, declared, name, parameters)?;
                }
            }
            other => return Err(declared.error(format!("{other} is no policy"))),
        }
        Ok(())
    }

    /// A policy document.
    pub(super) fn add_document(
        &mut self,
        declared: &Declared<'_>,
        document: &Value,
    ) -> Result<(), TemplateError> {
        let statements = match document.get("Statement") {
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
            None => return Err(declared.error("a policy has no Statement")),
        };
        for statement in &statements {
            self.statements.push(declared.typed_part(statement)?);
        }
        Ok(())
    }

    pub(super) fn add_managed(&mut self, declared: &Declared<'_>, policy: &str) -> Result<(), TemplateError> {
        let name = policy.rsplit('/').next().unwrap_or(policy);
        match MANAGED.iter().find(|(known, _)| *known == name) {
            Some((_, actions)) => {
                let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
                self.statements.push(declared.typed_part(&statement)?);
            }
            None => self.managed.push(policy.to_owned()),
        }
        Ok(())
    }

    fn add_template(
        &mut self,
        world: &World<'_>,
        declared: &Declared<'_>,
        name: &str,
        parameters: &Value,
    ) -> Result<(), TemplateError> {
        let template = SAM_TEMPLATES.iter().find(|(known, _)| *known == name);
        let (_, parts) =
            template.ok_or_else(|| declared.error(format!("policy template {name} is not known here")))?;
        for (actions, resources) in *parts {
            let mut arns = Vec::new();
            for pattern in *resources {
                let filled = filled(declared, name, pattern, parameters)?;
                arns.push(match filled.split_once("::") {
                    Some((service, rest)) if !filled.starts_with("arn:") => world.arn(service, rest),
                    _ => filled,
                });
            }
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": arns});
            self.statements.push(declared.typed_part(&statement)?);
        }
        Ok(())
    }
}

fn filled(
    declared: &Declared<'_>,
    template: &str,
    pattern: &str,
    parameters: &Value,
) -> Result<String, TemplateError> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, following) = after.split_once('}').unwrap_or((after, ""));
        let value = parameters.get(name).map(text_of);
        text.push_str(before);
        text.push_str(&value.ok_or_else(|| declared.error(format!("{template} needs {name}")))?);
        rest = following;
    }
    text.push_str(rest);
    Ok(text)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RoleProperties {
    policies: Vec<InlinePolicy>,
    managed_policy_arns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_document: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AttachedPolicy {
    policy_document: Value,
    /// `AWS::IAM::Policy` and `AWS::IAM::ManagedPolicy`.
    roles: Vec<String>,
    /// `AWS::IAM::RolePolicy`.
    role_name: Option<String>,
}

/// Rights of the role with this ARN or name, with every policy of the templates that is attached to it.
pub(super) fn of_role(all: &All<'_>, which: &str) -> Result<Option<Rights>, TemplateError> {
    let role = all.of(&["AWS::IAM::Role"]).find(|d| d.arn == which || d.name == which);
    let Some(role) = role else { return Ok(None) };
    let properties: RoleProperties = role.typed()?;
    let mut rights = Rights::default();
    for policy in &properties.policies {
        rights.add_document(role, &policy.policy_document)?;
    }
    for attached in all.of(&["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"]) {
        let policy: AttachedPolicy = attached.typed()?;
        let by_role = properties.managed_policy_arns.contains(&attached.arn);
        if by_role || policy.roles.contains(&role.name) || policy.role_name.as_ref() == Some(&role.name) {
            rights.add_document(attached, &policy.policy_document)?;
        }
    }
    for arn in &properties.managed_policy_arns {
        if !all.of(&["AWS::IAM::ManagedPolicy"]).any(|d| d.arn == *arn) {
            rights.add_managed(role, arn)?;
        }
    }
    Ok(Some(rights))
}
