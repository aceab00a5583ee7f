//! Who is told apart by whom, for many classes at once: what holds for most pairs is said once for each class, and only the pairs that some
//! rule speaks of are named.
//!
//! Invariant: for two classes that are [regular](Overview::is_regular) in the direction that is asked about and of which neither tells the
//! other [apart](Overview::apart), [`Reachability::pair`] is what [`Overview::others`] of both sides come to together.

mod held;
mod pairs;
mod telling;

use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::row::{ClassOutcome, Row};
use super::{Class, ClassId, End, Outcome, Reachability};
use crate::ids::{Id as _, Table};
use crate::inventory::{Inventory, PodId};
use crate::policy::Direction;
use crate::ports::{PortSet, Protocol};
pub use pairs::{Pair, Pairs};
use telling::{Others, Telling, Told, ToldByRow};

/// Stands where something has not been asked for yet.
const UNKNOWN: u32 = u32::MAX;

/// Where so many classes are others than before, everything is looked at anew.
const MAX_CHANGED: usize = 256;

/// Where there are more sets of ports with names that policies name, who names ports is looked at pair by pair.
const MAX_PORT_GROUPS: usize = 256;

/// A row, and what was found out about it.
#[derive(Debug)]
struct Known {
    row: Arc<Row>,
    /// Whom it tells apart; `None` where they are too many.
    told: Option<Told>,
    /// How many classes its rules name, or at least so many.
    n_named: usize,
    /// What holds for those that are told apart, by their place among these.
    of_apart: Vec<u32>,
    /// What holds for the others, by their ports where that tells them apart, and else the first for all.
    of_others: Vec<u32>,
}

/// A view of all classes of a reachability that answers questions about many of them. What was found out is remembered.
pub struct Overview {
    reachability: Arc<Reachability>,
    telling: Telling,
    /// The row of each class, for each direction of [`Direction::ALL`]; [`UNKNOWN`] for classes without pods.
    row_of: [Vec<u32>; 2],
    rows: Vec<Option<Known>>,
    ports: PortGroups,
    /// For classes that share their node's network: whom they tell apart, those among them that have pods on the same node.
    on_nodes: FxHashMap<ClassId, OnNode>,
    /// Every outcome that has come up, and its place.
    outcomes: Vec<Outcome>,
    places: FxHashMap<Outcome, u32>,
    /// What two sides come to together.
    both: FxHashMap<(u32, u32), u32>,
    /// See [`Self::pairs`]; as they were before, where something is outdated.
    pairs: Arc<Pairs>,
    outdated: Outdated,
}

/// Of which classes the pairs are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outdated {
    All,
    These(FxHashSet<ClassId>),
}

/// The ports of those names that policies name, each with its number.
type Ports = Vec<(SmolStr, Protocol, u16)>;

/// Groups of classes that have the same ports of the names that policies name.
#[derive(Debug, Default)]
struct PortGroups {
    /// Of all that there have been; none where there are too many.
    numbers: FxHashMap<Ports, u32>,
    /// By class.
    group_of: Vec<u32>,
    /// The classes of each group.
    classes: Vec<Vec<ClassId>>,
}

/// A class that shares its node's network: what comes from their own node pods may let in whatever policies say.
#[derive(Debug, Default)]
struct OnNode {
    /// The classes with pods on the node.
    neighbours: FxHashSet<ClassId>,
    /// Those, and whom its row tells apart; `None` where they are too many.
    apart: Option<Arc<[ClassId]>>,
}

/// What came out for a pair of classes: a number that is the same for equal outcomes. See [`Overview::outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutcomeId(u32);

impl Overview {
    /// A view of all classes.
    pub fn new(reachability: Arc<Reachability>) -> Self {
        let telling = Telling::new(&reachability);
        let ports = PortGroups::new(&reachability, &telling.inhabited, FxHashMap::default());
        let mut overview = Self::with(reachability, telling, ports);
        overview.find_neighbours();
        overview
    }

