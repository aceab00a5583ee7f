//! Service accounts.

use k8s_openapi::api::core::v1::ServiceAccount;
use serde_json::Value;

use super::Reader;
use crate::record::ServiceAccountRecord;

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<ServiceAccountRecord> {
    let account: ServiceAccount = reader.typed(raw)?;
    Some(ServiceAccountRecord { labels: Reader::labels(account.metadata.labels) })
}
