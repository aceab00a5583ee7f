//! A request from outside: what the search field offers for a URL, what lights up on the map, and what the inspector says of it.

use std::collections::BTreeSet;

use portolan_core::ObjectKey;
use portolan_core::analysis::{Analysis, Hop};
use portolan_core::entry::EntryPath;
use portolan_core::entry::request::{Answer, At, Backend, Outcome, Request};
use portolan_core::inventory::PodId;
use portolan_core::peer::Verdict;
use portolan_core::text::count;

use super::graph::doors::{self, Stage};
use super::reasons::{self, tone_of};
use super::{AnswerRow, Asking, BackendRow, Inspector, RequestRow, WhyLine, graph, ids, inspector};
use crate::map::model::{Id, Lane, MapModel, Tone, Way};

/// The start of the id of a request.
const PREFIX: &str = "request/";

/// A request that was put, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    id: Id,
    /// As it was typed.
    pub url: String,
    /// One for each front that takes it; of these the one that was chosen, where one was.
    pub answers: Vec<Answer>,
}

/// The id of a request, for one front where it is named: `request/https://shop.example/cart#Gateway shop/public`.
fn id_of(url: &str, front: &str) -> Id {
    // No part of a request stands behind `#`.
    let url = url.trim().split('#').next().unwrap_or_default();
    if front.is_empty() { format!("{PREFIX}{url}") } else { format!("{PREFIX}{url}#{front}") }
}

/// Whether a text in the search field is meant as a URL, rather than as words to look for: it has a scheme, or a host and then a path
/// or a port. A range of addresses and a label whose key has a domain are none.
pub fn is_url(text: &str) -> bool {
    let text = text.trim();
    if text.contains(char::is_whitespace) {
        return false;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return !scheme.is_empty() && !rest.is_empty();
    }
    let end = text.find(['/', '?', ':']).filter(|end| *end > 0);
    let (host, rest) =
        if text.starts_with('[') { text.split_at(text.find(']').map_or(0, |end| end + 1)) } else { text.split_at(end.unwrap_or(0)) };
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let is_range = is_address && rest.strip_prefix('/').is_some_and(|bits| bits.bytes().all(|byte| byte.is_ascii_digit()));
    let is_label = rest.split('?').next().is_some_and(|path| path.contains('='));
    let is_host = (host.contains('.') && !host.ends_with('.') && !host.contains('=')) || host.starts_with('[');
    is_host && !rest.is_empty() && !is_range && !is_label
}

/// The id that a URL is selected by before anything is known of its answers.
pub fn id_of_url(url: &str) -> Id {
    id_of(url, "")
}

/// What the search field shows for a text that is a URL.
pub fn asking(analysis: &Analysis, text: &str) -> Asking {
    let mut asking = Asking { text: text.to_owned(), ..Asking::default() };
    match Request::of_url(text) {
        Err(error) => asking.error = error,
        Ok(request) => {
            let answers = analysis.request(&request, &At::Any);
            let is_one = answers.len() == 1;
            asking.rows = answers
                .iter()
                .map(|answer| RequestRow {
                    id: id_of(text, if is_one { "" } else { &answer.at }),
                    title: request.url(),
                    at: if is_one { String::new() } else { answer.at.clone() },
                    outcome: outcome(answer),
                    tone: Some(tone_of(answer.verdict)),
                })
                .collect();
        }
    }
    asking
}

/// `Service shop/cart, 2 pods`, `404 at Gateway shop/public`, `503: no ready endpoint`
pub fn outcome(answer: &Answer) -> String {
    match &answer.outcome {
        Outcome::Backends { backends } => match backends.as_slice() {
            [] => "no backend gets a share".to_owned(),
            [backend] => match (backend.verdict, backend.status) {
                (Verdict::Denied, Some(status)) => format!("{status}: {}", short_why(answer, backend)),
                (Verdict::Denied, None) => format!("no connection: {}", short_why(answer, backend)),
                (Verdict::Depends, _) => format!("{}, depends", backend_title(backend)),
                (Verdict::Allowed, _) => format!("{}, {}", backend_title(backend), count(backend.pods.len(), "pod", "pods")),
            },
            many => many.iter().map(|backend| format!("{} {} %", backend_title(backend), backend.percent)).collect::<Vec<_>>().join(", "),
        },
        Outcome::Redirect { status, location } => format!("redirect {status} to {location}"),
        Outcome::Status { status, or, .. } => match answer.hops.iter().rfind(|hop| hop.verdict == Verdict::Denied).and_then(short_words) {
            Some(words) => format!("{}: {words}", statuses(*status, or)),
            None => format!("{} at {}", statuses(*status, or), answer.at),
        },
        Outcome::NoConnection { why } => format!("no connection: {why}"),
        Outcome::Unknown { why } => format!("it cannot be told: {why}"),
    }
}

fn statuses(status: u16, or: &[u16]) -> String {
    let others: Vec<String> = or.iter().filter(|other| **other != status).map(ToString::to_string).collect();
    if others.is_empty() { status.to_string() } else { format!("{status} or {}", others.join(" or ")) }
}

