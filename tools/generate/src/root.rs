//! The root stack: API, tables, buckets, CDN, transcoding role, alarms' topic, nested stacks.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use platform::jobs::{Feed, Source};
use platform::{Function, Trigger};

use crate::area;
use crate::grants::settings_of;
use crate::names::{camel, parameter};
use crate::settings::{SETTINGS, Value};

/// Global secondary indexes of every table. A sparse index costs nothing where no item carries its keys.
const INDEXES: [&str; 3] = ["gsi1", "gsi2", "gsi3"];

/// The root template.
pub(crate) fn template(areas: &BTreeSet<&str>, functions: &[Function]) -> String {
    let mut out = include_str!("../root/head.yaml").to_owned();
    for setting in SETTINGS {
        if setting.description.is_empty() {
            continue;
        }
        let default = match setting.value {
            Value::Parameter(default) => default,
            Value::Root(_) => "",
        };
        let _ = write!(
            out,
            "  {}:\n    Type: String\n    Description: '{}'\n    Default: '{default}'\n",
            parameter(setting.name),
            setting.description
        );
    }
    out.push_str(include_str!("../root/conditions.yaml"));
    for table in crate::tables(functions) {
        write_table(&mut out, table);
    }
    write_fed_queues(&mut out, functions);
    out.push_str(include_str!("../root/resources.yaml"));
    for area in areas {
        write_stack(&mut out, area, functions);
    }
    out.push_str(include_str!("../root/outputs.yaml"));
    out
}

fn write_table(out: &mut String, table: &str) {
    let id = camel(table);
    let _ = write!(
        out,
        "  {id}Table:
    Type: AWS::DynamoDB::GlobalTable
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      TableName: !Sub '${{Stage}}-{table}'
      BillingMode: PAY_PER_REQUEST
      SSESpecification: {{ SSEEnabled: true, SSEType: KMS }}
      StreamSpecification: {{ StreamViewType: NEW_AND_OLD_IMAGES }}
      TimeToLiveSpecification: {{ Enabled: true, AttributeName: expires_at }}
      Replicas:
        - Region: !Ref AWS::Region
          DeletionProtectionEnabled: !If [IsProduction, true, false]
          PointInTimeRecoverySpecification: {{ PointInTimeRecoveryEnabled: true }}
        - !If
          - HasRecoveryRegion
          - Region: !Ref RecoveryRegion
            DeletionProtectionEnabled: true
            PointInTimeRecoverySpecification: {{ PointInTimeRecoveryEnabled: true }}
          - !Ref AWS::NoValue
      KeySchema:
        - {{ AttributeName: pk, KeyType: HASH }}
        - {{ AttributeName: sk, KeyType: RANGE }}
      AttributeDefinitions:
        - {{ AttributeName: pk, AttributeType: S }}
        - {{ AttributeName: sk, AttributeType: S }}
"
    );
    for index in INDEXES {
        for key in ["pk", "sk"] {
            let _ = writeln!(out, "        - {{ AttributeName: {index}{key}, AttributeType: S }}");
        }
    }
    out.push_str("      GlobalSecondaryIndexes:\n");
    for index in INDEXES {
        let _ = write!(
            out,
            "        - IndexName: {index}
          KeySchema:
            - {{ AttributeName: {index}pk, KeyType: HASH }}
            - {{ AttributeName: {index}sk, KeyType: RANGE }}
          Projection: {{ ProjectionType: ALL }}
"
        );
    }
}

/// Queues that S3 writes to: they must exist before the bucket, so they are the root's.
fn write_fed_queues(out: &mut String, functions: &[Function]) {
    for function in functions {
        let Trigger::Job(job) = &function.trigger else { continue };
        let Source::Queue(queue, feeds) = &job.source else { continue };
        for feed in feeds {
            let Feed::ObjectCreated(bucket, _) = feed else { continue };
            let mut queue_and_alarm = String::new();
            area::write_queue(&mut queue_and_alarm, queue, function.timeout_s, job);
            out.push_str(&queue_and_alarm.replace("!Ref AlarmTopicArn", "!Ref AlarmTopic"));
            let _ = write!(
                out,
                "  {id}Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref {id}Queue]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {{ Service: s3.amazonaws.com }}
            Action: sqs:SendMessage
            Resource: !GetAtt {id}Queue.Arn
            Condition:
              ArnLike: {{ 'aws:SourceArn': !Sub 'arn:${{AWS::Partition}}:s3:::${{Stage}}-{bucket}-${{AWS::AccountId}}' }}
              StringEquals: {{ 'aws:SourceAccount': !Ref AWS::AccountId }}
",
                id = camel(queue)
            );
        }
    }
}

fn write_stack(out: &mut String, area: &str, functions: &[Function]) {
    let members: Vec<&Function> = functions.iter().filter(|f| f.area() == area).collect();
    let _ = write!(
        out,
        "  {}Stack:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: functions/{area}/template.yaml
      Parameters:
        Stage: !Ref Stage
        Architecture: !Ref Architecture
        RateLimits: !Ref RateLimits
        LogRetentionDays: !Ref LogRetentionDays
        HttpApiId: !Ref HttpApi
        AlarmTopicArn: !Ref AlarmTopic
",
        camel(area)
    );
    for name in settings_of(&members, functions) {
        let value = match crate::settings::find(name).map(|s| &s.value) {
            Some(Value::Root(expression)) => (*expression).to_owned(),
            _ => format!("!Ref {}", parameter(name)),
        };
        let _ = writeln!(out, "        {}: {value}", parameter(name));
    }
    for table in crate::tables(functions) {
        let name = format!("{}StreamArn", camel(table));
        if area::stream_parameters(&members, functions).contains(&name) {
            let _ = writeln!(out, "        {name}: !GetAtt {}Table.StreamArn", camel(table));
        }
    }
}
