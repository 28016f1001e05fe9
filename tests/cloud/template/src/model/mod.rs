//! The product, as its templates declare it, resolved for one machine.

mod apis;
mod edge;
mod functions;
mod messaging;
mod product;
mod stores;

pub use apis::{Api, ApiKind, Cors, Route, RouteKey};
pub use edge::{Alarm, Distribution, KeyGroup, PublicKey};
pub use functions::{Asynchronous, EventSource, Function, Permission};
pub use messaging::{Bus, Queue, Redrive, Rule, Schedule, Subscription, Topic};
pub use product::{Product, RawResource, StackView};
pub use stores::{Bucket, Index, KeyAttribute, Notification, Parameter, Table};
