//! Intrinsic functions, and what is said about templates that do not resolve.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cloud_core::Place;
use cloud_template::{DynamicReference, Endpoints, Options, Product, TemplateError, read};
use serde_json::{Value, json};

fn read_in(folder: &Path, file: &str, parameters: &[(&str, &str)]) -> Result<Product, TemplateError> {
    let dynamic = |reference: &DynamicReference| {
        (reference.key == "/known").then(|| format!("value of {}", reference.service))
    };
    let options = Options {
        stack_name: "app".to_owned(),
        place: Place {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        },
        endpoints: Endpoints {
            http: "http://127.0.0.1:3000".to_owned(),
            websocket: "ws://127.0.0.1:3000".to_owned(),
            connections: "http://127.0.0.1:4567".to_owned(),
            cdn: "http://127.0.0.1:3001".to_owned(),
        },
        parameters: parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        dynamic: &dynamic,
    };
    read(&folder.join(file), &options)
}

fn read_text(template: &str) -> Result<Product, TemplateError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("template.yaml"), template).unwrap();
    read_in(folder.path(), "template.yaml", &[])
}

const SECTIONS: &str = "
Parameters:
  Name: {Type: String, Default: x}
  Number: {Type: Number, Default: 5}
  Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /known}
Mappings:
  Map: {us-east-1: {Size: small}}
Conditions:
  Yes: !Equals [!Ref Name, x]
  No: !Not [!Condition Yes]
  Either: !Or [!Condition No, !Equals [!Ref Number, '5']]
  Both: !And [!Condition Yes, !Condition No]
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Socket: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: WEBSOCKET}}
  Http: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP}}
  Topic: {Type: AWS::SNS::Topic}
  Table: {Type: AWS::Serverless::SimpleTable, Properties: {TableName: tab}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/lambda/f}}
  Odd: {Type: AWS::Some::Thing}
";

/// What expressions come to, as outputs of a template with `SECTIONS`.
fn outputs(expressions: &[&str]) -> Vec<Value> {
    let mut template = format!("{SECTIONS}Outputs:\n");
    for (i, expression) in expressions.iter().enumerate() {
        writeln!(template, "  O{i}: {{Value: {expression}}}").unwrap();
    }
    let product = read_text(&template).unwrap_or_else(|e| panic!("{e}"));
    let outputs: &BTreeMap<String, Value> = &product.stacks.first().unwrap().outputs;
    (0..expressions.len()).map(|i| outputs.get(&format!("O{i}")).cloned().unwrap_or_default()).collect()
}

#[test]
fn intrinsic_functions_come_to_what_cloudformation_says() {
    let cases = [
        ("!Sub 'a-${Name}-${!Literal}-${Number}'", json!("a-x-${Literal}-5")),
        ("!Sub ['${A}/${Name}', {A: !Ref Number}]", json!("5/x")),
        ("{'Fn::Sub': '${AWS::Region}.${AWS::URLSuffix}'}", json!("us-east-1.amazonaws.com")),
        ("!Join ['-', [a, !Ref Name, !If [No, b, !Ref 'AWS::NoValue']]]", json!("a-x")),
        ("!Select [1, !Split [',', 'a,b,c']]", json!("b")),
        ("!If [Either, !If [Both, 1, 2], 3]", json!(2)),
        ("!FindInMap [Map, !Ref 'AWS::Region', Size]", json!("small")),
        ("!FindInMap [Map, elsewhere, Size, {DefaultValue: large}]", json!("large")),
        ("!Base64 hello", json!("aGVsbG8=")),
        ("!Select [2, !Cidr [10.0.0.0/16, 4, 8]]", json!("10.0.2.0/24")),
        ("!Select [0, !GetAZs '']", json!("us-east-1a")),
        ("!Length [a, b]", json!(2)),
        ("!ToJsonString {a: !Ref Number}", json!("{\"a\":\"5\"}")),
        ("!Ref Secret", json!("value of ssm")),
        ("'{{resolve:secretsmanager:/known}}!'", json!("value of secretsmanager!")),
        ("'{{resolve:ssm:/unknown}}'", json!("{{resolve:ssm:/unknown}}")),
    ];
    let expressions: Vec<&str> = cases.iter().map(|(e, _)| *e).collect();
    for ((expression, wanted), value) in cases.iter().zip(outputs(&expressions)) {
        assert_eq!(value, *wanted, "{expression}");
    }
}

