//! The nested stack of one area: its functions, routes, queues, alarms.

use std::fmt::Write as _;

use platform::jobs::{Feed, Job, Source};
use platform::{Endpoint, Function, Grant, Trigger};

use crate::grants::{dead_letters, environment, settings_of, statements};
use crate::names::{camel, parameter};

const HEAD: &str =
    "# Written by `make generate` from what the functions declare in their crates. Change it there.\n";

/// Names of tables whose streams this area's functions read, as parameters.
pub(crate) fn stream_parameters(functions: &[&Function], all: &[Function]) -> Vec<String> {
    let reads = functions
        .iter()
        .any(|f| matches!(&f.trigger, Trigger::Job(j) if matches!(j.source, Source::Streams(_))));
    if reads {
        crate::tables(all).into_iter().map(|t| format!("{}StreamArn", camel(t))).collect()
    } else {
        Vec::new()
    }
}

/// The template of one area.
pub(crate) fn template(area: &str, functions: &[&Function], all: &[Function]) -> String {
    let mut out = HEAD.to_owned();
    let _ = write!(
        out,
        "AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Description: 'Area {area}: functions, routes, queues, alarms'

Parameters:
  Stage:
    Type: String
  Architecture:
    Type: String
  RateLimits:
    Type: String
  LogRetentionDays:
    Type: Number
  HttpApiId:
    Type: String
  AlarmTopicArn:
    Type: String
"
    );
    for name in settings_of(functions, all) {
        let _ = writeln!(out, "  {}:\n    Type: String", parameter(name));
    }
    for name in stream_parameters(functions, all) {
        let _ = writeln!(out, "  {name}:\n    Type: String");
    }
    out.push_str(
        "
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    Architectures: [!Ref Architecture]
    Tracing: Active
    LoggingConfig:
      LogFormat: JSON
    Environment:
      Variables:
        STAGE: !Ref Stage
        RATE_LIMITS: !Ref RateLimits

Resources:
",
    );
    for function in functions {
        write_function(&mut out, function, all);
        match &function.trigger {
            Trigger::Http(endpoint) => write_route(&mut out, function, endpoint),
            Trigger::Job(job) => write_source(&mut out, function, job, all),
        }
    }
    write_alarms(&mut out, area);
    out
}

fn write_function(out: &mut String, function: &Function, all: &[Function]) {
    let (name, id) = (function.name, camel(function.name));
    let _ = write!(
        out,
        "  # {name}
  {id}:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: makefile
    Properties:
      FunctionName: !Sub '${{Stage}}-{name}'
      Description: '{}'
      CodeUri: ../../
      MemorySize: {}
      Timeout: {}
      Role: !GetAtt {id}Role.Arn
      LoggingConfig:
        LogGroup: !Ref {id}Log
      Environment:
        Variables:
",
        description(function).replace('\'', "''"),
        function.memory_mb,
        function.timeout_s
    );
    let variables = environment(function, all);
    if variables.is_empty() {
        let at = out.rfind("      Environment:\n").unwrap_or(out.len());
        out.truncate(at);
    }
    for (name, value) in variables {
        let _ = writeln!(out, "          {name}: {value}");
    }
    write_role(out, function, all);
    let _ = write!(
        out,
        "  {id}Log:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      LogGroupName: !Sub '/aws/lambda/${{Stage}}-{name}'
      RetentionInDays: !Ref LogRetentionDays
"
    );
}

/// What checkov should know of a role that may send texts.
const CHECKOV_TEXTS: &str = "
    Metadata:
      checkov:
        skip: [{ id: CKV_AWS_111, comment: 'a telephone number has no ARN' }]";

/// The function's role. Written out, because the one that SAM makes lets a function write into every log group.
fn write_role(out: &mut String, function: &Function, all: &[Function]) {
    let texts = function.grants.contains(&Grant::SendText);
    let exception = if texts { CHECKOV_TEXTS } else { "" };
    let _ = write!(
        out,
        "  {}Role:
    Type: AWS::IAM::Role{exception}
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {{ Service: lambda.amazonaws.com }}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
",
        camel(function.name)
    );
    for statement in statements(function, all) {
        out.push_str("              - Effect: Allow\n                Action:\n");
        for action in &statement.actions {
            let _ = writeln!(out, "                  - {action}");
        }
        if let Some(reason) = statement.reason {
            let _ = writeln!(out, "                # {reason}");
        }
        out.push_str("                Resource:\n");
        for resource in &statement.resources {
            let value = if resource == "*" { "'*'".to_owned() } else { format!("!Sub '{resource}'") };
            let _ = writeln!(out, "                  - {value}");
        }
    }
}