    fn with(reachability: Arc<Reachability>, telling: Telling, ports: PortGroups) -> Self {
        let n_classes = reachability.classes.len();
        let mut row_of = [vec![UNKNOWN; n_classes], vec![UNKNOWN; n_classes]];
        let mut numbers: FxHashMap<*const Row, u32> = FxHashMap::default();
        for (direction, row_of) in Direction::ALL.into_iter().zip(&mut row_of) {
            for id in &telling.inhabited {
                let next = u32::try_from(numbers.len()).unwrap_or(UNKNOWN);
                let number = *numbers.entry(std::ptr::from_ref(reachability.row(*id, direction))).or_insert(next);
                if let Some(place) = row_of.get_mut(id.index()) {
                    *place = number;
                }
            }
        }
        let rows = std::iter::repeat_with(|| None).take(numbers.len()).collect();
        Self {
            telling,
            row_of,
            rows,
            ports,
            on_nodes: FxHashMap::default(),
            outcomes: Vec::new(),
            places: FxHashMap::default(),
            both: FxHashMap::default(),
            pairs: Arc::default(),
            outdated: Outdated::All,
            reachability,
        }
    }

    /// A view of all classes of a reachability that follows from this one: equal to [`Self::new`] in what it answers, and sooner there.
    pub fn next(self, reachability: Arc<Reachability>) -> Self {
        let (Some(changed), Outdated::These(mut outdated)) = (self.changed(&reachability), self.outdated.clone()) else {
            return Self::new(reachability);
        };
        let telling = Telling::new(&reachability);
        let ports = PortGroups::new(&reachability, &telling.inhabited, self.ports.numbers);
        if ports.classes.is_empty() {
            return Self::new(reachability);
        }
        let mut next = Self::with(reachability, telling, ports);
        for id in &next.telling.inhabited {
            let is_same = |direction: Direction| {
                let was = self.row_of.get(place_of(direction)).and_then(|row_of| row_of.get(id.index()));
                let was = was.and_then(|number| self.rows.get(*number as usize)?.as_ref());
                was.is_some_and(|known| Arc::ptr_eq(&known.row, next.reachability.classes.at(*id).row(direction)))
            };
            if !Direction::ALL.into_iter().all(is_same) {
                outdated.insert(*id);
            }
        }
        outdated.extend(&changed);
        if outdated.len() > next.telling.inhabited.len() / 2 {
            next.find_neighbours();
            return next;
        }
        if changed.is_empty() {
            next.telling.take_parts(self.telling);
        }
        (next.outcomes, next.places, next.both) = (self.outcomes, self.places, self.both);
        let mut known: FxHashMap<*const Row, Known> =
            self.rows.into_iter().flatten().map(|known| (Arc::as_ptr(&known.row), known)).collect();
        for (direction, row_of) in Direction::ALL.into_iter().zip(&next.row_of) {
            for id in &next.telling.inhabited {
                let Some(slot) = row_of.get(id.index()).and_then(|number| next.rows.get_mut(*number as usize)) else { continue };
                if slot.is_none() {
                    let row = Arc::as_ptr(next.reachability.classes.at(*id).row(direction));
                    *slot = known.remove(&row).and_then(|known| known.brought_up_to_date(&next.reachability, &next.telling, &changed));
                }
                // What has to be found out anew may come out otherwise.
                if slot.is_none() {
                    outdated.insert(*id);
                }
            }
        }
        // Who else runs on a node may be others now, and so may the node of a class be.
        next.find_neighbours();
        outdated.extend(self.on_nodes.keys().chain(next.on_nodes.keys()));
        (next.pairs, next.outdated) = (self.pairs, Outdated::These(outdated));
        next
    }

    /// The classes that have come, gone, or are others than in another reachability; `None` for too many.
    fn changed(&self, reachability: &Reachability) -> Option<Vec<ClassId>> {
        let (was, is) = (&self.reachability.classes, &reachability.classes);
        let mut changed = Vec::new();
        for id in (0..was.len().max(is.len())).map(ClassId::from_index) {
            let has_pods = |classes: &Table<ClassId, Class>| id.index() < classes.len() && !classes.at(id).pods.is_empty();
            let is_same = match (has_pods(was), has_pods(is)) {
                (true, true) => was.at(id).is_same(is.at(id)),
                (had, has) => had == has,
            };
            if !is_same {
                changed.push(id);
            }
            if changed.len() > MAX_CHANGED {
                return None;
            }
        }
        Some(changed)
    }

    /// Notes of those who share their node's network who else runs there.
    fn find_neighbours(&mut self) {
        let reachability = Arc::clone(&self.reachability);
        let hosts: Vec<(ClassId, &str)> = self.telling.inhabited.iter().filter_map(|id| Some((*id, reachability.node_of(*id)?))).collect();
        let mut on_node: FxHashMap<&SmolStr, FxHashSet<ClassId>> = FxHashMap::default();
        for id in self.telling.inhabited.iter().filter(|_| !hosts.is_empty()) {
            for node in reachability.classes.at(*id).nodes() {
                on_node.entry(node).or_default().insert(*id);
            }
        }
        for (id, node) in hosts {
            let neighbours = on_node.get(&SmolStr::new(node)).cloned().unwrap_or_default();
            let apart = self.apart_by_row(id, Direction::Egress).map(|apart| {
                let mut all: Vec<ClassId> = apart.iter().chain(&neighbours).copied().collect();
                all.sort_unstable();
                all.dedup();
                all.into()
            });
            self.on_nodes.insert(id, OnNode { neighbours, apart });
        }
    }

