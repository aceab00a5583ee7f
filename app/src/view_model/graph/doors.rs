//! The doors of the map: which ways in are one node, which doors fold into one, and where along a way it breaks.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::analysis::{Analysis, Hop};
use portolan_core::entry::EntryPath;
use portolan_core::peer::Verdict;
use portolan_core::text::count;
use portolan_core::{Kind, ObjectKey};

use crate::map::model::{Id, Tone};
use crate::view_model::ids;

/// As many doors of one front and one standing are shown one by one; where there are more, they are one node.
const MAX_DOORS: usize = 12;

/// The part of a way that a hop is about, which is the node that it marks when it breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Up to the rule that takes a request.
    Door,
    /// The Service and its endpoints.
    Service,
    /// From the Service to the pods: policies.
    Pods,
}

/// The hops of a way with the stages that they are of.
fn stages(path: &EntryPath) -> impl Iterator<Item = (Stage, &Hop)> {
    // What stands before the rule is about who serves it: the Service there is the controller's.
    let rule = path.hops.iter().rposition(|hop| matches!(hop.kind, "rule" | "redirect"));
    let first = match rule {
        Some(rule) => rule + 1,
        None if matches!(path.object.kind, Kind::Service | Kind::Pod) => 0,
        None => path.hops.len(),
    };
    path.hops.iter().enumerate().map(move |(index, hop)| match hop.kind {
        _ if index < first => (Stage::Door, hop),
        "service" | "port" | "endpoints" | "subset" => (Stage::Service, hop),
        "policy" => (Stage::Pods, hop),
        _ => (Stage::Door, hop),
    })
}

/// The first of the worst hops of a stage, if it is not allowed there for certain.
pub fn break_at(path: &EntryPath, stage: Stage) -> Option<&Hop> {
    let hops = || stages(path).filter(|(of, _)| *of == stage).map(|(_, hop)| hop);
    let worst = hops().map(|hop| hop.verdict).max().filter(|worst| *worst != Verdict::Allowed)?;
    hops().find(|hop| hop.verdict == worst)
}

/// Whether a way does not get beyond a stage.
pub fn is_denied_at(path: &EntryPath, stage: Stage) -> bool {
    break_at(path, stage).is_some_and(|hop| hop.verdict == Verdict::Denied)
}

/// What a node says of a hop that breaks there, in few words.
pub fn words_of(hop: &Hop, stage: Stage) -> String {
    let is_denied = hop.verdict == Verdict::Denied;
    let either = |denied: &str, depends: &str| if is_denied { denied.to_owned() } else { depends.to_owned() };
    match (stage, hop.kind) {
        (Stage::Service, "service") => either("no such Service", "may not be there, or lead elsewhere"),
        (Stage::Service, "port") => either("no such port", "may have no such port"),
        (Stage::Service, "endpoints") => either("no ready endpoint", "may have no ready endpoint"),
        (Stage::Service, "subset") => either("no such subset", "may have no such subset"),
        (Stage::Pods, _) => either("policy denies ways in", "policy may deny ways in"),
        (_, "class") => either("no class serves it", "its class may not serve it"),
        (_, "controller") => either("no controller serves it", "its controller may not serve it"),
        (_, "listener" | "protocol") => either("no listener takes it", "its listener may not take it"),
        (_, "attach") => either("not attached", "may not be attached"),
        (_, "shadow") => either("another rule wins", "another rule may win"),
        (_, "reference") => either("reference not granted", "reference may not be granted"),
        (_, "rule") => either("its rule leads nowhere", "its rule may lead nowhere"),
        (_, "resource" | "other") => either("its backend is no Service", "its backend is no Service"),
        (_, "tls") => either("TLS does not work", "TLS may not work"),
        (_, "annotation") => either("an annotation breaks it", "depends on an annotation"),
        (_, "load-balancer") => either("no load balancer takes it", "its load balancer may not take it"),
        (_, "service" | "endpoints" | "port") => either("its controller has no endpoint", "its controller may have no endpoint"),
        (_, "traffic-policy") => either("no node answers", "not every node answers"),
        (_, "policy") => either("policies keep clients out", "policies may keep clients out"),
        (_, kind) => either(&format!("denied at the {kind}"), &format!("depends on the {kind}")),
    }
}

/// What breaks at a node, over all ways through it.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    n: usize,
    n_denied: usize,
    n_depends: usize,
    denied: BTreeSet<String>,
    depends: BTreeSet<String>,
}

impl Mark {
    /// Counts a way, which breaks here at this hop.
    pub fn add(&mut self, hop: Option<&Hop>, stage: Stage) {
        self.n += 1;
        match hop.map(|hop| hop.verdict) {
            Some(Verdict::Denied) => {
                self.n_denied += 1;
                self.denied.extend(hop.map(|hop| words_of(hop, stage)));
            }
            Some(Verdict::Depends) => {
                self.n_depends += 1;
                self.depends.extend(hop.map(|hop| words_of(hop, stage)));
            }
            _ => {}
        }
    }