fn description(function: &Function) -> &'static str {
    match &function.trigger {
        Trigger::Http(endpoint) => endpoint.summary,
        Trigger::Job(job) => job.summary,
    }
}

fn write_route(out: &mut String, function: &Function, endpoint: &Endpoint) {
    let id = camel(function.name);
    let _ = write!(
        out,
        "  {id}Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref HttpApiId
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt {id}.Arn
      PayloadFormatVersion: '2.0'
  {id}Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref HttpApiId
      RouteKey: '{method} {path}'
      AuthorizationType: NONE
      Target: !Sub 'integrations/${{{id}Integration}}'
  {id}Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref {id}
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub 'arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{HttpApiId}}/*/{method}{pattern}'
",
        method = endpoint.method,
        path = endpoint.path,
        pattern = wildcards(endpoint.path),
    );
    // An unknown path gets our problem body: the API's default route leads to the cheapest function.
    if function.name == "platform-get-health" {
        let _ = write!(
            out,
            "  {id}DefaultRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref HttpApiId
      RouteKey: $default
      AuthorizationType: NONE
      Target: !Sub 'integrations/${{{id}Integration}}'
  {id}DefaultPermission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref {id}
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub 'arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{HttpApiId}}/*/$default'
"
        );
    }
}

/// `/videos/{id}` → `/videos/*`.
fn wildcards(path: &str) -> String {
    path.split('/').map(|p| if p.starts_with('{') { "*" } else { p }).collect::<Vec<_>>().join("/")
}

fn write_source(out: &mut String, function: &Function, job: &Job, all: &[Function]) {
    let id = camel(function.name);
    match &job.source {
        Source::Queue(queue, feeds) => {
            let in_root = feeds.iter().any(|f| matches!(f, Feed::ObjectCreated(..)));
            if !in_root {
                write_queue(out, queue, function.timeout_s, job);
            }
            write_queue_mapping(out, &id, queue, job);
            write_feeds(out, queue, feeds);
        }
        Source::Streams(filter) => {
            for table in crate::tables(all) {
                let _ = write!(
                    out,
                    "  {id}From{stream}:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref {id}
      EventSourceArn: !Ref {stream}StreamArn
      StartingPosition: TRIM_HORIZON
      BatchSize: {batch}
      MaximumBatchingWindowInSeconds: {window}
      BisectBatchOnFunctionError: true
      ParallelizationFactor: 2
      FunctionResponseTypes: [ReportBatchItemFailures]
      DestinationConfig:
        OnFailure:
          Destination: !GetAtt StreamFailuresQueue.Arn
      FilterCriteria:
        Filters:
          - Pattern: '{filter}'
",
                    stream = camel(table),
                    batch = job.batch_size,
                    window = job.window_s
                );
            }
            out.push_str(
                "  StreamFailuresQueue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub '${Stage}-stream-failures'
      MessageRetentionPeriod: 1209600
      SqsManagedSseEnabled: true
",
            );
            write_depth_alarm(out, "StreamFailures", "StreamFailuresQueue");
        }
        Source::Schedule(expression) => {
            let _ = write!(
                out,
                "  {id}Schedule:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub '${{Stage}}-{name}'
      ScheduleExpression: '{expression}'
      Targets:
        - Id: function
          Arn: !GetAtt {id}.Arn
  {id}SchedulePermission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref {id}
      Principal: events.amazonaws.com
      SourceArn: !GetAtt {id}Schedule.Arn
",
                name = function.name
            );
        }
    }
}

