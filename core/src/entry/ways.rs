//! All ways in of an analysis: the fronts, their rules in order of precedence, what shadows what, and every rule as paths of hops.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::last_hop::{self, Leg};
use super::matching::Host;
use super::table::{Action, Destination, Door, Fallback, Front, Listener, Order, PortRef, Rule, Speaks, Target, is_broken};
use super::{EntryPath, gateway, host_ports, ingress, istio, openshift, services};
use crate::analysis::{Analysis, Hop};
use crate::object::ObjectKey;
use crate::peer::Verdict;
use crate::record::Redirect;

/// All ways in.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// Whoever takes requests by rules.
    pub(super) fronts: Vec<Front>,
    /// Every way, hop by hop: those of the fronts, then those of Services and of pods.
    pub(crate) paths: Vec<EntryPath>,
}

impl Ways {
    pub(crate) fn new(analysis: &Analysis) -> Self {
        let mut fronts = ingress::fronts(analysis);
        fronts.extend(gateway::fronts(analysis));
        fronts.extend(openshift::fronts(analysis));
        fronts.extend(istio::fronts(analysis));
        let of_services = services::paths(analysis);
        let mut paths = Vec::new();
        for front in &mut fronts {
            front.doors = doors(front, &of_services);
            front.rules.sort_by(precedence);
            mark_shadowed(front);
            mark_isolated(front);
            for rule in &front.rules {
                add_paths(analysis, front, rule, &mut paths);
            }
        }
        // People look for an object's ways in the order of the object.
        paths.sort_by_cached_key(|path| (path.object.clone(), crate::text::natural_key(&path.pointer)));
        paths.extend(of_services);
        paths.extend(host_ports::paths(analysis));
        Self { fronts, paths }
    }
}

/// How requests get to a front's controller: through the Service before it, a load balancer sooner than a node's port.
fn doors(front: &Front, of_services: &[EntryPath]) -> Vec<Door> {
    let Some(service) = &front.controller.service else { return Vec::new() };
    let mut doors: Vec<Door> = Vec::new();
    for path in of_services.iter().filter(|path| path.service.as_ref() == Some(service)) {
        let Some(port) = path.service_port.filter(|port| !doors.iter().any(|door| door.port == *port)) else { continue };
        let mut hops: Vec<Hop> = path.hops.first().cloned().into_iter().collect();
        // What lies behind goes without saying where it holds.
        hops.extend(path.hops.iter().skip(1).filter(|hop| hop.verdict != Verdict::Allowed).cloned());
        doors.push(Door { port, hops, reached_at: path.reached_at.clone() });
    }
    doors
}

/// The way to a rule's listener from outside.
fn door<'a>(front: &'a Front, rule: &Rule) -> Option<&'a Door> {
    let listener = front.listener_of(rule)?;
    let port = match (listener.speaks, listener.port) {
        (Speaks::Web, _) => {
            if rule.is_covered {
                443
            } else {
                80
            }
        }
        (_, port) => port,
    };
    front.doors.iter().find(|door| door.port == port)
}

/// Which rule comes first, for requests that both take.
pub(super) fn precedence(a: &Rule, b: &Rule) -> Ordering {
    let by_host = || b.host.specificity().cmp(&a.host.specificity()).then_with(|| a.host.cmp(&b.host));
    let by_match = || match (&a.order, &b.order) {
        (Order::Listed(..), Order::Listed(..)) => Ordering::Equal,
        _ => a.matching.rank().cmp(&b.matching.rank()),
    };
    (a.listener.is_none(), a.listener, a.is_default)
        .cmp(&(b.listener.is_none(), b.listener, b.is_default))
        .then_with(by_host)
        .then_with(by_match)
        .then_with(|| a.order.cmp(&b.order))
}

/// Whether nothing that an API defines puts one of two rules that take the same request first.
pub(super) fn is_undecided(a: &Rule, b: &Rule) -> bool {
    let is_listed = matches!((&a.order, &b.order), (Order::Listed(..), Order::Listed(..)));
    !is_listed && (a.matching.is_loose() || b.matching.is_loose()) && !is_forwarded_alike(a, b)
}

/// Whether it makes no difference which of two rules takes a request.
fn is_forwarded_alike(a: &Rule, b: &Rule) -> bool {
    let (Action::Forward(mine), Action::Forward(theirs)) = (&a.action, &b.action) else { return false };
    let target = |target: &Target| match &target.to {
        Destination::Service { key, port, subset } => Some((key.clone(), port.clone(), subset.clone(), target.weight)),
        _ => None,
    };
    let is_known = mine.iter().chain(theirs).all(|one| target(one).is_some());
    is_known && a.rewrite == b.rewrite && mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| target(a) == target(b))
}