    /// The tone of the node: the worst of its ways.
    pub fn tone(&self) -> Tone {
        match (self.n_denied, self.n_depends) {
            (0, 0) => Tone::Plain,
            (0, _) => Tone::Depends,
            _ => Tone::Denied,
        }
    }

    /// `no ready endpoint`, `no such port, 1 of 3 ways in`; empty where nothing breaks.
    pub fn text(&self, what: &str) -> String {
        let (n_bad, words) = if self.n_denied > 0 { (self.n_denied, &self.denied) } else { (self.n_depends, &self.depends) };
        let Some(first) = words.first() else { return String::new() };
        let more = if words.len() > 1 { format!(" and {} more", words.len() - 1) } else { String::new() };
        let n_of = format!(", {n_bad} of {} {what}", self.n);
        format!("{first}{more}{}", if n_bad == self.n { "" } else { n_of.trim_end() })
    }
}

/// A door: all ways in by one host of one front, or by one address.
#[derive(Debug, Clone)]
pub struct Door<'a> {
    /// Its id on the map while it is not folded.
    pub id: Id,
    /// The id of the node that it folds into together with others.
    pub fold: Id,
    /// What takes its requests: `Gateway shop/public`.
    pub front: String,
    /// Its host or address.
    pub title: String,
    /// Whether it is for hosts, rather than for an address and a port.
    pub is_web: bool,
    /// What breaks at it.
    pub mark: Mark,
    /// Its ways.
    pub paths: Vec<&'a EntryPath>,
}

/// Whether a way begins at a Gateway, or what is like one.
pub fn is_gateways(path: &EntryPath) -> bool {
    !matches!(
        path.object.kind,
        Kind::Ingress | Kind::OpenShiftRoute | Kind::Service | Kind::Pod | Kind::DaemonSet | Kind::Deployment | Kind::StatefulSet
    )
}

/// The door that a way begins at: one for each host of an Ingress, of a Route or of a Gateway, one for all addresses and ports of a
/// Service, and one for the ports that the pods of a namespace take on their nodes.
pub fn door_id(path: &EntryPath) -> Id {
    let what = if is_web(path) { path.host.as_str() } else { path.title.as_str() };
    match path.object.kind {
        Kind::Service => format!("entry/service {}", path.object.path()),
        Kind::Pod | Kind::DaemonSet | Kind::Deployment | Kind::StatefulSet => format!("entry/nodes {}", path.object.namespace),
        Kind::Ingress | Kind::OpenShiftRoute => format!("entry/{}/{what}", path.object.path()),
        _ => format!("entry/{}/{what}", path.front),
    }
}

/// What the door of a Service, or of the ports of nodes, is called where it is more than one way.
fn title_of(paths: &[&EntryPath]) -> Option<String> {
    let [first, _, ..] = paths else { return None };
    if first.object.kind != Kind::Service {
        return Some("ports of nodes".to_owned());
    }
    let places = paths.iter().flat_map(|path| &path.reached_at).filter_map(|place| Some(place.rsplit_once(':')?.0));
    let mut hosts: Vec<&str> = places.filter(|host| *host != "*").collect();
    hosts.sort_unstable();
    hosts.dedup();
    Some(if hosts.is_empty() { "any node".to_owned() } else { and_more(&hosts, 1) })
}

fn is_web(path: &EntryPath) -> bool {
    !path.host.is_empty() || !path.path.is_empty()
}

/// All doors of an analysis, by id.
pub fn doors(analysis: &Analysis) -> BTreeMap<Id, Door<'_>> {
    let mut doors: BTreeMap<Id, Door<'_>> = BTreeMap::new();
    for path in analysis.entry_paths() {
        let id = door_id(path);
        let door = doors.entry(id.clone()).or_insert_with(|| Door {
            id,
            fold: Id::new(),
            front: front_of(analysis, path),
            title: match (is_web(path), path.host.is_empty()) {
                (true, true) => "any host".to_owned(),
                (true, false) => path.host.to_string(),
                _ => path.title.clone(),
            },
            is_web: is_web(path),
            mark: Mark::default(),
            paths: Vec::new(),
        });
        door.mark.add(break_at(path, Stage::Door), Stage::Door);
        door.paths.push(path);
    }
    for door in doors.values_mut() {
        if let Some(title) = title_of(&door.paths).filter(|_| !door.is_web) {
            door.title = title;
        }
        let word = match door.mark.tone() {
            Tone::Denied => "denied",
            Tone::Depends => "depends",
            _ => "open",
        };
        door.fold = format!("{}{}/{word}", ids::FOLD, door.front);
    }
    doors
}