/// A queue, its dead-letter queue and the alarm on that. Visibility is six times the consumer's timeout.
pub(crate) fn write_queue(out: &mut String, queue: &str, timeout_s: u32, job: &Job) {
    let (id, dlq) = (camel(queue), dead_letters(queue));
    let fifo = if queue.strip_suffix(".fifo").is_some() { "\n      FifoQueue: true" } else { "" };
    let _ = write!(
        out,
        "  {id}Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub '${{Stage}}-{queue}'{fifo}
      VisibilityTimeout: {visibility}
      MessageRetentionPeriod: 345600
      SqsManagedSseEnabled: true
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt {id}DeadLetters.Arn
        maxReceiveCount: {receives}
  {id}DeadLetters:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub '${{Stage}}-{dlq}'{fifo}
      MessageRetentionPeriod: 1209600
      SqsManagedSseEnabled: true
",
        visibility = timeout_s * 6 + job.window_s,
        receives = job.receives_max
    );
    write_depth_alarm(out, &id, &format!("{id}DeadLetters"));
}

fn write_depth_alarm(out: &mut String, id: &str, queue: &str) {
    let _ = write!(
        out,
        "  {id}DeadLettersAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: 'A message could not be worked off; see docs/operations.md, redrive'
      Namespace: AWS/SQS
      MetricName: ApproximateNumberOfMessagesVisible
      Dimensions:
        - Name: QueueName
          Value: !GetAtt {queue}.QueueName
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref AlarmTopicArn]
"
    );
}

fn write_queue_mapping(out: &mut String, id: &str, queue: &str, job: &Job) {
    let window = if job.window_s > 0 {
        format!("\n      MaximumBatchingWindowInSeconds: {}", job.window_s)
    } else {
        String::new()
    };
    let depends = if job_queue_in_root(job) {
        String::new()
    } else {
        format!("\n    DependsOn: {}Queue", camel(queue))
    };
    let _ = write!(
        out,
        "  {id}FromQueue:
    Type: AWS::Lambda::EventSourceMapping{depends}
    Properties:
      FunctionName: !Ref {id}
      EventSourceArn: !Sub 'arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:${{Stage}}-{queue}'
      BatchSize: {batch}{window}
      FunctionResponseTypes: [ReportBatchItemFailures]
",
        batch = job.batch_size
    );
}

fn job_queue_in_root(job: &Job) -> bool {
    matches!(&job.source, Source::Queue(_, feeds) if feeds.iter().any(|f| matches!(f, Feed::ObjectCreated(..))))
}

fn write_feeds(out: &mut String, queue: &str, feeds: &[Feed]) {
    let id = camel(queue);
    for feed in feeds {
        let Feed::Events(pattern) = feed else { continue };
        // JSON is YAML; on one line it keeps out of the indentation's way.
        let pattern = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = write!(
            out,
            "  {id}Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: !Sub '${{Stage}}-{queue}'
      EventPattern: {pattern}
      Targets:
        - Id: queue
          Arn: !GetAtt {id}Queue.Arn
  {id}Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref {id}Queue]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {{ Service: events.amazonaws.com }}
            Action: sqs:SendMessage
            Resource: !GetAtt {id}Queue.Arn
            Condition: {{ ArnEquals: {{ 'aws:SourceArn': !GetAtt {id}Rule.Arn }} }}
"
        );
    }
}

/// Error rate and slowness of the area, from the metrics in its log lines.
fn write_alarms(out: &mut String, area: &str) {
    let id = camel(area);
    let _ = write!(
        out,
        "  {id}ErrorsAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: 'More than 2 % of the calls of area {area} failed'
      Metrics:
        - Id: rate
          Expression: 'IF(requests > 20, 100 * errors / requests, 0)'
          ReturnData: true
        - Id: errors
          ReturnData: false
          MetricStat:
            Metric: {{ Namespace: CreatorCommerce, MetricName: Errors, Dimensions: [{{ Name: area, Value: {area} }}] }}
            Period: 300
            Stat: Sum
        - Id: requests
          ReturnData: false
          MetricStat:
            Metric: {{ Namespace: CreatorCommerce, MetricName: Requests, Dimensions: [{{ Name: area, Value: {area} }}] }}
            Period: 300
            Stat: Sum
      EvaluationPeriods: 2
      Threshold: 2
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref AlarmTopicArn]
  {id}SlowAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: 'The slowest 1 % of the calls of area {area} took more than 3 s'
      Namespace: CreatorCommerce
      MetricName: Latency
      Dimensions:
        - Name: area
          Value: {area}
      ExtendedStatistic: p99
      Period: 300
      EvaluationPeriods: 3
      Threshold: 3000
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref AlarmTopicArn]
"
    );
}
