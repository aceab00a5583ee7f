//! What the map is narrowed to: a part, states of connections, and the texts of a filter.

use std::collections::BTreeSet;

use portolan_core::labels::{Operator, Requirement, Selector};
use portolan_core::ports::{PortSet, Protocol};

use super::{Builder, folding};
use crate::command::{MapFilter, Only};
use crate::map::model::{Id, Lane, Tone};
use crate::view_model::ids;

/// A filter that could be read, as far as it could.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    namespaces: Vec<String>,
    labels: Option<Selector>,
    /// The ports that connections are narrowed to.
    pub(super) ports: Option<PortSet>,
    /// What could not be read, a sentence each.
    pub errors: Vec<String>,
}

impl Filter {
    /// Reads the texts of a filter. What cannot be read leaves everything.
    pub fn read(filter: &MapFilter) -> Self {
        let names = |text: &str| text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let mut read = Self { namespaces: names(&filter.namespaces), ..Self::default() };
        match selector(&filter.labels) {
            Ok(selector) => read.labels = Some(selector).filter(|selector| !selector.is_everything()),
            Err(error) => read.errors.push(format!("Labels cannot be read, {error}")),
        }
        match ports(&filter.ports) {
            Ok(ports) => read.ports = Some(ports).filter(|ports| !ports.is_empty()),
            Err(error) => read.errors.push(format!("Ports cannot be read, {error}")),
        }
        read
    }
}

/// Whether a name is as a pattern says, in which `*` stands for any part.
fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| tail.get(at..).is_some_and(|tail| is_like(rest, tail)))
        }),
    }
}

/// Reads a label selector as kubectl does: `app=cart, tier in (web, api), !legacy`.
pub fn selector(text: &str) -> Result<Selector, String> {
    let mut requirements = Vec::new();
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or_else(|| format!("a bracket is closed at character {} and never opened", at + 1))?,
            ',' if depth == 0 => {
                parts.push((start, text.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err("a bracket is opened and never closed".to_owned());
    }
    parts.push((start, text.get(start..).unwrap_or_default()));
    for (at, part) in parts.into_iter().filter(|(_, part)| !part.trim().is_empty()) {
        requirements.push(requirement(part.trim()).map_err(|error| format!("{error} at character {}", at + 1))?);
    }
    Ok(Selector::new(requirements))
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter));
    let make = |key: &str, operator: Operator| {
        let key = key.trim();
        if is_key(key) { Ok(Requirement { key: key.into(), operator }) } else { Err(format!("{key:?} is no key of a label")) }
    };
    let one = |value: &str| {
        let value = value.trim();
        let is_value = value.is_empty() || is_key(value);
        if is_value { Ok(vec![value.into()]) } else { Err(format!("{value:?} is no value of a label")) }
    };
    if let Some((key, value)) = text.split_once("!=") {
        return make(key, Operator::NotIn(one(value)?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return make(key, Operator::In(one(value)?));
    }
    if let Some((head, values)) = text.split_once('(') {
        let values = values.strip_suffix(')').ok_or_else(|| format!("{text:?} goes on behind its bracket"))?;
        let values = values.split(',').map(one).collect::<Result<Vec<_>, _>>()?.concat();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => make(key, Operator::In(values)),
            (Some(key), Some("notin"), None) => make(key, Operator::NotIn(values)),
            _ => Err(format!("{head:?} should be a key and in or notin")),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => make(key, Operator::DoesNotExist),
        None => make(text, Operator::Exists),
    }
}

/// Reads ports and protocols: `443, 53/UDP, 8000-9000/TCP, SCTP`.
fn ports(text: &str) -> Result<PortSet, String> {
    let mut all = PortSet::none();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if let Some(protocol) = Protocol::parse(&part.to_uppercase()) {
            all = all.union(&PortSet::all_of(protocol));
            continue;
        }
        let (range, protocols) = match part.split_once('/') {
            Some((range, name)) => {
                let protocol = Protocol::parse(&name.trim().to_uppercase()).ok_or_else(|| format!("{name:?} is no protocol"))?;
                (range, vec![protocol])
            }
            None => (part, Protocol::ALL.to_vec()),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| format!("{text:?} is no port"));
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(format!("{range:?} ends before it begins"));
        }
        for protocol in protocols {
            all = all.union(&PortSet::range(protocol, first, last));
        }
    }
    Ok(all)
}