    /// The classes with pods that may be treated unlike most in one direction, sorted: those that rules name, or where some rule holds
    /// nearly everybody, those that it does not hold, and those that others name. `None` where they are too many.
    pub fn apart(&mut self, class: ClassId, direction: Direction) -> Option<Arc<[ClassId]>> {
        match self.on_nodes.get(&class) {
            Some(on_node) if direction == Direction::Egress => on_node.apart.clone(),
            _ => self.apart_by_row(class, direction),
        }
    }

    fn apart_by_row(&mut self, class: ClassId, direction: Direction) -> Option<Arc<[ClassId]>> {
        self.known(class, direction)?.told.as_ref().map(|told| Arc::clone(&told.apart))
    }

    /// Whether the classes that are [told apart](Self::apart) are so because rules name them, as against those that rules which hold nearly
    /// everybody leave out.
    pub fn is_by_name(&mut self, class: ClassId, direction: Direction) -> bool {
        let told = self.known(class, direction).and_then(|known| known.told.as_ref());
        told.is_some_and(|told| told.others == Others::Unnamed)
    }

    /// What is known of the row of a class; `None` for a class without pods.
    fn known(&mut self, class: ClassId, direction: Direction) -> Option<&mut Known> {
        let number = *self.row_of.get(place_of(direction))?.get(class.index())? as usize;
        if self.rows.get(number)?.is_none() {
            let known = self.find_out(class, direction);
            *self.rows.get_mut(number)? = Some(known);
        }
        self.rows.get_mut(number)?.as_mut()
    }

    /// Finds out about the row of a class.
    fn find_out(&mut self, class: ClassId, direction: Direction) -> Known {
        let reachability = Arc::clone(&self.reachability);
        let row = Arc::clone(reachability.classes.at(class).row(direction));
        let ToldByRow { told, n_named, held } = self.telling.told(&reachability, &row);
        let told = told.filter(|told| told.others != Others::ByPorts || !self.ports.classes.is_empty());
        let mut of_apart = Vec::new();
        if let (Some(told), Some(held)) = (&told, held) {
            // Many of them come out as the one before.
            let mut last: Option<(Arc<ClassOutcome>, u32)> = None;
            of_apart.reserve_exact(told.apart.len());
            for (id, matches) in told.apart.iter().zip(held) {
                let outcome = row.of_matches(&reachability, *id, matches);
                let number = match &last {
                    Some((other, number)) if Arc::ptr_eq(other, &outcome) => *number,
                    _ => self.id_of(outcome.in_family(None)),
                };
                of_apart.push(number);
                last = Some((outcome, number));
            }
        }
        Known { row, told, n_named, of_apart, of_others: Vec::new() }
    }

    /// Whether a class is treated in one direction by its rules alone, which tell few apart, and shares an address family with everybody.
    pub fn is_regular(&mut self, class: ClassId, direction: Direction) -> bool {
        !self.is_special() && self.apart(class, direction).is_some()
    }

    /// Whether more than rules decides about classes: some lack an address family that others have.
    fn is_special(&self) -> bool {
        !self.telling.has_common_family || self.reachability.has_dual_stack
    }

    fn id_of(&mut self, outcome: &Outcome) -> u32 {
        if let Some(id) = self.places.get(outcome) {
            return *id;
        }
        let id = u32::try_from(self.outcomes.len()).unwrap_or(UNKNOWN);
        self.outcomes.push(outcome.clone());
        self.places.insert(outcome.clone(), id);
        id
    }

    /// What a number stands for.
    pub fn outcome(&self, id: OutcomeId) -> &Outcome {
        static NONE: LazyLock<Outcome> = LazyLock::new(|| Outcome::exactly(PortSet::none()));
        self.outcomes.get(id.0 as usize).unwrap_or(&NONE)
    }

    /// The number of an outcome.
    pub fn number(&mut self, outcome: &Outcome) -> OutcomeId {
        OutcomeId(self.id_of(outcome))
    }

