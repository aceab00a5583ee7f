//! What the search box finds: everything that can be selected, and how a query is read and put to it.
//!
//! A query is words with blanks between, all of which must fit: `pod cart`, `kind:svc cart`, `app=cart,tier!=web`, `app in (a, b)`,
//! `10.1.4.7`, `10.1.0.0/16`, `shop.example`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use portolan_core::Kind;
use portolan_core::analysis::Analysis;
use portolan_core::labels::{LabelSet, Operator, Selector};
use portolan_core::record::{LoadBalancerAddress, Record};

use super::graph::narrow::selector;
use super::{graph, ids};
use crate::map::model::{Id, Lane, MapModel, NodeKind};

/// As many are found at most.
pub const MAX_FOUND: usize = 50;
/// As many entries are looked at in a frame.
pub const AT_ONCE: usize = 16_384;

/// Something that can be found and selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchEntry {
    /// Its id.
    pub id: Id,
    /// `shop/cart`
    pub title: String,
    /// `Deployment`, `Service`, `Ingress`
    pub kind: String,
    /// Its labels.
    pub labels: LabelSet,
    /// Its title, its addresses and what else is known of it in lower case, a line each, so that nothing is made while it is matched.
    haystack: String,
}

impl SearchEntry {
    /// An entry with what it can be found by: its names, its labels, its addresses, and other words such as its node.
    pub fn new(id: impl Into<Id>, title: impl Into<String>, kind: &str, labels: LabelSet, addresses: &[IpAddr], other: &str) -> Self {
        let title = title.into();
        let addresses = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let haystack = format!("{title}\n{addresses}\n{other}").to_lowercase();
        Self { id: id.into(), title, kind: kind.to_owned(), labels, haystack }
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.line(1).split(' ').filter_map(|text| text.parse().ok())
    }

    /// The namespace it is in; empty for what is in none.
    pub fn place(&self) -> &str {
        self.title.split_once('/').map_or("", |(place, _)| if place.contains(':') { "" } else { place })
    }

    /// Its name without its namespace.
    pub fn name(&self) -> &str {
        if self.place().is_empty() { &self.title } else { self.title.split_once('/').map_or(&self.title, |(_, name)| name) }
    }

    fn line(&self, at: usize) -> &str {
        self.haystack.splitn(3, '\n').nth(at).unwrap_or_default()
    }
}

/// Everything that can be selected, namespaces first.
pub fn index(analysis: &Analysis) -> Vec<SearchEntry> {
    let mut entries = Vec::new();
    for name in analysis.snapshot().namespaces() {
        entries.push(SearchEntry::new(ids::namespace(&name), name.to_string(), "Namespace", LabelSet::default(), &[], ""));
    }
    let inventory = analysis.inventory();
    let mut hosts = BTreeSet::new();
    for path in analysis.entry_paths() {
        if hosts.insert(graph::door_id(path)) {
            let title = if path.host.is_empty() { path.title.clone() } else { path.host.to_string() };
            let other = format!("{} {}", path.title, path.object.path());
            entries.push(SearchEntry::new(graph::door_id(path), title, path.object.kind.name(), LabelSet::default(), &[], &other));
        }
    }
    for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
        let labels = workload.pods.first().map(|pod| inventory.pods.at(*pod).record().labels.clone()).unwrap_or_default();
        entries.push(SearchEntry::new(ids::workload(workload), workload.path(), &workload.kind, labels, &[], ""));
    }
    for (key, record) in analysis.snapshot().records(Kind::Service) {
        let Record::Service(service) = record else { continue };
        let outside = service.load_balancer.iter().filter_map(LoadBalancerAddress::address);
        let addresses: Vec<IpAddr> = service.cluster_ips.iter().copied().chain(outside).collect();
        let hosts = service.load_balancer.iter().filter(|address| address.address().is_none()).map(ToString::to_string);
        let other: Vec<String> = std::iter::once(service.external_name.to_string()).chain(hosts).collect();
        entries.push(SearchEntry::new(ids::service(key), key.path(), "Service", LabelSet::default(), &addresses, &other.join(" ")));
    }
    for pod in inventory.pods.iter().filter(|pod| !pod.is_representative()) {
        let record = pod.record();
        let id = ids::pod(pod.namespace(), pod.name());
        entries.push(SearchEntry::new(id, pod.path(), "Pod", record.labels.clone(), &record.addresses, &record.node));
    }
    entries
}

/// What the map shows and the index does not have: what lies outside, ways out, and what several things are folded into.
fn of_map(map: &MapModel) -> Vec<SearchEntry> {
    let is_wanted = |lane: Lane, kind: NodeKind| matches!(lane, Lane::Outside | Lane::Exits | Lane::Destinations) || kind == NodeKind::More;
    let nodes = map.nodes.iter().filter(|node| is_wanted(node.lane, node.kind));
    nodes
        .map(|node| SearchEntry::new(node.id.clone(), node.title.clone(), node.kind.word(), LabelSet::default(), &[], &node.fact))
        .collect()
}

