//! Namespaces.

use k8s_openapi::api::core::v1::Namespace;
use serde_json::Value;

use super::{Reader, egress};
use crate::record::NamespaceRecord;

/// The label that every namespace of a cluster bears with its own name (KEP-2161).
pub(crate) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<NamespaceRecord> {
    let namespace: Namespace = reader.typed(raw)?;
    let egress = egress::annotations(namespace.metadata.annotations.as_ref(), reader);
    let labels = Reader::labels(namespace.metadata.labels);
    Some(NamespaceRecord { labels: labels.with(NAME_LABEL, &reader.key.name).into(), egress })
}
