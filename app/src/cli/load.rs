//! From source arguments to an analysis.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use portolan_core::analysis::{Analysis, Host};
use portolan_core::assumptions::{Assumptions, Profile};
use portolan_core::snapshot::Change;
use portolan_core::{Object, Warning};

use super::args::SourceArgs;
use crate::source::manifests::DEFAULT_NAMESPACE;
use crate::source::{demo, manifests};

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The analysis.
    pub analysis: Arc<Analysis>,
    /// What could not be read, or is wrong with what was read.
    pub warnings: Vec<Warning>,
}

/// The assumptions that the arguments settle.
///
/// # Errors
/// An unknown profile, assumption or value, in a sentence that names what is known.
pub fn assumptions(args: &SourceArgs) -> Result<Assumptions> {
    let profile = Profile::ALL.into_iter().find(|profile| profile.name() == args.profile).unwrap_or_default();
    let mut assumptions = Assumptions::of(profile);
    for setting in &args.assume {
        let Some((name, value)) = setting.split_once('=') else {
            bail!("--assume takes NAME=VALUE, and {setting:?} has no equals sign");
        };
        assumptions.set(name.trim(), value.trim()).map_err(anyhow::Error::msg)?;
    }
    Ok(assumptions)
}

/// Loads what the arguments name.
///
/// # Errors
/// No source is named, a path cannot be read, a cluster cannot be reached, or an assumption is unknown.
pub fn load(args: &SourceArgs) -> Result<Loaded> {
    let assumptions = assumptions(args)?;
    let mut warnings = Vec::new();
    let mut host;
    if args.demo {
        host = Host::new(assumptions, false);
        host.apply(demo::objects().iter().map(Change::apply));
    } else if !args.manifests.is_empty() {
        host = Host::new(assumptions, true);
        let objects = read(&args.manifests, args, &mut warnings)?;
        host.apply(objects.iter().map(Change::apply));
    } else {
        host = Host::new(assumptions, false);
        let (changes, problems) = crate::source::once::list(args)?;
        warnings.extend(problems);
        host.apply(changes);
    }
    if !args.apply.is_empty() {
        let objects = read(&args.apply, args, &mut warnings)?;
        host.apply(objects.iter().map(Change::apply));
    }
    if !args.delete.is_empty() {
        let objects = read(&args.delete, args, &mut warnings)?;
        for object in objects {
            if host.snapshot().entry(&object.key).is_none() {
                bail!("{} is to be deleted and is not there", object.key);
            }
            host.apply([Change::Delete(object.key)]);
        }
    }
    let analysis = host.analysis();
    warnings.extend(analysis.warnings());
    Ok(Loaded { analysis, warnings })
}

fn read(paths: &[PathBuf], args: &SourceArgs, warnings: &mut Vec<Warning>) -> Result<Vec<Object>> {
    let namespace = args.namespace.first().map_or(DEFAULT_NAMESPACE, String::as_str);
    let loaded = manifests::read(paths, &mut std::io::stdin().lock(), namespace).context("the manifests cannot be read")?;
    warnings.extend(loaded.warnings.iter().cloned());
    Ok(loaded.plain_objects())
}