/// Says of rules which others take their requests, or may.
fn mark_shadowed(front: &mut Front) {
    let mut groups: BTreeMap<(usize, Host, bool), Vec<usize>> = BTreeMap::new();
    for (index, rule) in front.rules.iter().enumerate() {
        let Some(listener) = rule.listener else { continue };
        if is_broken(&rule.hops) || front.listeners.get(listener).is_some_and(|listener| is_broken(&listener.hops)) {
            continue;
        }
        groups.entry((listener, rule.host.clone(), rule.is_default)).or_default().push(index);
    }
    let mut marks: Vec<(usize, Hop)> = Vec::new();
    for members in groups.values() {
        let mut first_of: FxHashMap<&super::matching::Match, &Rule> = FxHashMap::default();
        // In a list, an earlier rule takes all that fits it; else only rules of equal rank can be in each other's way.
        let mut listed: Vec<&Rule> = Vec::new();
        for &index in members {
            let Some(rule) = front.rules.get(index) else { continue };
            let earlier = match &rule.order {
                Order::Listed(..) => {
                    let found = listed.iter().find(|earlier| earlier.matching.covers(&rule.matching)).copied();
                    listed.push(rule);
                    found
                }
                _ => match first_of.entry(&rule.matching) {
                    std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
                    std::collections::hash_map::Entry::Vacant(place) => {
                        place.insert(rule);
                        None
                    }
                },
            };
            let Some(earlier) = earlier.filter(|earlier| !is_forwarded_alike(earlier, rule)) else { continue };
            shadow(&front.rules, index, rule, earlier, &mut marks);
        }
    }
    for (index, hop) in marks {
        if let Some(rule) = front.rules.get_mut(index)
            && !rule.hops.contains(&hop)
        {
            rule.hops.push(hop);
        }
    }
}

/// Says of rules that a narrower listener on their port should take the requests for their host (Gateway API, Listener.hostname).
fn mark_isolated(front: &mut Front) {
    if !front.is_gateway() {
        return;
    }
    let Front { rules, listeners, .. } = front;
    for rule in rules.iter_mut() {
        let Some(own) = rule.listener.and_then(|index| listeners.get(index)) else { continue };
        let is_narrower = |other: &&Listener| {
            let is_alike = other.port == own.port && other.speaks == own.speaks && !is_broken(&other.hops);
            is_alike && other.host.specificity() > own.host.specificity() && other.host.covers(&rule.host)
        };
        let Some(narrower) = listeners.iter().filter(is_narrower).max_by_key(|other| other.host.specificity()) else { continue };
        let hop = Hop {
            kind: "listener",
            object: narrower.object.clone(),
            pointer: narrower.pointer.clone(),
            verdict: Verdict::Depends,
            sentence: format!(
                "listener {} is narrower and should take the requests for {} alone; not every implementation keeps to that",
                narrower.name, rule.host
            ),
        };
        rule.hops.push(hop);
    }
}

/// Says that `rule` comes after `earlier`, which takes all that it takes.
fn shadow(rules: &[Rule], index: usize, rule: &Rule, earlier: &Rule, marks: &mut Vec<(usize, Hop)>) {
    let place = |other: &Rule, of: &Rule| {
        if other.object == of.object {
            format!("another rule of it, at {},", other.pointer)
        } else {
            format!("{} {}", other.object.kind.name(), other.object.path())
        }
    };
    let hop = |rule: &Rule, verdict, sentence| Hop {
        kind: "shadow",
        object: Some(rule.object.clone()),
        pointer: rule.pointer.clone(),
        verdict,
        sentence,
    };
    let sentence = match (&rule.order, &earlier.order) {
        (Order::Listed(..), _) => format!("{} stands before it and takes all of its requests", place(earlier, rule)),
        (Order::Age { .. }, _) => format!("{} comes first and takes the same requests", place(earlier, rule)),
        (Order::Undefined { oldest_wins: true, created, .. }, Order::Undefined { created: theirs, .. })
            if rule.object != earlier.object && !theirs.is_empty() && theirs < created =>
        {
            format!("{} is older and takes the same host and path", place(earlier, rule))
        }
        (Order::Undefined { .. }, _) => {
            let sentence = |place: String| format!("{place} takes the same host and path: which of them wins is up to the controller");
            marks.push((index, hop(rule, Verdict::Depends, sentence(place(earlier, rule)))));
            if let Some(earlier_index) = rules.iter().position(|candidate| std::ptr::eq(candidate, earlier)) {
                marks.push((earlier_index, hop(earlier, Verdict::Depends, sentence(place(rule, earlier)))));
            }
            return;
        }
    };
    marks.push((index, hop(rule, Verdict::Denied, sentence)));
}

