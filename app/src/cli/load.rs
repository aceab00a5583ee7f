//! From source arguments to an analysis.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use portolan_core::Warning;
use portolan_core::analysis::{Analysis, Host};
use portolan_core::assumptions::{Assumptions, Detection, Profile, Settled, detect};
use portolan_core::egress::NatNote;
use portolan_core::snapshot::Change;

use super::args::SourceArgs;
use crate::source::manifests;
use crate::source::manifests::DEFAULT_NAMESPACE;

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The analysis.
    pub analysis: Arc<Analysis>,
    /// The network plugin that was found, whether or not its profile is in force.
    pub detection: Option<Detection>,
    /// What could not be read, or is wrong with what was read.
    pub warnings: Vec<Warning>,
}

/// What was read, before anything is assumed of it.
pub(super) struct Read {
    host: Host,
    warnings: Vec<Warning>,
}

impl Read {
    /// The network plugin that is in it.
    pub(super) fn detection(&self) -> Option<Detection> {
        detect(self.host.snapshot())
    }

    /// Analyses it under what a person settled and what was detected.
    pub(super) fn analyse(mut self, settled: &Settled, detection: Option<Detection>) -> Loaded {
        self.host.apply([Change::Nat(settled.nat.clone())]);
        self.host.assume(settled.assumptions(detection.as_ref()));
        let analysis = self.host.analysis();
        self.warnings.extend(analysis.warnings());
        Loaded { analysis, detection, warnings: self.warnings }
    }
}

/// What the arguments settle.
///
/// # Errors
/// An unknown profile, assumption or value, in a sentence that names what is known; a note on a NAT that cannot be read.
pub fn settled(args: &SourceArgs) -> Result<Settled> {
    let mut settled = Settled::of(args.profile.as_deref().and_then(Profile::named));
    if let Some(nat) = &args.nat {
        settled.nat = NatNote::parse(nat).map_err(|error| anyhow::anyhow!("--nat: {error}"))?;
    }
    for setting in &args.assume {
        let Some((name, value)) = setting.split_once('=') else {
            bail!("--assume takes NAME=VALUE, and {setting:?} has no equals sign");
        };
        settled.set(name.trim(), value.trim()).map_err(anyhow::Error::msg)?;
    }
    Ok(settled)
}

/// Loads what the arguments name.
///
/// # Errors
/// No source is named, a path cannot be read, a cluster cannot be reached, or an assumption is unknown.
pub fn load(args: &SourceArgs) -> Result<Loaded> {
    let settled = settled(args)?;
    let read = read(args)?;
    let detection = read.detection();
    Ok(read.analyse(&settled, detection))
}

/// Reads what the arguments name.
pub(super) fn read(args: &SourceArgs) -> Result<Read> {
    let mut warnings = Vec::new();
    let mut host;
    if let Some(demo) = args.demo {
        host = Host::new(Assumptions::default(), false);
        host.apply(demo.objects().iter().map(Change::apply));
    } else if !args.manifests.is_empty() {
        host = Host::new(Assumptions::default(), true);
        host.apply(changes(&args.manifests, args, &mut warnings)?);
    } else {
        host = Host::new(Assumptions::default(), false);
        let (changes, problems) = crate::source::once::list(args)?;
        warnings.extend(problems);
        host.apply(changes);
    }
    if !args.apply.is_empty() {
        host.apply(changes(&args.apply, args, &mut warnings)?);
    }
    if !args.delete.is_empty() {
        let given = manifests::read(&args.delete, &mut std::io::stdin().lock(), namespace(args));
        for object in contents(given, &mut warnings)? {
            if host.snapshot().entry(&object.key).is_none() {
                bail!("{} is to be deleted and is not there", object.key);
            }
            host.apply([Change::Delete(object.key)]);
        }
    }
    Ok(Read { host, warnings })
}

/// The changes that bring in what files hold.
fn changes(paths: &[PathBuf], args: &SourceArgs, warnings: &mut Vec<Warning>) -> Result<impl Iterator<Item = Change>> {
    contents(manifests::read_changes(paths, &mut std::io::stdin().lock(), namespace(args)), warnings)
}

/// The namespace of objects that name none.
fn namespace(args: &SourceArgs) -> &str {
    args.namespace.first().map_or(DEFAULT_NAMESPACE, String::as_str)
}

/// What was read, with what is wrong with it put to the other warnings.
fn contents<T>(read: Result<manifests::Loaded<T>>, warnings: &mut Vec<Warning>) -> Result<impl Iterator<Item = T> + use<T>> {
    let mut loaded = read.context("the manifests cannot be read")?;
    warnings.append(&mut loaded.warnings);
    Ok(loaded.into_objects())
}
