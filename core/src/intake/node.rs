//! Nodes.

use k8s_openapi::api::core::v1::Node;
use serde_json::Value;

use super::Reader;
use crate::record::NodeRecord;

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<NodeRecord> {
    let node: Node = reader.typed(raw)?;
    let mut record = NodeRecord { labels: Reader::labels(node.metadata.labels), ..NodeRecord::default() };
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default().into_iter().enumerate();
    for (index, address) in addresses.filter(|(_, address)| matches!(address.type_.as_str(), "InternalIP" | "ExternalIP")) {
        match address.address.parse() {
            Ok(address) if record.addresses.contains(&address) => {}
            Ok(address) => record.addresses.push(address),
            Err(_) => reader.warn(format!("/status/addresses/{index}"), format!("{:?} is not an address", address.address)),
        }
    }
    Some(record)
}
