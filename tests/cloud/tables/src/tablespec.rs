//! Tables as the template declares them.

use serde_json::{Value, json};

use crate::Tables;
use crate::error::Error;

/// A table that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// The table's name.
    pub name: String,
    /// The partition key.
    pub partition_key: KeyAttribute,
    /// The sort key, if there is one.
    pub sort_key: Option<KeyAttribute>,
    /// Global secondary indexes.
    pub indexes: Vec<IndexSpec>,
    /// What the stream carries; `None` for no stream.
    pub stream: Option<StreamView>,
    /// The attribute that holds the second at which an item expires.
    pub ttl_attribute: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// The index's name.
    pub name: String,
    /// The partition key.
    pub partition_key: KeyAttribute,
    /// The sort key, if there is one.
    pub sort_key: Option<KeyAttribute>,
    /// What the index holds besides the keys.
    pub projection: ProjectionSpec,
}

/// An attribute that is part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// Its type.
    pub kind: KeyKind,
}

/// The types that a key attribute can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `S`
    String,
    /// `N`
    Number,
    /// `B`
    Binary,
}

/// What an index holds besides the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectionSpec {
    /// Every attribute.
    All,
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Include(Vec<String>),
}

/// What a stream record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamView {
    /// `KEYS_ONLY`
    KeysOnly,
    /// `NEW_IMAGE`
    NewImage,
    /// `OLD_IMAGE`
    OldImage,
    /// `NEW_AND_OLD_IMAGES`
    NewAndOldImages,
}

impl StreamView {
    const fn wire(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

impl KeyKind {
    const fn wire(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Binary => "B",
        }
    }
}

impl Tables {
    /// Makes the table, or adds to an existing one the indexes, stream and TTL that it lacks. Items stay. Indexes that
    /// the spec no longer has stay too: an older version of the product may still run on this state.
    ///
    /// # Errors
    /// [`Error::OtherTable`] when an existing table or index has other keys or another projection.
    pub async fn ensure_table(&self, spec: &TableSpec) -> Result<(), Error> {
        let tables = self.engine.read(|session| Ok(session.storage.table_exists(&spec.name)?)).await?;
        if tables {
            self.amend(spec).await?;
        } else {
            self.invoke("CreateTable", &creation(spec)).await?;
        }
        self.ensure_ttl(spec).await
    }

    async fn amend(&self, spec: &TableSpec) -> Result<(), Error> {
        let described = self.invoke("DescribeTable", &json!({"TableName": spec.name})).await?;
        let table = described.get("Table").cloned().unwrap_or_default();
        let other = |problem: String| Error::OtherTable { table: spec.name.clone(), problem };

        let keys = key_schema(&spec.partition_key, spec.sort_key.as_ref());
        if table.get("KeySchema") != Some(&keys) {
            return Err(other(format!("its keys are {}", table.get("KeySchema").unwrap_or(&Value::Null))));
        }
        for index in &spec.indexes {
            let Some(existing) = find_index(&table, &index.name) else {
                self.add_index(&spec.name, index).await?;
                continue;
            };
            let wanted = index_definition(index);
            for part in ["KeySchema", "Projection"] {
                if !same_members(existing.get(part), wanted.get(part)) {
                    return Err(other(format!("index {} has another {part}", index.name)));
                }
            }
        }
        self.amend_stream(spec, &table).await
    }

    async fn add_index(&self, table: &str, index: &IndexSpec) -> Result<(), Error> {
        let attributes = definitions(std::iter::once(&index.partition_key).chain(&index.sort_key));
        let request = json!({
            "TableName": table,
            "AttributeDefinitions": attributes,
            "GlobalSecondaryIndexUpdates": [{"Create": index_definition(index)}],
        });
        self.invoke("UpdateTable", &request).await?;
        Ok(())
    }

