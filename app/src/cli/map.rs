//! `portolan map`

use std::io::Write;
use std::net::IpAddr;

use anyhow::{Result, bail, ensure};
use portolan_core::address::{self, AddressRange, Family};
use portolan_core::analysis::{Analysis, Endpoint};
use portolan_core::peer::Peer;
use portolan_core::policy::Direction;
use portolan_core::{Kind, ObjectKey};

use super::args::{HideArg, MapArgs, SourceArgs};
use super::load;
use crate::command::{Command, MapFilter, ShowOptions};
use crate::map::model::Id;
use crate::map::picture::{Medium, Picture};
use crate::session::Session;
use crate::view_model::addresses::{self, Outside};
use crate::view_model::caption::caption;
use crate::view_model::{Freshness, View, ids};

pub(super) fn run(args: &MapArgs, source: &SourceArgs, out: &mut dyn Write) -> Result<()> {
    let to_standard_output = args.out.as_os_str() == "-";
    let medium = match args.format {
        Some(medium) => medium,
        None if to_standard_output => Medium::Svg,
        None => Medium::of(&args.out)?,
    };
    let mut session = open(source)?;
    let show = show(args);
    session.execute(Command::Show(show.clone()));
    fold(args, &mut session)?;
    if let Some(text) = &args.select {
        let id = resolve(&session.edited(), text)?;
        session.execute(Command::Select(Some(id)));
        // What is selected unfolds its namespace, unless that is to stay folded.
        set_folded(&mut session, &args.fold, true)?;
    }
    let view = view_of(&mut session);
    if !view.filter_errors.is_empty() {
        bail!("{}", view.filter_errors.join("; "));
    }
    if let Some(text) = &args.select {
        ensure!(is_shown(&view), "{text} is not on the map: --only, --hide or a filter leaves it out");
    }
    warn(&view);
    let picture = Picture::of(view.map.clone(), view.map_focus.clone(), args.dark).captioned(caption(&view, &show));
    if to_standard_output {
        out.write_all(&picture.render(medium)?)?;
        return Ok(());
    }
    picture.save(&args.out, Some(medium))?;
    writeln!(out, "saved the map to {}", args.out.display())?;
    Ok(())
}

/// A session on the source, with what --apply and --delete say as its sketch.
fn open(source: &SourceArgs) -> Result<Session> {
    let mut session = Session::new(load::settled(source)?);
    let mut warnings = Vec::new();
    let base = load::base(source, &mut warnings)?;
    session.open(base.name, base.represents_templates, Freshness::Static);
    session.apply(base.changes);
    let overlay = load::overlay(source, session.snapshot(), &mut warnings)?;
    session.set_source_warnings(warnings);
    session.lay_over(overlay);
    Ok(session)
}

fn show(args: &MapArgs) -> ShowOptions {
    let filter = MapFilter { namespaces: args.namespaces.clone(), labels: args.labels.clone(), ports: args.ports.clone() };
    let mut show = ShowOptions { only: args.only.into(), filter, noisy_peers: args.noisy, ..ShowOptions::default() };
    for hidden in &args.hide {
        *match hidden {
            HideArg::EntryPaths => &mut show.entry_paths,
            HideArg::Egress => &mut show.egress,
            HideArg::Between => &mut show.between_namespaces,
            HideArg::Within => &mut show.within_namespaces,
            HideArg::Denied => &mut show.denied_paths,
            HideArg::Noisy => &mut show.noisy_peers,
            HideArg::Allowed => &mut show.allowed,
            HideArg::Depends => &mut show.depends,
        } = false;
    }
    show
}

fn view_of(session: &mut Session) -> View {
    match session.view_unless(&|| false) {
        Some(view) => view,
        None => unreachable!("nothing is outdated"),
    }
}

fn fold(args: &MapArgs, session: &mut Session) -> Result<()> {
    if args.unfold_all {
        session.execute(Command::FoldAll(false));
    }
    set_folded(session, &args.fold, true)?;
    set_folded(session, &args.unfold, false)
}

