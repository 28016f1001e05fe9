//! SSM, Secrets Manager and KMS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod desk;

use std::time::Duration;

use desk::Desk;
use serde_json::json;

#[tokio::test]
async fn parameters_have_versions_and_folders_and_survive_a_restart() {
    let desk = Desk::durable("ssm");
    let put = |value: &str, overwrite: bool| json!({"Name": "/app/db/password", "Value": value, "Type": "SecureString", "Overwrite": overwrite});
    assert_eq!(desk.json("AmazonSSM.PutParameter", &put("one", false)).await.1["Version"], 1);
    let (status, refused) = desk.json("AmazonSSM.PutParameter", &put("two", false)).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("ParameterAlreadyExists")));
    assert_eq!(desk.json("AmazonSSM.PutParameter", &put("two", true)).await.1["Version"], 2);
    desk.mail.put_parameter("/app/name", "x").unwrap();
    desk.mail.put_parameter("/apple", "y").unwrap();

    let desk = desk.reopened();
    assert_eq!(desk.mail.parameter("/app/db/password").unwrap().as_deref(), Some("two"));
    let get = |name: &str, decrypt: bool| json!({"Name": name, "WithDecryption": decrypt});
    let old = desk.json("AmazonSSM.GetParameter", &get("/app/db/password:1", true)).await.1;
    assert_eq!(old["Parameter"]["Value"], "one");
    let sealed = desk.json("AmazonSSM.GetParameter", &get("/app/db/password", false)).await.1;
    assert_ne!(sealed["Parameter"]["Value"], "two", "not shown without WithDecryption");
    let by_path = |recursive: bool| json!({"Path": "/app", "Recursive": recursive, "WithDecryption": true});
    let names = |answer: &serde_json::Value| -> Vec<String> {
        let found = answer["Parameters"].as_array().unwrap();
        found.iter().map(|p| p["Name"].as_str().unwrap().to_owned()).collect()
    };
    let flat = desk.json("AmazonSSM.GetParametersByPath", &by_path(false)).await.1;
    assert_eq!(names(&flat), ["/app/name"]);
    let deep = desk.json("AmazonSSM.GetParametersByPath", &by_path(true)).await.1;
    assert_eq!(names(&deep), ["/app/db/password", "/app/name"]);
    let several = json!({"Names": ["/app/name", "/none"]});
    assert_eq!(desk.json("AmazonSSM.GetParameters", &several).await.1["InvalidParameters"], json!(["/none"]));
    assert_eq!(desk.json("AmazonSSM.DeleteParameter", &json!({"Name": "/app/name"})).await.0, 200);
    let (_, gone) = desk.json("AmazonSSM.GetParameter", &get("/app/name", false)).await;
    assert_eq!(gone["__type"], "ParameterNotFound");
}

#[tokio::test]
async fn long_lists_of_parameters_come_in_pages() {
    let desk = Desk::new();
    for n in 0..12 {
        desk.mail.put_parameter(&format!("/p/{n:02}"), "v").unwrap();
    }
    let first = desk.json("AmazonSSM.GetParametersByPath", &json!({"Path": "/p"})).await.1;
    assert_eq!(first["Parameters"].as_array().unwrap().len(), 10);
    let next = json!({"Path": "/p", "NextToken": first["NextToken"]});
    let second = desk.json("AmazonSSM.GetParametersByPath", &next).await.1;
    assert_eq!((second["Parameters"].as_array().unwrap().len(), second.get("NextToken")), (2, None));
}

#[tokio::test]
async fn a_secrets_stages_move_with_its_versions() {
    let desk = Desk::durable("secrets");
    let created = json!({"Name": "s", "SecretString": "one", "ClientRequestToken": "t1"});
    let arn = desk.json("secretsmanager.CreateSecret", &created).await.1["ARN"].as_str().unwrap().to_owned();
    assert_eq!(desk.json("secretsmanager.CreateSecret", &created).await.0, 200, "the same request again");
    let (_, taken) =
        desk.json("secretsmanager.CreateSecret", &json!({"Name": "s", "SecretString": "x"})).await;
    assert_eq!(taken["__type"], "ResourceExistsException");
    for value in ["two", "three"] {
        desk.json("secretsmanager.PutSecretValue", &json!({"SecretId": arn, "SecretString": value})).await;
    }
    let desk = desk.reopened();
    let get = |stage: &str| json!({"SecretId": "s", "VersionStage": stage});
    let current = desk.json("secretsmanager.GetSecretValue", &get("AWSCURRENT")).await.1;
    assert_eq!((&current["SecretString"], &current["ARN"]), (&json!("three"), &json!(arn)));
    let previous = desk.json("secretsmanager.GetSecretValue", &get("AWSPREVIOUS")).await.1;
    assert_eq!(previous["SecretString"], "two");
    let described = desk.json("secretsmanager.DescribeSecret", &json!({"SecretId": "s"})).await.1;
    assert_eq!(
        described["VersionIdsToStages"].as_object().unwrap().len(),
        2,
        "versions without a stage are gone"
    );
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let desk = Desk::new();
    desk.json("secretsmanager.CreateSecret", &json!({"Name": "s", "SecretString": "one"})).await;
    let id = json!({"SecretId": "s"});
    let delete = json!({"SecretId": "s", "RecoveryWindowInDays": 7});
    desk.json("secretsmanager.DeleteSecret", &delete).await;
    assert_eq!(desk.json("secretsmanager.GetSecretValue", &id).await.1["__type"], "InvalidRequestException");
    desk.json("secretsmanager.RestoreSecret", &id).await;
    assert_eq!(desk.json("secretsmanager.GetSecretValue", &id).await.1["SecretString"], "one");
    desk.json("secretsmanager.DeleteSecret", &delete).await;
    desk.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(desk.json("secretsmanager.RestoreSecret", &id).await.1["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn a_ciphertext_opens_only_with_its_context() {
    let desk = Desk::new();
    let key = desk.json("TrentService.CreateKey", &json!({})).await.1["KeyMetadata"]["KeyId"].clone();
    let plain = "aGVsbG8=";
    let sealed = json!({"KeyId": key, "Plaintext": plain, "EncryptionContext": {"a": "1", "b": "2"}});
    let blob = desk.json("TrentService.Encrypt", &sealed).await.1["CiphertextBlob"].clone();
    assert_ne!(blob, plain);
    let open = |context: serde_json::Value| json!({"CiphertextBlob": blob, "EncryptionContext": context});
    let opened = desk.json("TrentService.Decrypt", &open(json!({"b": "2", "a": "1"}))).await.1;
    assert_eq!(opened["Plaintext"], plain);
    let (_, refused) = desk.json("TrentService.Decrypt", &open(json!({"a": "1"}))).await;
    assert_eq!(refused["__type"], "InvalidCiphertextException");
}