    fn both(&mut self, egress: u32, ingress: u32) -> OutcomeId {
        if let Some(id) = self.both.get(&(egress, ingress)) {
            return OutcomeId(*id);
        }
        let outcome = self.outcome(OutcomeId(egress)).and(self.outcome(OutcomeId(ingress)));
        let id = self.id_of(&outcome);
        self.both.insert((egress, ingress), id);
        OutcomeId(id)
    }

    /// How many groups the ports of classes make, of the names that policies name.
    pub fn n_port_groups(&self) -> usize {
        self.ports.classes.len().max(1)
    }

    /// The group that the ports of a class make, below [`Self::n_port_groups`].
    pub fn port_group(&self, class: ClassId) -> usize {
        self.ports.group_of.get(class.index()).map_or(0, |group| *group as usize)
    }

    /// What holds in one direction for every class of a [group of ports](Self::port_group) that is not [told apart](Self::apart), as a
    /// number that is the same for equal outcomes.
    pub fn others(&mut self, class: ClassId, direction: Direction, group: usize) -> OutcomeId {
        let reachability = Arc::clone(&self.reachability);
        let n_groups = self.n_port_groups();
        let Some(known) = self.known(class, direction) else { return OutcomeId(UNKNOWN) };
        let others = known.told.as_ref().map_or(Others::Unnamed, |told| told.others);
        let (place, n) = if others == Others::ByPorts { (group, n_groups) } else { (0, 1) };
        if known.of_others.len() < n {
            known.of_others.resize(n, UNKNOWN);
        }
        match known.of_others.get(place) {
            Some(id) if *id != UNKNOWN => return OutcomeId(*id),
            _ => {}
        }
        let (row, apart) = (Arc::clone(&known.row), known.told.as_ref().map(|told| Arc::clone(&told.apart)));
        let outcome = match others {
            Others::Unnamed => row.others(&reachability).in_family(None).clone(),
            Others::Like(like) => row.of_class(&reachability, like).in_family(None).clone(),
            Others::ByPorts => {
                let is_other = |id: &&ClassId| apart.as_ref().is_none_or(|apart| apart.binary_search(id).is_err());
                match self.ports.classes.get(group).and_then(|ids| ids.iter().find(is_other)) {
                    Some(like) => row.of_class(&reachability, *like).in_family(None).clone(),
                    // Nobody is like that, yet.
                    None => return OutcomeId(UNKNOWN),
                }
            }
        };
        let id = self.id_of(&outcome);
        if let Some(slot) = self.known(class, direction).and_then(|known| known.of_others.get_mut(place)) {
            *slot = id;
        }
        OutcomeId(id)
    }

    /// What two sides come to together, of which each is what holds for others.
    pub fn of_others(&mut self, egress: OutcomeId, ingress: OutcomeId) -> OutcomeId {
        self.both(egress.0, ingress.0)
    }

    /// What one side makes of a class, where that is known already.
    fn side_at_hand(&self, subject: ClassId, direction: Direction, peer: ClassId) -> Option<u32> {
        let known = self.known_already(subject, direction)?;
        let told = known.told.as_ref()?;
        let id = match told.apart.binary_search(&peer) {
            Ok(place) => known.of_apart.get(place),
            Err(_) if told.others == Others::ByPorts => known.of_others.get(self.port_group(peer)),
            Err(_) => known.of_others.first(),
        };
        id.copied().filter(|id| *id != UNKNOWN)
    }

    /// What one side makes of a class.
    fn side(&mut self, subject: ClassId, direction: Direction, peer: ClassId) -> u32 {
        let Some(known) = self.known(subject, direction) else { return UNKNOWN };
        let found = known.told.as_ref().map(|told| (told.apart.binary_search(&peer), told.apart.len()));
        let place = match found {
            Some((Err(_), _)) => {
                let group = self.port_group(peer);
                return self.others(subject, direction, group).0;
            }
            Some((Ok(place), n)) => {
                if known.of_apart.is_empty() {
                    known.of_apart = vec![UNKNOWN; n];
                }
                Some(place)
            }
            // There are too many of these to remember.
            None => None,
        };
        if let Some(id) = place.and_then(|place| known.of_apart.get(place)).filter(|id| **id != UNKNOWN) {
            return *id;
        }
        let row = Arc::clone(&known.row);
        let outcome = row.of_class(&self.reachability, peer);
        let id = self.id_of(outcome.in_family(None));
        if let Some(place) = place
            && let Some(slot) = self.known(subject, direction).and_then(|known| known.of_apart.get_mut(place))
        {
            *slot = id;
        }
        id
    }