/// The words for the hop that breaks, else the whole sentence.
fn short_why(answer: &Answer, backend: &Backend) -> String {
    let hop = answer.hops.iter().rev().find(|hop| hop.verdict == Verdict::Denied && hop.sentence == backend.why);
    hop.and_then(short_words).map_or_else(|| backend.why.clone(), str::to_owned)
}

/// What the map says of a hop behind the rule, where a request breaks.
fn short_words(hop: &Hop) -> Option<&'static str> {
    match hop.kind {
        "service" => Some("no such Service"),
        "port" => Some("no such port"),
        "endpoints" => Some("no ready endpoint"),
        "subset" => Some("no such subset"),
        "policy" => Some("kept out by policy"),
        _ => None,
    }
}

fn backend_title(backend: &Backend) -> String {
    backend.service.as_ref().map_or_else(|| "a backend that is no Service".to_owned(), |key| format!("Service {}", key.path()))
}

impl Asked {
    /// The request of an id, put anew. `None` for ids of other things, and for what cannot be read as a URL.
    pub fn of_id(analysis: &Analysis, id: &str) -> Option<Self> {
        let text = id.strip_prefix(PREFIX)?;
        let (url, front) = text.split_once('#').unwrap_or((text, ""));
        let request = Request::of_url(url).ok()?;
        let mut answers = analysis.request(&request, &At::Any);
        if answers.iter().any(|answer| answer.at == front) {
            answers.retain(|answer| answer.at == front);
        }
        Some(Self { id: id.to_owned(), url: request.url(), answers })
    }

    /// The ways in by whose rules it goes.
    fn paths<'a>(&self, analysis: &'a Analysis) -> impl Iterator<Item = &'a EntryPath> {
        // The ways of a rule with several backends end in their numbers.
        let rule = |id: &str| id.rsplit_once('#').filter(|(_, n)| n.parse::<u16>().is_ok()).map_or(id, |(rule, _)| rule).to_owned();
        let rules: BTreeSet<String> = self.answers.iter().map(|answer| rule(&answer.path_id)).filter(|rule| !rule.is_empty()).collect();
        analysis.entry_paths().iter().filter(move |path| rules.contains(&rule(&path.id)))
    }

    /// The doors that it goes through, by id.
    pub fn doors(&self, analysis: &Analysis) -> BTreeSet<Id> {
        self.paths(analysis).map(graph::door_id).collect()
    }

    fn backends(&self) -> impl Iterator<Item = &Backend> {
        self.answers.iter().flat_map(|answer| match &answer.outcome {
            Outcome::Backends { backends } => backends.as_slice(),
            _ => &[],
        })
    }

    /// The Services and pods that it gets to, or to which it is on its way where it breaks behind its door.
    fn ends<'a>(&'a self, analysis: &'a Analysis) -> (BTreeSet<&'a ObjectKey>, BTreeSet<PodId>) {
        let mut services: BTreeSet<&ObjectKey> = self.backends().filter_map(|backend| backend.service.as_ref()).collect();
        let mut pods: BTreeSet<PodId> = self.backends().flat_map(|backend| backend.pod_ids.iter().copied()).collect();
        for answer in self.answers.iter().filter(|answer| !matches!(answer.outcome, Outcome::Backends { .. })) {
            let path = analysis.entry_paths().iter().find(|path| path.id == answer.path_id);
            if let Some(path) = path.filter(|path| !doors::is_denied_at(path, Stage::Door)) {
                services.extend(&path.service);
                pods.extend(&path.pods);
            }
        }
        (services, pods)
    }

    /// The namespaces on its way.
    pub fn namespaces(&self, analysis: &Analysis) -> BTreeSet<Id> {
        let (services, pods) = self.ends(analysis);
        let of_pods = pods.into_iter().map(|pod| ids::namespace(analysis.inventory().pods.at(pod).namespace()));
        services.into_iter().map(|key| ids::namespace(&key.namespace)).chain(of_pods).collect()
    }

    /// What it passes on the map; `None` where nothing of it is there.
    pub fn way(&self, analysis: &Analysis, model: &MapModel, unfolded: &dyn Fn(&str) -> bool) -> Option<Way> {
        let inventory = analysis.inventory();
        let or_namespace = |id: Id, namespace: &str| {
            let namespace = ids::namespace(namespace);
            if unfolded(&namespace) { id } else { namespace }
        };
        let mut wanted = self.doors(analysis);
        wanted.insert(ids::OUTSIDE.to_owned());
        let (services, pods) = self.ends(analysis);
        wanted.extend(services.into_iter().map(|key| or_namespace(ids::service(key), &key.namespace)));
        wanted.extend(pods.into_iter().map(|pod| {
            let workload = inventory.workloads.at(inventory.pods.at(pod).workload);
            or_namespace(ids::workload(workload), &workload.namespace)
        }));
        let on_map = model.nodes.iter().filter(|node| wanted.contains(&node.id));
        let nodes: Vec<Id> = on_map.map(|node| node.id.clone()).collect();
        let is_way = |id: &Id| wanted.contains(id);
        // What workloads do besides is none of it.
        let lane = |id: &Id| model.nodes.iter().find(|node| node.id == *id).map(|node| node.lane);
        let edges = model.edges.iter().filter(|edge| is_way(&edge.from) && is_way(&edge.to) && lane(&edge.from) < Some(Lane::Workloads));
        let edges = edges.map(|edge| edge.id.clone()).collect();
        (!nodes.is_empty()).then(|| Way { id: self.id.clone(), nodes, edges })
    }

    /// What the inspector shows.
    pub fn inspector(&self, analysis: &Analysis) -> Inspector {
        let n_fronts = self.answers.len();
        let subtitle = match self.answers.as_slice() {
            [one] => format!("Request, {}", outcome(one)),
            _ => format!("Request, {}", count(n_fronts, "answer", "answers")),
        };
        let mut objects = Vec::new();
        for answer in &self.answers {
            if let Some(rule) = &answer.rule {
                objects.push(inspector::object_row(&rule.object, "takes it"));
            }
            let broken = answer.hops.iter().filter(|hop| hop.verdict != Verdict::Allowed);
            objects.extend(broken.filter_map(|hop| hop.object.as_ref()).map(|object| inspector::object_row(object, "breaks it")));
        }
        // An object is listed once, whatever it does.
        let mut seen = BTreeSet::new();
        objects.retain(|row| seen.insert(row.key.clone()));
        Inspector {
            id: self.id.clone(),
            title: self.url.clone(),
            subtitle,
            answers: self.answers.iter().map(|answer| self.answer_row(analysis, answer)).collect(),
            objects,
            ..Inspector::default()
        }
    }

    fn answer_row(&self, analysis: &Analysis, answer: &Answer) -> AnswerRow {
        let backends = match &answer.outcome {
            Outcome::Backends { backends } => backends.iter().map(backend_row).collect(),
            _ => Vec::new(),
        };
        let rewritten = answer.rewritten.as_ref().map(|seen| {
            let host = if seen.host.is_empty() { "any host" } else { &seen.host };
            let headers: Vec<String> = seen.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let headers = if headers.is_empty() { String::new() } else { format!(", with {}", headers.join(", ")) };
            format!("the backend sees {host}{}{headers}", seen.path)
        });
        // The hop that breaks says it with the object to mend.
        let is_told = answer.hops.iter().any(|hop| hop.sentence == answer.outcome.sentence());
        let door = analysis.entry_paths().iter().find(|path| path.id == answer.path_id).map(graph::door_id);
        AnswerRow {
            at: answer.at.clone(),
            door: door.unwrap_or_default(),
            outcome: outcome(answer),
            why: if is_told { String::new() } else { answer.outcome.sentence().to_owned() },
            tone: Some(tone_of(answer.verdict)),
            backends,
            rewritten: rewritten.unwrap_or_default(),
            hops: reasons::hops(&answer.hops),
            passed_over: answer.passed_over.iter().map(|hop| WhyLine { is_hop: true, ..reasons::hop(hop) }).collect(),
        }
    }
}