/// The name of the way that a rule sends requests to its `target`th backend.
pub(super) fn path_id(front: &Front, rule: &Rule, target: usize) -> String {
    let mut id = rule.id.clone();
    match front.listener_of(rule) {
        Some(Listener { object: Some(object), name, .. }) => id.push_str(&format!("@{}/{name}/{}", object.path(), rule.host)),
        Some(Listener { name, .. }) if !name.is_empty() => id.push_str(&format!("@{name}")),
        Some(_) => {}
        None if front.listeners.is_empty() => {}
        None => id.push_str(&format!("@/{}", rule.host)),
    }
    if let Action::Forward(targets) = &rule.action
        && targets.len() > 1
    {
        id.push_str(&format!("#{target}"));
    }
    id
}

/// `https://shop.example/cart*`, `shop.example:443/TLS`, `*:9300/TCP`
pub(super) fn title(front: &Front, rule: &Rule) -> String {
    let listener = front.listener_of(rule);
    let speaks = listener.map_or(if rule.is_covered { Speaks::Https } else { Speaks::Http }, |listener| listener.speaks);
    let number = listener.map_or(0, |listener| listener.port);
    if !speaks.is_http() {
        let port = if number == 0 { String::new() } else { format!(":{number}") };
        return format!("{}{port}/{}", rule.host, speaks.name());
    }
    let https = speaks == Speaks::Https || (speaks == Speaks::Web && rule.is_covered);
    let usual = if https { 443 } else { 80 };
    let port = if number == 0 || number == usual || speaks == Speaks::Web { String::new() } else { format!(":{number}") };
    let scheme = if https { "https" } else { "http" };
    let mut title = format!("{scheme}://{}{port}{}", rule.host, rule.matching.path.pattern());
    let conditions = rule.matching.conditions();
    if !conditions.is_empty() {
        title.push_str(&format!(" ({conditions})"));
    }
    if rule.is_default {
        title.push_str(" (no rule matches)");
    }
    title
}

/// The hops that a rule has before its backends.
pub(super) fn opening_hops(front: &Front, rule: &Rule) -> Vec<Hop> {
    let mut hops: Vec<Hop> = door(front, rule).into_iter().flat_map(|door| door.hops.clone()).collect();
    hops.extend(front.hops.iter().cloned());
    if let Some(listener) = front.listener_of(rule) {
        hops.extend(listener_hop(listener));
        hops.extend(listener.hops.iter().cloned());
    }
    hops.extend(rule.hops.iter().cloned());
    hops
}

fn listener_hop(listener: &Listener) -> Option<Hop> {
    let object = listener.object.clone()?;
    let port = if listener.port == 0 { String::new() } else { format!(" on port {}", listener.port) };
    let host = if listener.host == Host::Any { String::new() } else { format!(" for {}", listener.host) };
    let sentence = format!("listener {} of {} takes {}{port}{host}", listener.name, object.path(), listener.speaks.name());
    Some(Hop { kind: "listener", object: Some(object), pointer: listener.pointer.clone(), verdict: Verdict::Allowed, sentence })
}

/// The hop that says what a rule does with requests for one of its targets.
pub(super) fn rule_hop(front: &Front, rule: &Rule, target: Option<&Target>) -> Hop {
    let subject = format!("{} {}", rule.object.kind.name(), rule.object.path());
    let what = title(front, rule);
    let how = if rule.is_default || !has_paths(front, rule) { String::new() } else { format!(" ({})", rule.matching.path.name()) };
    let (verdict, sentence) = match (&rule.action, target) {
        (_, Some(target)) => (Verdict::Allowed, format!("{subject} sends {what}{how} on to {}", destination_text(&target.to))),
        (Action::Redirect(redirect), None) => {
            (Verdict::Allowed, format!("{subject} answers {what}{how} with {}: {}", redirect.status, redirect_text(redirect)))
        }
        (Action::Answer(status), None) => {
            let verdict = if *status < 400 { Verdict::Allowed } else { Verdict::Denied };
            (verdict, format!("{subject} answers {what}{how} with {status}, and sends it to no backend"))
        }
        (Action::Unknown { sentence, .. }, None) => (Verdict::Depends, sentence.clone()),
        (Action::Forward(_), None) => (Verdict::Denied, format!("{subject} has no backend for {what}{how} that gets a share")),
    };
    let kind = if matches!(rule.action, Action::Redirect(_)) { "redirect" } else { "rule" };
    let pointer = match &rule.action {
        Action::Unknown { pointer, .. } if !pointer.is_empty() => pointer.clone(),
        _ => rule.pointer.clone(),
    };
    Hop { kind, object: Some(rule.object.clone()), pointer, verdict, sentence }
}

