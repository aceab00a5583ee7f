//! Listing a cluster once, for the command line.

use std::time::SystemTime;

use futures::future::join_all;
use kube::Api;
use kube::api::ListParams;
use portolan_core::object::Kind;
use tokio::time::timeout;

use super::fault::{Class, Failure};
use super::raw::{RawObject, resource_of};
use super::watch::WatchOptions;
use super::{Scope, SourceEvent, SourceState, SourceStatus};

/// Lists every kind once. What cannot be listed in all namespaces is listed in those that the options name.
///
/// Yields, for each kind in turn, a `Replace` for every scope that could be listed, and a `Status` for every scope that was asked for.
pub async fn list_once(client: kube::Client, options: &WatchOptions) -> Vec<SourceEvent> {
    let kinds = options.kinds.iter().map(|kind| list_kind(&client, options, *kind));
    join_all(kinds).await.into_iter().flatten().collect()
}

async fn list_kind(client: &kube::Client, options: &WatchOptions, kind: Kind) -> Vec<SourceEvent> {
    let mut events = Vec::new();
    let forbidden = list_scope(client, options, kind, Scope::All, &mut events).await;
    if forbidden && kind.is_namespaced() {
        for namespace in options.fallback_namespaces() {
            list_scope(client, options, kind, Scope::Namespace(namespace), &mut events).await;
        }
    }
    events
}

/// Lists a kind in a scope, and says whether the server refused to.
async fn list_scope(client: &kube::Client, options: &WatchOptions, kind: Kind, scope: Scope, events: &mut Vec<SourceEvent>) -> bool {
    let (api, namespace): (Api<RawObject>, _) = match &scope {
        Scope::All => (Api::all_with(client.clone(), &resource_of(kind)), options.default_namespace.as_str()),
        Scope::Namespace(namespace) => (Api::namespaced_with(client.clone(), namespace, &resource_of(kind)), namespace.as_str()),
    };
    let mut listed = list_all(&api, options, Some(options.page_size)).await;
    if listed.as_ref().is_err_and(|failure| failure.class == Class::Expired) {
        listed = list_all(&api, options, None).await;
    }
    let state = match listed {
        Ok(items) => {
            let mut objects = Vec::with_capacity(items.len());
            for item in items {
                match item.into_object(kind, namespace) {
                    Ok(object) => objects.push(object),
                    Err(warning) => events.push(SourceEvent::Warning(warning)),
                }
            }
            objects.sort_by(|left, right| left.key.cmp(&right.key));
            events.push(SourceEvent::Replace { kind, scope: scope.clone(), objects });
            SourceState::Live
        }
        Err(failure) => match failure.class {
            Class::Forbidden => SourceState::Forbidden(failure.message),
            Class::NotFound if kind.group().is_empty() => {
                let why = format!("this does not seem to be a Kubernetes API server: {}", failure.message);
                SourceState::Disconnected { since: SystemTime::now(), why }
            }
            Class::NotFound => SourceState::Absent,
            Class::Unauthorised => SourceState::Unauthorised(failure.message),
            Class::Expired | Class::Unsupported | Class::Other => {
                SourceState::Disconnected { since: SystemTime::now(), why: failure.message }
            }
        },
    };
    let forbidden = matches!(state, SourceState::Forbidden(_));
    events.push(SourceEvent::Status(SourceStatus { kind, scope, state }));
    forbidden
}

async fn list_all(api: &Api<RawObject>, options: &WatchOptions, page_size: Option<u32>) -> Result<Vec<RawObject>, Failure> {
    let mut items = Vec::new();
    let mut params = ListParams { limit: page_size, ..ListParams::default() };
    loop {
        let page = timeout(options.answer_timeout, api.list(&params)).await;
        let page =
            page.map_err(|_| Failure::other(format!("the server has not answered for {} s", options.answer_timeout.as_secs_f32())))?;
        let page = page.map_err(|error| Failure::of_client(&error))?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(items),
        }
    }
}