/// Whoever takes the requests of a way: of pods with ports of their nodes, those of one workload together.
fn front_of(analysis: &Analysis, path: &EntryPath) -> String {
    let workload = path.pods.first().map(|pod| analysis.inventory().workloads.at(analysis.inventory().pods.at(*pod).workload));
    match workload {
        Some(workload) if path.object.kind == Kind::Pod => format!("pods of {}", workload.namespace),
        _ => path.front.clone(),
    }
}

/// The ids of nodes into which doors fold, of those that have too many. What is `selected` stays by itself, and so do the doors of what
/// is unfolded.
pub fn folded<'a>(doors: &BTreeMap<Id, Door<'a>>, is_apart: &dyn Fn(&Door<'a>) -> bool) -> BTreeMap<Id, Vec<Id>> {
    let mut folds: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for door in doors.values() {
        folds.entry(door.fold.clone()).or_default().push(door.id.clone());
    }
    folds.retain(|_, ids| ids.len() > MAX_DOORS);
    for ids in folds.values_mut() {
        ids.retain(|id| doors.get(id).is_some_and(|door| !is_apart(door)));
    }
    folds.retain(|_, ids| ids.len() > 1);
    folds
}

/// Folds the last of the doors, and of the nodes that they are folded into, into one node, where more than so many would be left. What is
/// `is_kept` stays by itself.
pub fn fold_rest<'a>(doors: &BTreeMap<Id, Door<'a>>, folds: &mut BTreeMap<Id, Vec<Id>>, most: usize, is_kept: &dyn Fn(&Door<'a>) -> bool) {
    let hidden: BTreeSet<&Id> = folds.values().flatten().collect();
    let mut shown: Vec<(bool, Id)> =
        doors.values().filter(|door| !hidden.contains(&door.id)).map(|door| (!is_kept(door), door.id.clone())).collect();
    shown.extend(folds.keys().map(|id| (true, id.clone())));
    shown.sort_unstable();
    if shown.len() <= most.saturating_add(1) {
        return;
    }
    let mut rest = Vec::new();
    for (_, id) in shown.into_iter().skip(most).filter(|(may_fold, _)| *may_fold) {
        match folds.remove(&id) {
            Some(members) => rest.extend(members),
            None => rest.push(id),
        }
    }
    folds.insert(MORE.to_owned(), rest);
}

/// The id of the node that stands for the doors that have none.
pub const MORE: &str = "more/entries";

/// The ways of the node with this id: of a door, or of all doors that fold into one.
pub fn paths_of<'a>(analysis: &'a Analysis, id: &str) -> Vec<&'a EntryPath> {
    let mut doors = doors(analysis);
    match doors.remove(id) {
        Some(door) => door.paths,
        None => doors.into_values().filter(|door| door.fold == id).flat_map(|door| door.paths).collect(),
    }
}

/// `14 hosts`, `3 addresses`
pub fn title_of_many(doors: &[&Door<'_>]) -> String {
    let titles: BTreeSet<&str> = doors.iter().map(|door| door.title.as_str()).collect();
    match (doors.iter().all(|door| door.is_web), doors.iter().any(|door| door.is_web)) {
        (true, _) => count(titles.len(), "host", "hosts"),
        (_, false) => count(titles.len(), "address", "addresses"),
        _ => count(titles.len(), "way in", "ways in"),
    }
}

/// `Ingress, TLS, /cart and 2 more`; what breaks comes instead.
pub fn fact_of(door: &Door<'_>) -> String {
    let broken = door.mark.text("paths");
    if !broken.is_empty() {
        return broken;
    }
    if !door.is_web {
        let objects: BTreeSet<&ObjectKey> = door.paths.iter().map(|path| &path.object).collect();
        let ports = if door.paths.len() > 1 { format!(", {} ports", door.paths.len()) } else { String::new() };
        return match objects.iter().next() {
            Some(object) if objects.len() == 1 => format!("{} {}{ports}", object.kind.name(), object.name),
            Some(object) => format!("{} workloads of {}", objects.len(), object.namespace),
            None => String::new(),
        };
    }
    let mut kinds: Vec<&str> = door.paths.iter().map(|path| path.object.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut texts: Vec<&str> = Vec::new();
    for path in &door.paths {
        if !path.path.is_empty() && !texts.contains(&path.path.as_str()) {
            texts.push(&path.path);
        }
    }
    let n_tls = door.paths.iter().filter(|path| path.tls).count();
    let tls = match n_tls {
        0 => "",
        n if n == door.paths.len() => "TLS",
        _ => "TLS or not",
    };
    let paths = and_more(&texts, 2);
    let parts = [and_more(&kinds, 1), tls.to_owned(), paths];
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The first of some texts, and how many there are besides: `/cart, /pay`, `/cart and 2 more`.
fn and_more(texts: &[&str], most: usize) -> String {
    match texts {
        all if all.len() <= most => all.join(", "),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}
