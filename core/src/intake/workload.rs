//! Workloads: whatever holds a template of pods. One reader serves them all, since the parts that matter stand in the same places.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::{Reader, egress, pod};
use crate::object::Kind;
use crate::record::{PodRecord, PodTemplate, WorkloadRecord};

pub(super) fn read(raw: &Value, reader: &mut Reader<'_>) -> Option<WorkloadRecord> {
    let metadata: ObjectMeta = match raw.get("metadata") {
        Some(metadata) => reader.typed(metadata)?,
        None => ObjectMeta::default(),
    };
    let template_pointer = match reader.key.kind {
        Kind::CronJob => "/spec/jobTemplate/spec/template",
        _ => "/spec/template",
    };
    let replicas = raw.pointer("/spec/replicas").and_then(Value::as_u64).and_then(|replicas| u32::try_from(replicas).ok());
    let defaults_to_one = matches!(reader.key.kind, Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet | Kind::ReplicationController);
    let template = read_template(raw, template_pointer, reader);
    Some(WorkloadRecord { replicas: replicas.or(defaults_to_one.then_some(1)), owner: pod::owner(metadata.owner_references), template })
}

fn read_template(raw: &Value, pointer: &str, reader: &mut Reader<'_>) -> Option<PodRecord> {
    let Some(template) = raw.pointer(pointer) else {
        reader.warn(pointer, "the template of its pods is missing");
        return None;
    };
    let n_before = reader.warnings.len();
    let typed: Option<PodTemplateSpec> = reader.typed(template);
    for warning in reader.warnings.iter_mut().skip(n_before) {
        warning.pointer.insert_str(0, pointer);
    }
    let typed = typed?;
    let metadata = typed.metadata.unwrap_or_default();
    let proxy = pod::asked_proxy(&metadata);
    let n_before = reader.warnings.len();
    let egress = egress::annotations(metadata.annotations.as_ref(), reader);
    for warning in reader.warnings.iter_mut().skip(n_before) {
        warning.pointer.insert_str(0, pointer);
    }
    let template = PodTemplate { labels: Reader::labels(metadata.labels), proxy, egress, ..PodTemplate::default() };
    let pod = pod::read_spec(typed.spec.unwrap_or_default(), template, &format!("{pointer}/spec"), reader);
    Some(PodRecord { ready: true, ..pod })
}