impl Builder<'_> {
    /// Leaves of the picture what was asked for; what is selected or pinned stays.
    pub(super) fn narrow(&mut self) {
        let show = self.scene.show;
        let filter = std::mem::take(&mut self.filter);
        let lane = |id: &Id| self.nodes.get(id).map(|node| node.lane);
        self.edges.retain(|key, value| {
            let is_changed = matches!(key.standing, 1 | 2);
            let ends = (lane(&key.from), lane(&key.to));
            let is_egress = matches!(ends.1, Some(Lane::Exits | Lane::Destinations));
            let is_entry = matches!(ends.0, Some(Lane::Outside | Lane::Entry | Lane::Services)) && !is_egress;
            let is_wanted = match show.only {
                Only::Everything => true,
                Only::Changed => is_changed,
                Only::EntryPaths => is_entry,
                Only::Egress => is_egress,
            };
            let is_in_state = match value.tone {
                Tone::Allowed | Tone::Open => show.allowed,
                Tone::Depends => show.depends,
                _ => true,
            };
            let of_ports = filter.ports.as_ref().is_none_or(|ports| {
                value.ports.is_empty() || {
                    value.ports = value.ports.intersection(ports);
                    !value.ports.is_empty()
                }
            });
            is_wanted && is_in_state && of_ports
        });
        let is_narrow = show.only != Only::Everything || filter.ports.is_some();
        let meant = self.meant_by(&filter);
        if !is_narrow && meant.is_none() {
            return;
        }
        let is_inside = |id: &Id| lane(id) == Some(Lane::Workloads);
        let chosen =
            |id: &Id| self.scene.pinned.contains(id) || self.scene.selected == Some(id.as_str()) || self.focus.as_ref() == Some(id);
        if let Some(meant) = &meant {
            // What remains keeps its ways in and out.
            let is_gone = |id: &Id| is_inside(id) && !meant.contains(id) && !chosen(id);
            self.edges.retain(|key, _| !is_gone(&key.from) && !is_gone(&key.to));
        }
        let mut kept: BTreeSet<Id> = meant.clone().unwrap_or_default();
        if is_narrow {
            kept.clear();
        }
        let inside: BTreeSet<&Id> = self.edges.keys().flat_map(|key| [&key.from, &key.to]).collect();
        // From what remains, back to where it comes from and on to where it goes.
        let mut frontier: Vec<Id> = if is_narrow { inside.into_iter().cloned().collect() } else { kept.iter().cloned().collect() };
        while let Some(id) = frontier.pop() {
            kept.insert(id.clone());
            for key in self.edges.keys() {
                let back = (key.to == id && !is_inside(&key.from) && !kept.contains(&key.from)).then(|| key.from.clone());
                let on = (key.from == id && matches!(lane(&key.to), Some(Lane::Exits | Lane::Destinations)) && !kept.contains(&key.to))
                    .then(|| key.to.clone());
                frontier.extend(back.into_iter().chain(on));
            }
        }
        let chosen: Vec<Id> = self.nodes.keys().filter(|id| chosen(id)).cloned().collect();
        kept.extend(chosen);
        self.nodes.retain(|id, _| kept.contains(id));
        self.edges.retain(|key, _| kept.contains(&key.from) && kept.contains(&key.to));
    }

    /// The nodes of workloads that a filter's namespaces and labels describe; `None` where it leaves all.
    fn meant_by(&self, filter: &Filter) -> Option<BTreeSet<Id>> {
        if filter.namespaces.is_empty() && filter.labels.is_none() {
            return None;
        }
        let mut meant = BTreeSet::new();
        for analysis in folding::analyses(self.scene) {
            let inventory = analysis.inventory();
            for workload in inventory.workloads.iter().filter(|workload| !workload.pods.is_empty()) {
                let is_named = filter.namespaces.is_empty() || filter.namespaces.iter().any(|like| is_like(like, &workload.namespace));
                if !is_named {
                    continue;
                }
                for pod in &workload.pods {
                    let pod = inventory.pods.at(*pod);
                    if filter.labels.as_ref().is_none_or(|labels| labels.matches(&*pod.record().labels)) {
                        meant.insert(self.folding.pod(&workload.namespace, &ids::workload(workload), pod.name()));
                    }
                }
            }
        }
        Some(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_and_what_cannot_be_read_is_told() {
        let text = selector("app=cart, tier in (web, api), !legacy, env != dev").map(|selector| selector.requirements().len());
        assert_eq!(text, Ok(4));
        assert!(selector("tier in (web").is_err_and(|error| error.contains("never closed")));
        assert!(selector("a b=c").is_err_and(|error| error.contains("\"a b\" is no key")));
        assert_eq!(ports("53/udp, 8000-9000/TCP").map(|ports| ports.to_string()), Ok("8000-9000/TCP, 53/UDP".to_owned()));
        assert!(ports("9-8").is_err());
        assert!(ports("80/ICMP").is_err());
        assert!(is_like("team-*", "team-a") && !is_like("team-*", "a-team") && is_like("*a*", "team"));
    }
}
