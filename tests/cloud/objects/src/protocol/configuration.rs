//! Buckets, their configuration, and the tags of objects.

use s3s::S3Request;
use s3s::dto::*;

use super::attributes::{tag_set, tags_of_set};
use super::time::timestamp;
use crate::core::Core;
use crate::error::{Configuration, Error};
use crate::index::{Result, Versioning};

impl Core {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> Result<CreateBucketOutput> {
        let name = request.input.bucket;
        match self.index.create_bucket(&name) {
            // In us-east-1 creating one's own bucket again succeeds.
            Err(Error::BucketAlreadyOwnedByYou) if self.place.region == "us-east-1" => {}
            other => other?,
        }
        Ok(CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> Result<DeleteBucketOutput> {
        let left = self.index.delete_bucket(&request.input.bucket)?;
        self.blobs.remove(&left);
        Ok(DeleteBucketOutput {})
    }

    pub(super) async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Result<HeadBucketOutput> {
        self.index.bucket(&request.input.bucket)?;
        Ok(HeadBucketOutput { bucket_region: Some(self.place.region.clone()), ..HeadBucketOutput::default() })
    }

    pub(super) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> Result<ListBucketsOutput> {
        let prefix = request.input.prefix.unwrap_or_default();
        let buckets =
            self.index.buckets()?.into_iter().filter(|b| b.name.starts_with(&prefix)).map(|bucket| Bucket {
                bucket_region: Some(self.place.region.clone()),
                creation_date: Some(timestamp(bucket.created_ms)),
                name: Some(bucket.name),
            });
        Ok(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            owner: Some(Owner {
                display_name: Some(self.place.account.clone()),
                id: Some(self.place.account.clone()),
            }),
            ..ListBucketsOutput::default()
        })
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Result<GetBucketLocationOutput> {
        self.index.bucket(&request.input.bucket)?;
        // us-east-1 is written as nothing.
        let elsewhere = (self.place.region != "us-east-1").then(|| self.place.region.clone());
        Ok(GetBucketLocationOutput { location_constraint: elsewhere.map(BucketLocationConstraint::from) })
    }

    pub(super) async fn put_bucket_cors(
        &self,
        request: S3Request<PutBucketCorsInput>,
    ) -> Result<PutBucketCorsOutput> {
        let input = request.input;
        for rule in &input.cors_configuration.cors_rules {
            let known = ["GET", "PUT", "HEAD", "POST", "DELETE"];
            if let Some(method) = rule.allowed_methods.iter().find(|m| !known.contains(&m.as_str())) {
                return Err(Error::InvalidRequest(format!(
                    "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                )));
            }
        }
        self.index.set_cors(&input.bucket, Some(&input.cors_configuration))?;
        Ok(PutBucketCorsOutput {})
    }

    pub(super) async fn get_bucket_cors(
        &self,
        request: S3Request<GetBucketCorsInput>,
    ) -> Result<GetBucketCorsOutput> {
        let cors = self
            .index
            .bucket(&request.input.bucket)?
            .cors
            .ok_or(Error::NotConfigured(Configuration::Cors))?;
        Ok(GetBucketCorsOutput { cors_rules: Some(cors.cors_rules) })
    }

    pub(super) async fn delete_bucket_cors(
        &self,
        request: S3Request<DeleteBucketCorsInput>,
    ) -> Result<DeleteBucketCorsOutput> {
        self.index.set_cors(&request.input.bucket, None)?;
        Ok(DeleteBucketCorsOutput {})
    }

    pub(super) async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Result<PutBucketLifecycleConfigurationOutput> {
        let input = request.input;
        let mut configuration = input.lifecycle_configuration.unwrap_or_default();
        for rule in &mut configuration.rules {
            let days = [
                rule.expiration.as_ref().and_then(|e| e.days),
                rule.noncurrent_version_expiration.as_ref().and_then(|e| e.noncurrent_days),
                rule.abort_incomplete_multipart_upload.as_ref().and_then(|a| a.days_after_initiation),
            ];
            if days.into_iter().flatten().any(|days| days < 1) {
                return Err(Error::InvalidArgument("'Days' must be a positive integer".to_owned()));
            }
            rule.id.get_or_insert_with(crate::blobs::fresh_name);
        }
        self.index.set_lifecycle(&input.bucket, Some(&configuration))?;
        self.sweep_lifecycle()?;
        Ok(PutBucketLifecycleConfigurationOutput::default())
    }

    pub(super) async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Result<GetBucketLifecycleConfigurationOutput> {
        let bucket = self.index.bucket(&request.input.bucket)?;
        let lifecycle = bucket.lifecycle.ok_or(Error::NotConfigured(Configuration::Lifecycle))?;
        Ok(GetBucketLifecycleConfigurationOutput {
            rules: Some(lifecycle.rules),
            ..GetBucketLifecycleConfigurationOutput::default()
        })
    }

    pub(super) async fn delete_bucket_lifecycle(
        &self,
        request: S3Request<DeleteBucketLifecycleInput>,
    ) -> Result<DeleteBucketLifecycleOutput> {
        self.index.set_lifecycle(&request.input.bucket, None)?;
        Ok(DeleteBucketLifecycleOutput {})
    }

    /// Every destination gets a test event first, as S3 does it: a destination that cannot take it is refused.
    pub(super) async fn put_bucket_notification_configuration(
        &self,
        request: S3Request<PutBucketNotificationConfigurationInput>,
    ) -> Result<PutBucketNotificationConfigurationOutput> {
        let input = request.input;
        let mut configuration = input.notification_configuration;
        self.index.bucket(&input.bucket)?;
        let mut destinations = Vec::new();
        for queue in configuration.queue_configurations.iter_mut().flatten() {
            queue.id.get_or_insert_with(crate::blobs::fresh_name);
            destinations.push(queue.queue_arn.clone());
        }
        for topic in configuration.topic_configurations.iter_mut().flatten() {
            topic.id.get_or_insert_with(crate::blobs::fresh_name);
            destinations.push(topic.topic_arn.clone());
        }
        // Functions are not called with a test event; S3 looks at their policy instead.
        for function in configuration.lambda_function_configurations.iter_mut().flatten() {
            function.id.get_or_insert_with(crate::blobs::fresh_name);
        }
        if input.skip_destination_validation != Some(true) {
            for arn in destinations {
                let body = crate::notify::test_event(&input.bucket, self.clock.now_ms()).to_string();
                if let Err(cause) = self.deliver.deliver(arn.clone(), body, None).await {
                    tracing::debug!(arn, cause, "a destination that does not take notifications");
                    return Err(Error::InvalidArgument(
                        "Unable to validate the following destination configurations".to_owned(),
                    ));
                }
            }
        }
        self.index.set_notification(&input.bucket, Some(&configuration))?;
        Ok(PutBucketNotificationConfigurationOutput {})
    }

    pub(super) async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> Result<GetBucketNotificationConfigurationOutput> {
        let to = self.index.bucket(&request.input.bucket)?.notification.unwrap_or_default();
        Ok(GetBucketNotificationConfigurationOutput {
            event_bridge_configuration: to.event_bridge_configuration,
            lambda_function_configurations: to.lambda_function_configurations,
            queue_configurations: to.queue_configurations,
            topic_configurations: to.topic_configurations,
        })
    }

    pub(super) async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> Result<PutBucketVersioningOutput> {
        let input = request.input;
        let versioning =
            match input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str) {
                Some("Enabled") => Versioning::Enabled,
                Some("Suspended") => Versioning::Suspended,
                _ => {
                    return Err(Error::InvalidArgument(
                        "The Versioning element must be specified".to_owned(),
                    ));
                }
            };
        self.index.set_versioning(&input.bucket, versioning)?;
        Ok(PutBucketVersioningOutput {})
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Result<GetBucketVersioningOutput> {
        let versioning = self.index.bucket(&request.input.bucket)?.versioning;
        let status =
            (versioning != Versioning::Never).then(|| BucketVersioningStatus::from_static(versioning.name()));
        Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
    }

    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> Result<GetObjectTaggingOutput> {
        let input = request.input;
        let found = self.index.find(&input.bucket, &input.key, input.version_id.as_deref())?;
        Ok(GetObjectTaggingOutput {
            tag_set: tag_set(&found.attributes.tags),
            version_id: super::attributes::shown_version(&found),
        })
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> Result<PutObjectTaggingOutput> {
        let input = request.input;
        let tags = tags_of_set(input.tagging.tag_set)?;
        let version_id = self.index.set_tags(&input.bucket, &input.key, input.version_id.as_deref(), tags)?;
        self.wake.notify_one();
        Ok(PutObjectTaggingOutput { version_id })
    }

    pub(super) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> Result<DeleteObjectTaggingOutput> {
        let input = request.input;
        let none = std::collections::BTreeMap::new();
        let version_id = self.index.set_tags(&input.bucket, &input.key, input.version_id.as_deref(), none)?;
        self.wake.notify_one();
        Ok(DeleteObjectTaggingOutput { version_id })
    }
}