    async fn amend_stream(&self, spec: &TableSpec, table: &Value) -> Result<(), Error> {
        let current = table.pointer("/StreamSpecification/StreamViewType").and_then(Value::as_str);
        let Some(wanted) = spec.stream.map(StreamView::wire).filter(|w| Some(*w) != current) else {
            return Ok(());
        };
        if current.is_some() {
            let off = json!({"TableName": spec.name, "StreamSpecification": {"StreamEnabled": false}});
            self.invoke("UpdateTable", &off).await?;
        }
        let on = json!({
            "TableName": spec.name,
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": wanted},
        });
        self.invoke("UpdateTable", &on).await?;
        Ok(())
    }

    async fn ensure_ttl(&self, spec: &TableSpec) -> Result<(), Error> {
        let Some(wanted) = &spec.ttl_attribute else { return Ok(()) };
        let meta = self.engine.read(|session| Ok(session.storage.get_table_metadata(&spec.name)?)).await?;
        let current = meta.filter(|m| m.ttl_enabled).and_then(|m| m.ttl_attribute);
        if current.as_ref() == Some(wanted) {
            return Ok(());
        }
        if let Some(current) = current {
            self.set_ttl(&spec.name, &current, false).await?;
        }
        self.set_ttl(&spec.name, wanted, true).await
    }

    async fn set_ttl(&self, table: &str, attribute: &str, enabled: bool) -> Result<(), Error> {
        let request = json!({
            "TableName": table,
            "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute},
        });
        self.invoke("UpdateTimeToLive", &request).await?;
        Ok(())
    }
}

fn creation(spec: &TableSpec) -> Value {
    let of_indexes = spec.indexes.iter().flat_map(|i| std::iter::once(&i.partition_key).chain(&i.sort_key));
    let attributes = std::iter::once(&spec.partition_key).chain(&spec.sort_key).chain(of_indexes);
    let mut request = json!({
        "TableName": spec.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": definitions(attributes),
        "KeySchema": key_schema(&spec.partition_key, spec.sort_key.as_ref()),
    });
    if let Some(members) = request.as_object_mut() {
        if !spec.indexes.is_empty() {
            let indexes = spec.indexes.iter().map(index_definition).collect();
            members.insert("GlobalSecondaryIndexes".to_owned(), Value::Array(indexes));
        }
        if let Some(view) = spec.stream {
            let stream = json!({"StreamEnabled": true, "StreamViewType": view.wire()});
            members.insert("StreamSpecification".to_owned(), stream);
        }
    }
    request
}

fn definitions<'a>(attributes: impl Iterator<Item = &'a KeyAttribute>) -> Value {
    let mut seen = std::collections::BTreeMap::new();
    for attribute in attributes {
        seen.insert(&attribute.name, attribute.kind.wire());
    }
    seen.into_iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect()
}

fn key_schema(partition: &KeyAttribute, sort: Option<&KeyAttribute>) -> Value {
    let part = |attribute: &KeyAttribute, role| json!({"AttributeName": attribute.name, "KeyType": role});
    std::iter::once(part(partition, "HASH")).chain(sort.map(|s| part(s, "RANGE"))).collect()
}

fn index_definition(index: &IndexSpec) -> Value {
    let projection = match &index.projection {
        ProjectionSpec::All => json!({"ProjectionType": "ALL"}),
        ProjectionSpec::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
        ProjectionSpec::Include(names) => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names}),
    };
    json!({
        "IndexName": index.name,
        "KeySchema": key_schema(&index.partition_key, index.sort_key.as_ref()),
        "Projection": projection,
    })
}

fn find_index<'a>(table: &'a Value, name: &str) -> Option<&'a Value> {
    let indexes = table.get("GlobalSecondaryIndexes")?.as_array()?;
    indexes.iter().find(|i| i.get("IndexName").and_then(Value::as_str) == Some(name))
}

/// Equal, where the order of names in a list is of no meaning (`NonKeyAttributes`).
fn same_members(one: Option<&Value>, other: Option<&Value>) -> bool {
    let sorted = |value: Option<&Value>| {
        let mut value = value.cloned().unwrap_or_default();
        if let Some(names) = value.get_mut("NonKeyAttributes").and_then(Value::as_array_mut) {
            names.sort_by_key(ToString::to_string);
        }
        value
    };
    sorted(one) == sorted(other)
}