fn backend_row(backend: &Backend) -> BackendRow {
    let port = backend.port.map(|port| format!(" port {port}")).unwrap_or_default();
    let pods = count(backend.pods.len(), "pod", "pods");
    let fact = match (backend.verdict, backend.status) {
        (Verdict::Allowed, _) => pods,
        (_, Some(status)) => format!("{status}, {pods}"),
        (_, None) => pods,
    };
    BackendRow {
        peer: backend.service.as_ref().map(ids::service).unwrap_or_default(),
        title: format!("{}{port}", backend_title(backend)),
        share: if backend.percent < 100 { format!("{} %", backend.percent) } else { String::new() },
        fact,
        why: if backend.verdict == Verdict::Allowed { String::new() } else { backend.why.clone() },
        tone: Some(tone_of(backend.verdict)).filter(|tone| *tone != Tone::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_from_words() {
        for url in [
            "https://shop.example/cart",
            "http://203.0.113.10:80/",
            "shop.example/cart",
            "shop.example:8080",
            "[2001:db8::1]:80/",
            "tcp://db:5432",
        ] {
            assert!(is_url(url), "{url}");
        }
        let words = [
            "shop.example",
            "shop/cart",
            "10.0.0.0/8",
            "2001:db8::/32",
            "10.1.0.7",
            "app=cart",
            "app.kubernetes.io/name=web",
            "a b.c/d",
            "https://",
            "",
        ];
        for words in words {
            assert!(!is_url(words), "{words}");
        }
    }

    #[test]
    fn an_id_names_the_front_behind_the_url() {
        assert_eq!(id_of("shop.example/a#b", ""), "request/shop.example/a");
        assert_eq!(id_of(" http://a/ ", "Gateway shop/public"), "request/http://a/#Gateway shop/public");
    }
}