/// A query that was read.
#[derive(Debug, Clone, Default)]
pub struct Query {
    kinds: Vec<String>,
    selector: Option<Selector>,
    nets: Vec<IpNet>,
    words: Vec<String>,
}

/// Short names of kinds, as kubectl has them.
const SHORT: [(&str, &str); 12] = [
    ("svc", "service"),
    ("services", "service"),
    ("po", "pod"),
    ("pods", "pod"),
    ("ns", "namespace"),
    ("namespaces", "namespace"),
    ("deploy", "deployment"),
    ("sts", "statefulset"),
    ("ds", "daemonset"),
    ("ing", "ingress"),
    ("gw", "gateway"),
    ("workloads", "workload"),
];

fn long(kind: &str) -> &str {
    SHORT.iter().find(|(short, _)| *short == kind).map_or(kind, |(_, long)| long)
}

impl Query {
    /// Reads a query. What cannot be read as anything else is a word.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let mut requirements = Vec::new();
        let tokens: Vec<&str> = text.split_whitespace().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let end = match tokens.get(at + 1) {
                // `app in (a, b)` has blanks of its own.
                Some(&("in" | "notin")) => (at + 2..tokens.len())
                    .find(|end| tokens.get(*end).is_some_and(|token| token.ends_with([')', ',']) && token.contains(')'))),
                _ => None,
            };
            let (text, next) = match end {
                Some(end) => (tokens.get(at..=end).unwrap_or_default().join(" "), end + 1),
                None => ((*token).to_owned(), at + 1),
            };
            at = next;
            let text = text.trim_matches(',');
            if let Some(kind) = text.strip_prefix("kind:") {
                if !kind.is_empty() {
                    query.kinds.push(long(&kind.to_lowercase()).to_owned());
                }
            } else if let Some(net) = net(text) {
                query.nets.push(net);
            } else if let Some(found) = requirements_of(text) {
                requirements.extend(found.requirements().iter().cloned());
            } else if !text.is_empty() {
                query.words.push(text.to_lowercase());
            }
        }
        query.selector = Some(requirements).filter(|requirements| !requirements.is_empty()).map(Selector::new);
        query
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.selector.is_none() && self.nets.is_empty() && self.words.is_empty()
    }

    /// How well an entry fits: 0 best, `None` not at all.
    pub fn rank(&self, entry: &SearchEntry) -> Option<u8> {
        if !self.kinds.iter().all(|kind| is_of_kind(entry, kind)) {
            return None;
        }
        let mut worst = 0;
        for net in &self.nets {
            worst = worst.max(rank_of_net(entry, net)?);
        }
        if let Some(selector) = &self.selector {
            worst = worst.max(rank_of_selector(entry, selector)?);
        }
        // The first word says most.
        let mut words = self.words.iter().map(|word| rank_of_word(entry, word));
        if let Some(first) = words.next() {
            worst = worst.max(first?);
        }
        words.all(|rank| rank.is_some()).then_some(worst)
    }

    /// What fits, besides the name: a label, an address, other words. Empty where the name says it all.
    pub fn why(&self, entry: &SearchEntry) -> String {
        let mut why: Vec<String> = Vec::new();
        let found = entry.addresses().filter(|address| self.nets.iter().any(|net| net.contains(address)));
        why.extend(found.take(2).map(|address| address.to_string()));
        for requirement in self.selector.iter().flat_map(Selector::requirements) {
            match entry.labels.get(&requirement.key) {
                Some(value) => why.push(format!("{}={value}", requirement.key)),
                None => why.push(format!("no {}", requirement.key)),
            }
        }
        let title = entry.line(0);
        for word in self.words.iter().filter(|word| !title.contains(word.as_str())) {
            let label = entry.labels.iter().find(|(key, value)| contains(key, word) || contains(value, word));
            let other = || entry.line(1).split(' ').chain(entry.line(2).split(' ')).find(|part| part.contains(word.as_str()));
            why.extend(label.map(|(key, value)| format!("{key}={value}")).or_else(|| other().map(str::to_owned)));
        }
        why.dedup();
        why.join(", ")
    }
}

/// Drops an index where nobody waits for it: one of a large cluster takes longer than a frame.
fn let_go(index: Arc<Vec<SearchEntry>>) {
    if index.len() > AT_ONCE && Arc::strong_count(&index) == 1 {
        // Where no thread can be had, it is dropped here.
        drop(std::thread::Builder::new().name("old index".to_owned()).spawn(move || drop(index)));
    }
}

fn net(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|net| net.trunc())
}

/// Reads a text as conditions on labels, where it is some.
fn requirements_of(text: &str) -> Option<Selector> {
    let is_condition = text.contains('=') || text.starts_with('!') || text.contains(" in (") || text.contains(" notin (");
    // What begins with `=` has no key yet.
    selector(text).ok().filter(|selector| is_condition && !selector.is_everything())
}

/// Whether a text has another in it that is in lower case.
pub fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn is_of_kind(entry: &SearchEntry, kind: &str) -> bool {
    let has_prefix = entry.kind.as_bytes().get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind.as_bytes()));
    has_prefix || (kind == "workload" && entry.id.starts_with("workload/"))
}

