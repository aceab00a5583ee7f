//! A cluster listed once, for the command line.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use kube::Api;
use kube::api::{ApiResource, ListParams};
use portolan_core::snapshot::{Change, Unseen};
use portolan_core::{Kind, Warning};

use super::discovery::{Discovery, Served};
use super::kubeconfig::Kubeconfigs;
use super::raw_object::{RawObject, resource_of};
use super::watch::Problem;
use crate::cli::SourceArgs;

const PAGE_SIZE: u32 = 500;

/// Lists every kind of the cluster that the arguments name. What may not be listed is a warning, and unseen to the analysis.
///
/// # Errors
/// No context fits, or the server cannot be reached or does not accept us.
pub fn list(args: &SourceArgs) -> Result<(Vec<Change>, Vec<Warning>)> {
    let configs = Kubeconfigs::read(args.kubeconfig.as_deref());
    if args.context.is_none() && args.kubeconfig.is_none() && configs.rows().is_empty() {
        bail!("there is nothing to read: give --demo, --manifests PATH, or --context NAME");
    }
    let context = configs.find(args.context.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for the connection")?;
    runtime.block_on(async {
        let client = configs.client(&context).await?;
        let namespaces = if args.namespace.is_empty() { vec![configs.namespace(&context)] } else { args.namespace.clone() };
        list_all(&client, &namespaces).await
    })
}

async fn list_all(client: &kube::Client, namespaces: &[String]) -> Result<(Vec<Change>, Vec<Warning>)> {
    let (mut changes, mut warnings, mut unseen) = (Vec::new(), Vec::new(), Unseen::default());
    let (discovery, started) = (Discovery::new(client.clone()), Instant::now());
    for kind in Kind::ALL {
        let served = if kind.is_custom() { discovery.served(*kind, started).await } else { Served::Unknown };
        let resource = match served {
            Served::Absent => continue,
            Served::At { group, version } => resource_of(*kind, group, &version),
            Served::Unknown => resource_of(*kind, kind.group(), kind.version()),
        };
        match list_kind(*kind, &resource, Api::all_with(client.clone(), &resource), None).await {
            Ok(change) => changes.push(change),
            Err(Problem::Absent) => {}
            Err(Problem::Forbidden(message)) => {
                warnings.push(Warning {
                    object: kind.plural().to_owned(),
                    pointer: String::new(),
                    message: format!("cannot be listed everywhere: {message}"),
                });
                let mut seen = std::collections::BTreeSet::new();
                for namespace in namespaces.iter().filter(|_| kind.is_namespaced()) {
                    let api = Api::namespaced_with(client.clone(), namespace, &resource);
                    match list_kind(*kind, &resource, api, Some(namespace)).await {
                        Ok(change) => {
                            seen.insert(namespace.into());
                            changes.push(change);
                        }
                        Err(problem) => {
                            let message = format!("cannot be listed in namespace {namespace}: {}", problem.text());
                            warnings.push(Warning { object: kind.plural().to_owned(), pointer: String::new(), message });
                        }
                    }
                }
                unseen.0.insert(*kind, seen);
            }
            Err(Problem::Unauthorised(why)) => bail!("the server does not accept us: {why}"),
            Err(problem) => bail!("{} cannot be listed: {}", kind.plural(), problem.text()),
        }
    }
    changes.push(Change::Unseen(unseen));
    warnings.extend(super::watch::unevaluated_groups(&discovery, started).await);
    Ok((changes, warnings))
}

async fn list_kind(kind: Kind, resource: &ApiResource, api: Api<RawObject>, namespace: Option<&str>) -> Result<Change, Problem> {
    let mut entries = Vec::new();
    let mut params = ListParams::default().limit(PAGE_SIZE);
    loop {
        let page = api.list(&params).await.map_err(|error| Problem::of_client(&error))?;
        for object in page.items {
            if let Ok(object) = object.into_object(kind, &resource.api_version) {
                let entry = std::sync::Arc::new(portolan_core::intake::read(&object));
                entries.push(entry);
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(Change::Replace { kind, namespace: namespace.map(Into::into), entries }),
        }
    }
}