fn has_paths(front: &Front, rule: &Rule) -> bool {
    front.listener_of(rule).is_none_or(|listener| listener.speaks.is_http())
}

fn redirect_text(redirect: &Redirect) -> String {
    let mut parts = Vec::new();
    if !redirect.scheme.is_empty() {
        parts.push(redirect.scheme.to_string());
    }
    if !redirect.hostname.is_empty() {
        parts.push(format!("host {}", redirect.hostname));
    }
    if let Some(port) = redirect.port {
        parts.push(format!("port {port}"));
    }
    if let Some(path) = &redirect.path {
        use crate::record::PathChange;
        parts.push(match path {
            PathChange::Full(path) => format!("path {path}"),
            PathChange::Prefix(path) => format!("{path} in place of the prefix"),
        });
    }
    if parts.is_empty() { "the same address".to_owned() } else { format!("try {}", parts.join(", ")) }
}

fn destination_text(destination: &Destination) -> String {
    match destination {
        Destination::Service { key, port, subset } => {
            let port = match port {
                PortRef::Service(port) | PortRef::Endpoint(port) => format!(" port {port}"),
                PortRef::Only => String::new(),
            };
            let subset = subset.as_ref().map(|labels| format!(" (pods with {})", **labels)).unwrap_or_default();
            format!("Service {}{port}{subset}", key.name)
        }
        Destination::Broken { .. } => "a backend that cannot be used".to_owned(),
        Destination::Other { .. } => "a backend that is no Service".to_owned(),
    }
}

/// The share of each target in percent, rounded down.
pub(super) fn percents(targets: &[Target]) -> Vec<u32> {
    let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
    let percent = |weight: u32| u64::from(weight).saturating_mul(100).checked_div(total).unwrap_or(0);
    targets.iter().map(|target| u32::try_from(percent(target.weight)).unwrap_or(100)).collect()
}

fn add_paths(analysis: &Analysis, front: &Front, rule: &Rule, paths: &mut Vec<EntryPath>) {
    let opening = opening_hops(front, rule);
    let listener = front.listener_of(rule);
    let speaks = listener.map_or(Speaks::Http, |listener| listener.speaks);
    let path = |target: usize, hops: Vec<Hop>| {
        let mut path = EntryPath {
            host: rule.host.as_text(),
            path: if speaks.is_http() { rule.matching.path.text() } else { SmolStr::default() },
            tls: speaks.is_tls() || rule.is_covered,
            reached_at: door(front, rule).map(|door| door.reached_at.clone()).unwrap_or_default(),
            controllers: front.controller.pods.clone(),
            ..EntryPath::new(path_id(front, rule, target), title(front, rule), front.title.clone(), rule.object.clone(), &rule.pointer)
        };
        // A way ends where it breaks.
        for hop in hops {
            path.verdict = path.verdict.and(hop.verdict);
            let ends = hop.verdict == Verdict::Denied;
            path.hops.push(hop);
            if ends {
                break;
            }
        }
        path
    };
    let targets: &[Target] = match &rule.action {
        Action::Forward(targets) => targets,
        _ => &[],
    };
    if targets.iter().all(|target| target.weight == 0) {
        paths.push(path(0, opening.into_iter().chain([rule_hop(front, rule, None)]).collect()));
        return;
    }
    for ((index, target), percent) in targets.iter().enumerate().zip(percents(targets)) {
        if target.weight == 0 {
            continue;
        }
        let leg = follow(analysis, front, rule, target);
        let hops = opening.iter().cloned().chain([rule_hop(front, rule, Some(target))]).chain(leg.hops).collect();
        let mut path = path(index, hops);
        path.percent = percent;
        path.service = leg.service;
        path.service_port = leg.port;
        if !is_broken(&opening) {
            (path.pods, path.pod_ports) = (leg.pods, leg.pod_ports);
        }
        paths.push(path);
    }
}

/// Follows a target of a rule to its pods.
pub(super) fn follow(analysis: &Analysis, front: &Front, rule: &Rule, target: &Target) -> Leg {
    let listener = front.listener_of(rule);
    let protocol = listener.map_or(crate::ports::Protocol::Tcp, |listener| listener.speaks.protocol());
    last_hop::follow(analysis, &front.controller, rule, target, protocol)
}

/// A front that nothing is said of yet.
pub(super) fn front(id: String, title: String, object: Option<ObjectKey>) -> Front {
    Front {
        id,
        title,
        object,
        hops: Vec::new(),
        controller: super::controller::Controller::default(),
        doors: Vec::new(),
        listeners: Vec::new(),
        rules: Vec::new(),
        fallback: Fallback::Unknown,
        unmatched: (404, "what serves it"),
    }
}