#[test]
fn resources_are_referred_to_as_their_services_do() {
    let cases = [
        ("!Ref Queue", "http://127.0.0.1:4566/000000000000/app-Queue"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:000000000000:app-Queue"),
        ("!GetAtt [Queue, QueueName]", "app-Queue"),
        ("!Ref Topic", "arn:aws:sns:us-east-1:000000000000:app-Topic"),
        ("!GetAtt Topic.TopicName", "app-Topic"),
        ("!Ref Table", "tab"),
        ("!GetAtt Table.Arn", "arn:aws:dynamodb:us-east-1:000000000000:table/tab"),
        ("!GetAtt Logs.Arn", "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:*"),
        ("!Ref Http", "app-http"),
        ("!GetAtt Http.ApiEndpoint", "http://127.0.0.1:3000"),
        ("!GetAtt Socket.ApiEndpoint", "ws://127.0.0.1:3000"),
        ("!Sub 'https://${Http}.execute-api.${AWS::Region}.amazonaws.com/a'", "http://127.0.0.1:3000/a"),
        (
            "!Sub 'https://${Socket}.execute-api.${AWS::Region}.amazonaws.com/live'",
            "http://127.0.0.1:4567/live",
        ),
        ("!Sub 'wss://${Socket}.execute-api.${AWS::Region}.amazonaws.com/live'", "ws://127.0.0.1:3000/live"),
        ("!Ref Odd", "app-Odd"),
        ("!GetAtt Odd.Arn", "arn:aws:some:us-east-1:000000000000:app-Odd"),
    ];
    let expressions: Vec<&str> = cases.iter().map(|(e, _)| *e).collect();
    for ((expression, wanted), value) in cases.iter().zip(outputs(&expressions)) {
        assert_eq!(value, *wanted, "{expression}");
    }
}

fn refused(template: &str) -> TemplateError {
    match read_text(template) {
        Err(error) => error,
        Ok(_) => panic!("{template} was accepted"),
    }
}

#[test]
fn an_error_names_file_line_and_logical_id() {
    let error = refused(
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: !Ref Missing\n",
    );
    assert!(error.file.ends_with("template.yaml"));
    assert_eq!((error.line, error.logical_id.as_deref()), (Some(5), Some("Queue")));
    assert_eq!(error.problem, "there is no parameter or resource Missing");
    assert!(
        error.to_string().ends_with("template.yaml:5: Queue: there is no parameter or resource Missing"),
        "{error}"
    );
}

#[test]
fn what_cannot_run_here_is_refused_instead_of_left_out() {
    let function = "Type: AWS::Serverless::Function, Properties: {CodeUri: ., ";
    for (resources, problem) in [
        (format!("F: {{{function}Policies: [FrobPolicy: {{}}]}}}}"), "policy template FrobPolicy"),
        (format!("F: {{{function}Events: {{E: {{Type: Kinesis}}}}}}}}"), "events of type Kinesis"),
        (format!("F: {{{function}FunctionUrlConfig: {{AuthType: NONE}}}}}}"), "function URLs"),
        (
            "A: {Type: AWS::Serverless::HttpApi, Properties: {DefinitionBody: {}}}".to_owned(),
            "DefinitionBody",
        ),
        ("A: {Type: AWS::ApiGateway::RestApi}".to_owned(), "AWS::ApiGateway::RestApi do not run"),
        (format!("F: {{{function}Role: 'arn:aws:iam::1:role/x'}}}}"), "is not in the templates"),
        (
            "Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: soon}}".to_owned(),
            "is not a whole number",
        ),
        ("Q: {Type: AWS::SQS::Queue, Properties: {QueueName: a.fifo}}".to_owned(), ".fifo"),
        ("Q: {Type: AWS::SQS::Queue, Condition: C}".to_owned(), "there is no condition C"),
        ("Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Q}}".to_owned(), "refers to itself"),
        ("Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !ImportValue x}}".to_owned(), "exports x"),
        (
            "N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: none.yaml}}".to_owned(),
            "cannot be read",
        ),
    ] {
        let error = refused(&format!("Resources:\n  {resources}\n"));
        assert!(error.problem.contains(problem), "{resources}: {error}");
    }
}

#[test]
fn a_resource_whose_condition_is_false_cannot_be_referred_to() {
    let error = refused(
        "Conditions: {Never: !Equals [a, b]}\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: Never}\nOutputs:\n  O: {Value: !Ref Q}\n",
    );
    assert_eq!(error.problem, "Q does not exist, because its condition Never is false");
}

#[test]
fn parameters_must_have_a_value_that_is_allowed_and_be_declared() {
    let folder = tempfile::tempdir().unwrap();
    let template = "Parameters:\n  Stage: {Type: String, AllowedValues: [dev, prod]}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n";
    std::fs::write(folder.path().join("t.yaml"), template).unwrap();
    let problem = |parameters: &[(&str, &str)]| match read_in(folder.path(), "t.yaml", parameters) {
        Err(error) => error.problem,
        Ok(_) => String::new(),
    };
    assert_eq!(problem(&[]), "parameter Stage has neither a value nor a default");
    assert_eq!(problem(&[("Stage", "test")]), "parameter Stage cannot be \"test\"");
    assert_eq!(
        problem(&[("Stage", "dev"), ("Other", "x")]),
        "is given a parameter Other that it does not declare"
    );
    assert_eq!(problem(&[("Stage", "dev")]), "");
}

#[test]
fn nested_stacks_that_need_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nested = |other: &str| {
        format!(
            "    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: child.yaml\n      Parameters: {{In: !GetAtt {other}.Outputs.Out}}\n"
        )
    };
    let root = format!("Resources:\n  A:\n{}  B:\n{}", nested("B"), nested("A"));
    std::fs::write(folder.path().join("root.yaml"), root).unwrap();
    let child = "Parameters: {In: {Type: String}}\nResources: {Q: {Type: AWS::SQS::Queue}}\nOutputs: {Out: {Value: !Ref In}}\n";
    std::fs::write(folder.path().join("child.yaml"), child).unwrap();
    let error = read_in(folder.path(), "root.yaml", &[]).unwrap_err();
    assert_eq!(error.problem, "the nested stacks A, B need each other's outputs");
}