fn rank_of_net(entry: &SearchEntry, wanted: &IpNet) -> Option<u8> {
    if entry.addresses().any(|address| wanted.contains(&address)) {
        return Some(0);
    }
    // Ranges outside bear their addresses as their names.
    let mut ranges = entry.line(0).split([' ', ',']).filter_map(net);
    ranges.any(|range| range.contains(wanted) || wanted.contains(&range)).then_some(1)
}

fn rank_of_selector(entry: &SearchEntry, selector: &Selector) -> Option<u8> {
    if entry.labels.is_empty() {
        return None;
    }
    if selector.matches(&*entry.labels) {
        return Some(0);
    }
    // A value that is not typed to its end yet.
    let begins = selector.requirements().iter().all(|requirement| match &requirement.operator {
        Operator::In(values) => {
            let has = entry.labels.get(&requirement.key);
            has.is_some_and(|has| values.iter().any(|value| has.starts_with(value.as_str())))
        }
        _ => Selector::new(vec![requirement.clone()]).matches(&*entry.labels),
    });
    begins.then_some(2)
}

fn rank_of_word(entry: &SearchEntry, word: &str) -> Option<u8> {
    if entry.haystack.contains(word) {
        let title = entry.line(0);
        if title.contains(word) {
            let name = title.rsplit('/').next().unwrap_or(title);
            return Some(match () {
                () if name == word || title == word => 0,
                () if name.starts_with(word) || title.starts_with(word) => 1,
                () => 2,
            });
        }
        return Some(4);
    }
    if is_of_kind(entry, long(word)) {
        return Some(3);
    }
    entry.labels.iter().any(|(key, value)| contains(key, word) || contains(value, word)).then_some(4)
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub entry: SearchEntry,
    /// Why it was found, besides its name; empty where that says it all.
    pub why: String,
}

/// A search that is carried out a part in each frame.
#[derive(Debug, Clone, Default)]
pub struct Search {
    text: String,
    query: Query,
    index: Arc<Vec<SearchEntry>>,
    map: Arc<MapModel>,
    of_map: Vec<SearchEntry>,
    /// The next entry to look at, those of the map after those of the index.
    next: usize,
    /// The best so far: how well they fit, and which they are.
    best: Vec<(u8, usize)>,
    n_so_far: usize,
    /// What was found last; of the search before, until this one is through, where only the cluster has changed.
    found: Vec<Found>,
    n_found: usize,
    keeps: bool,
}

impl Search {
    /// Puts a text to an index and a map. What is under way goes on where the text is the same; what has changed meanwhile is looked
    /// through after that.
    pub fn ask(&mut self, text: &str, index: &Arc<Vec<SearchEntry>>, map: &Arc<MapModel>) {
        let is_same_text = self.text == text;
        let is_same = is_same_text && Arc::ptr_eq(&self.index, index) && Arc::ptr_eq(&self.map, map);
        if is_same || (is_same_text && !self.is_done()) {
            return;
        }
        if !Arc::ptr_eq(&self.map, map) {
            self.of_map = of_map(map);
        }
        let_go(std::mem::replace(&mut self.index, Arc::clone(index)));
        self.map = Arc::clone(map);
        if !is_same_text {
            self.text = text.to_owned();
            self.query = Query::parse(text);
            self.found.clear();
            self.n_found = 0;
        }
        self.keeps = is_same_text;
        self.next = if self.query.is_empty() { self.n_entries() } else { 0 };
        self.best.clear();
        self.n_so_far = 0;
    }

    /// Looks at `n` entries more. Returns whether there are still others.
    pub fn go_on(&mut self, n: usize) -> bool {
        if self.is_done() {
            return false;
        }
        let end = (self.next + n).min(self.n_entries());
        for at in self.next..end {
            let Some(rank) = self.entry(at).and_then(|entry| self.query.rank(entry)) else { continue };
            self.n_so_far += 1;
            if self.best.len() < MAX_FOUND || self.best.last().is_some_and(|last| (rank, at) < *last) {
                let place = self.best.partition_point(|known| *known < (rank, at));
                self.best.insert(place, (rank, at));
                self.best.truncate(MAX_FOUND);
            }
        }
        self.next = end;
        if self.is_done() || !self.keeps {
            self.n_found = self.n_so_far;
            let best = self.best.iter().filter_map(|(_, at)| self.entry(*at));
            self.found = best.map(|entry| Found { entry: entry.clone(), why: self.query.why(entry) }).collect();
        }
        !self.is_done()
    }

    /// What was found, the best first.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// How many fit, so far.
    pub const fn n_found(&self) -> usize {
        self.n_found
    }

    /// Whether everything was looked at.
    pub fn is_done(&self) -> bool {
        self.next >= self.n_entries()
    }

    fn n_entries(&self) -> usize {
        self.index.len() + self.of_map.len()
    }

    fn entry(&self, at: usize) -> Option<&SearchEntry> {
        self.index.get(at).or_else(|| self.of_map.get(at - self.index.len()))
    }
}

#[cfg(test)]
mod tests;
