//! From source arguments to an analysis.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use portolan_core::analysis::{Analysis, Host};
use portolan_core::assumptions::{Assumptions, Detection, Profile, Settled, detect};
use portolan_core::egress::NatNote;
use portolan_core::snapshot::{Change, Snapshot};
use portolan_core::text::count;
use portolan_core::whatif::Overlay;
use portolan_core::{ObjectKey, Warning};

use super::args::SourceArgs;
use crate::source::kubeconfig::Kubeconfigs;
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
    let base = base(args, &mut warnings)?;
    let mut host = Host::new(Assumptions::default(), base.represents_templates);
    host.apply(base.changes);
    if !args.apply.is_empty() {
        host.apply(changes(&args.apply, args, &mut warnings)?);
    }
    for key in deleted(args, &mut warnings)? {
        if host.snapshot().entry(&key).is_none() {
            bail!("{key} is to be deleted and is not there");
        }
        host.apply([Change::Delete(key)]);
    }
    Ok(Read { host, warnings })
}

/// Where the objects come from, before anything is laid over them.
pub(super) struct Base {
    /// What it is called.
    pub(super) name: String,
    /// Whether templates of pods stand for pods that are not there.
    pub(super) represents_templates: bool,
    /// What brings its objects in.
    pub(super) changes: Box<dyn Iterator<Item = Change>>,
}

/// Opens what the arguments name.
pub(super) fn base(args: &SourceArgs, warnings: &mut Vec<Warning>) -> Result<Base> {
    if let Some(demo) = args.demo {
        let changes: Vec<Change> = demo.objects().iter().map(Change::apply).collect();
        return Ok(Base { name: demo.source().to_owned(), represents_templates: false, changes: Box::new(changes.into_iter()) });
    }
    if !args.manifests.is_empty() {
        let read = manifests::read_changes(&args.manifests, &mut std::io::stdin().lock(), namespace(args));
        let n_files = read.as_ref().map_or(0, |loaded| loaded.n_files);
        let changes = Box::new(contents(read, warnings)?);
        let places: Vec<String> = args.manifests.iter().map(|path| path.display().to_string()).collect();
        let name = format!("{} in {}", count(n_files, "file", "files"), places.join(", "));
        return Ok(Base { name, represents_templates: true, changes });
    }
    let (changes, problems) = crate::source::once::list(args)?;
    warnings.extend(problems);
    let configs = Kubeconfigs::read(args.kubeconfig.as_deref());
    let name = configs.name(&configs.find(args.context.as_deref())?).to_owned();
    Ok(Base { name, represents_templates: false, changes: Box::new(changes.into_iter()) })
}

/// What the arguments lay over a snapshot, as a sketch would.
pub(super) fn overlay(args: &SourceArgs, over: &Snapshot, warnings: &mut Vec<Warning>) -> Result<Overlay> {
    let mut overlay = Overlay::default();
    if !args.apply.is_empty() {
        let given = manifests::read(&args.apply, &mut std::io::stdin().lock(), namespace(args));
        contents(given, warnings)?.for_each(|object| overlay.set(over, object));
    }
    for key in deleted(args, warnings)? {
        if over.entry(&key).is_none() && overlay.edit(&key).is_none() {
            bail!("{key} is to be deleted and is not there");
        }
        overlay.delete(over, &key);
    }
    Ok(overlay)
}

/// The objects that the arguments take out.
fn deleted(args: &SourceArgs, warnings: &mut Vec<Warning>) -> Result<Vec<ObjectKey>> {
    if args.delete.is_empty() {
        return Ok(Vec::new());
    }
    let given = manifests::read(&args.delete, &mut std::io::stdin().lock(), namespace(args));
    Ok(contents(given, warnings)?.map(|object| object.key).collect())
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
