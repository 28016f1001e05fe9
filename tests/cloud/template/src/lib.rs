//! Reads the templates that deploy the product and resolves them for one machine.
//!
//! [`read`] takes the root SAM or CloudFormation template, follows nested stacks into local files, evaluates
//! parameters, mappings, conditions and intrinsic functions, and answers a typed [`Product`]: functions with their
//! environment, permissions and event sources, routes, tables, queues, buckets, rules. Physical names that the template
//! leaves open are derived from stack name and logical id. What is in a template but not understood here is an error
//! where it would change what runs, and otherwise found in [`StackView::resources`].

mod error;
mod expand;
pub mod iam;
mod model;
mod read;
mod reference;
mod resolve;
mod stack;
mod template;
mod values;
mod world;
mod yaml;

pub use error::TemplateError;
pub use expand::expanded_resource_count;
pub use iam::{Decision, Effect, Statement};
pub use model::{
    Alarm, Api, ApiKind, Asynchronous, Bucket, Bus, Cors, Distribution, EventSource, Function, Index,
    KeyAttribute, KeyGroup, Notification, Parameter, Permission, Product, PublicKey, Queue, RawResource,
    Redrive, Route, RouteKey, Rule, Schedule, StackView, Subscription, Table, Topic,
};
pub use read::read;
pub use world::{DynamicReference, Endpoints, Options};