/// Folds or unfolds what is named and is not so yet: `namespace`, or `namespace/workload`.
fn set_folded(session: &mut Session, names: &[String], folded: bool) -> Result<()> {
    for name in names {
        let view = view_of(session);
        let (namespace, workload) = name.split_once('/').map_or((name.as_str(), None), |(namespace, workload)| (namespace, Some(workload)));
        let Some(row) = view.namespaces.iter().find(|row| row.name == namespace) else {
            bail!("there is no namespace {namespace:?}");
        };
        // What is within a folded namespace is not on the map.
        if row.unfolded == folded && (workload.is_none() || !folded) {
            session.execute(Command::ToggleFold(row.id.clone()));
        }
        if let Some(workload) = workload {
            let Some(row) = row.workloads.iter().find(|row| row.name == workload) else {
                bail!("there is no workload {workload:?} in namespace {namespace:?}");
            };
            if row.unfolded == folded {
                session.execute(Command::ToggleFold(row.id.clone()));
            }
        }
    }
    Ok(())
}

/// The id of what a person names: as `trace` reads an end, a Service by its name alone, a URL, or an id.
fn resolve(analysis: &Analysis, text: &str) -> Result<Id> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(format!("request/{text}"));
    }
    if ids::subject(analysis, text).is_some() {
        return Ok(text.to_owned());
    }
    let endpoint = match (analysis.endpoint(text), text.split_once('/')) {
        (Ok(endpoint), _) => endpoint,
        (Err(error), Some((namespace, name))) => {
            let key = ObjectKey::new(Kind::Service, namespace, name);
            match analysis.snapshot().record(&key) {
                Some(_) => Endpoint::Service(key),
                None => return Err(error.into()),
            }
        }
        (Err(error), None) => return Err(error.into()),
    };
    Ok(match endpoint {
        Endpoint::Pods { peer: Peer::Workload { namespace, name, workload }, .. } => format!("workload/{namespace}/{workload}/{name}"),
        Endpoint::Pods { peer: Peer::Pod { namespace, name }, .. } => ids::pod(&namespace, &name),
        Endpoint::Pods { peer, .. } => bail!("{peer} is not on the map"),
        Endpoint::Service(key) => ids::service(&key),
        Endpoint::Address(address) => destination(analysis, address)?,
        Endpoint::Domain(name) => ids::domain(&name.to_string()),
        Endpoint::Outside => ids::OUTSIDE.to_owned(),
    })
}

/// The narrowest destination that holds an address.
fn destination(analysis: &Analysis, address: IpAddr) -> Result<Id> {
    let (family, number) = (Family::of(address), address::number(address));
    let holds = |range: &AddressRange| range.family == family && (range.first..=range.last).contains(&number);
    let size = |outside: &Outside| outside.ranges.iter().fold(0u128, |sum, range| sum.saturating_add(range.last - range.first));
    let workloads = analysis.inventory().workloads.entries().filter(|(_, workload)| !workload.pods.is_empty());
    let all = workloads.flat_map(|(id, _)| addresses::of_workload(analysis, id, Direction::Egress));
    match all.filter(|outside| outside.ranges.iter().any(holds)).min_by_key(size) {
        Some(outside) => Ok(outside.id),
        None => bail!("no workload may reach {address}: it is not on the map"),
    }
}

/// Whether what is selected can be seen: as a node, a group, an edge or a way.
fn is_shown(view: &View) -> bool {
    let Some(focus) = &view.map_focus else { return false };
    let map = &view.map;
    let nodes = map.nodes.iter().map(|node| &node.id);
    let others =
        map.groups.iter().map(|group| &group.id).chain(map.edges.iter().map(|edge| &edge.id)).chain(map.ways.iter().map(|way| &way.id));
    nodes.chain(others).any(|id| id == focus)
}

/// Says on standard error what could not be read as it stands.
fn warn(view: &View) {
    let mut stderr = std::io::stderr().lock();
    for warning in &view.warnings {
        let pointer = if warning.pointer.is_empty() { String::new() } else { format!(" {}", warning.pointer) };
        // Nobody can be told that standard error is gone.
        drop(writeln!(stderr, "warning: {}{pointer}: {}", warning.object, warning.message));
    }
}