    /// What [`Reachability::connection`] says of two pods, as a number that is the same for equal outcomes.
    pub fn of_pods(&mut self, inventory: &Inventory, from: PodId, to: PodId) -> OutcomeId {
        let outcome = self.reachability.connection(inventory, End::Pod(from), End::Pod(to));
        OutcomeId(self.id_of(&outcome))
    }

    /// Whether a class shares the network of a node that runs pods of another.
    pub fn is_on_node(&self, from: ClassId, to: ClassId) -> bool {
        self.on_nodes.get(&from).is_some_and(|on_node| on_node.neighbours.contains(&to))
    }

    /// What [`Reachability::pair`] says, as a number that is the same for equal outcomes.
    pub fn pair(&mut self, from: ClassId, to: ClassId) -> OutcomeId {
        if self.is_special() || self.is_on_node(from, to) {
            let outcome = self.reachability.pair(from, to);
            return OutcomeId(self.id_of(&outcome));
        }
        // Where one side is known to let nothing through, the other need not be worked out.
        for (subject, direction, peer) in [(from, Direction::Egress, to), (to, Direction::Ingress, from)] {
            if let Some(side) = self.side_at_hand(subject, direction, peer).map(OutcomeId)
                && self.outcome(side).is_none()
            {
                return side;
            }
        }
        let egress = self.side(from, Direction::Egress, to);
        if self.outcome(OutcomeId(egress)).is_none() {
            return OutcomeId(egress);
        }
        let ingress = self.side(to, Direction::Ingress, from);
        self.both(egress, ingress)
    }

    fn known_already(&self, class: ClassId, direction: Direction) -> Option<&Known> {
        let number = *self.row_of.get(place_of(direction))?.get(class.index())?;
        self.rows.get(number as usize)?.as_ref()
    }
}

impl Known {
    /// The same, where these classes have come, gone or changed; `None` where it has to be found out anew.
    fn brought_up_to_date(mut self, reachability: &Reachability, telling: &Telling, changed: &[ClassId]) -> Option<Self> {
        let is_by_name = self.told.as_ref().is_some_and(|told| told.others == Others::Unnamed);
        if !is_by_name {
            // Perhaps it no longer names nearly everybody.
            self.n_named = if self.n_named == usize::MAX { usize::MAX } else { self.n_named.saturating_sub(changed.len()) };
            if self.n_named <= telling.most() {
                return None;
            }
        }
        let Some(told) = &mut self.told else { return Some(self) };
        if let Others::Like(like) = told.others
            && changed.contains(&like)
        {
            return None;
        }
        let (gone, come) = telling.update(reachability, &self.row, told, changed);
        if !self.of_apart.is_empty() {
            gone.into_iter().for_each(|place| {
                self.of_apart.remove(place);
            });
            come.into_iter().for_each(|place| self.of_apart.insert(place, UNKNOWN));
        }
        if is_by_name {
            self.n_named = told.apart.len();
        }
        (told.apart.len() <= telling.most()).then_some(self)
    }
}

impl PortGroups {
    /// The groups of these classes. Numbers that were given before stay.
    fn new(reachability: &Reachability, inhabited: &[ClassId], mut numbers: FxHashMap<Ports, u32>) -> Self {
        let names = &reachability.relevant.port_names;
        let mut group_of = vec![0; reachability.classes.len()];
        let mut classes: Vec<Vec<ClassId>> = vec![Vec::new(); numbers.len()];
        let mut ports: Ports = Vec::new();
        for id in inhabited {
            ports.clear();
            let named = reachability.classes.at(*id).ports().iter().filter(|port| names.contains(&port.name));
            ports.extend(named.map(|port| (port.name.clone(), port.protocol, port.port)));
            let number = match numbers.get(&ports) {
                Some(number) => *number,
                None => {
                    let next = u32::try_from(numbers.len()).unwrap_or(UNKNOWN);
                    numbers.insert(ports.clone(), next);
                    classes.push(Vec::new());
                    next
                }
            };
            if let (Some(slot), Some(group)) = (group_of.get_mut(id.index()), classes.get_mut(number as usize)) {
                *slot = number;
                group.push(*id);
            }
        }
        if numbers.len() > MAX_PORT_GROUPS {
            return Self { group_of: vec![0; reachability.classes.len()], ..Self::default() };
        }
        Self { numbers, group_of, classes }
    }
}

const fn place_of(direction: Direction) -> usize {
    match direction {
        Direction::Ingress => 0,
        Direction::Egress => 1,
    }
}
