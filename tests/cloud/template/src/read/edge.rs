//! CloudFront and alarms.

use serde::Deserialize;
use serde_json::Value;

use super::All;
use crate::error::TemplateError;
use crate::model::{Alarm, Distribution, KeyGroup, PublicKey};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DistributionProperties {
    distribution_config: Value,
}

pub(super) fn distributions(all: &All<'_>) -> Result<Vec<Distribution>, TemplateError> {
    all.of(&["AWS::CloudFront::Distribution"])
        .map(|declared| {
            let properties: DistributionProperties = declared.typed()?;
            Ok(Distribution {
                logical_id: declared.logical_id(),
                stack: declared.stack_name(),
                id: declared.name.clone(),
                domain: format!("{}.cloudfront.net", declared.name),
                config: properties.distribution_config,
            })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyProperties {
    public_key_config: KeyConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyConfig {
    encoded_key: String,
}

pub(super) fn public_keys(all: &All<'_>) -> Result<Vec<PublicKey>, TemplateError> {
    all.of(&["AWS::CloudFront::PublicKey"])
        .map(|declared| {
            let properties: KeyProperties = declared.typed()?;
            Ok(PublicKey {
                logical_id: declared.logical_id(),
                stack: declared.stack_name(),
                id: declared.name.clone(),
                pem: properties.public_key_config.encoded_key,
            })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupProperties {
    key_group_config: GroupConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupConfig {
    items: Vec<String>,
}

pub(super) fn key_groups(all: &All<'_>) -> Result<Vec<KeyGroup>, TemplateError> {
    all.of(&["AWS::CloudFront::KeyGroup"])
        .map(|declared| {
            let properties: GroupProperties = declared.typed()?;
            Ok(KeyGroup {
                logical_id: declared.logical_id(),
                stack: declared.stack_name(),
                id: declared.name.clone(),
                keys: properties.key_group_config.items,
            })
        })
        .collect()
}

pub(super) fn alarms(all: &All<'_>) -> Vec<Alarm> {
    let alarms = all.of(&["AWS::CloudWatch::Alarm"]).map(|declared| Alarm {
        logical_id: declared.logical_id(),
        stack: declared.stack_name(),
        name: declared.name.clone(),
        arn: declared.arn.clone(),
        properties: declared.properties.clone(),
    });
    alarms.collect()
}
