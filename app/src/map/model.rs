//! What the map draws, as plain data: no egui type, no Kubernetes type, made anew whenever an answer changes.

/// A stable name of a node, edge or group, for example `workload/shop/cart`. The same thing has the same id in every model,
/// which is how the map keeps what did not change where it was.
pub type Id = String;

/// How many lanes there are.
pub const N_LANES: usize = 6;

/// A column of the map, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Where requests come from.
    Outside,
    /// Ingresses, load balancers, node ports.
    Entry,
    /// Services.
    Services,
    /// Workloads, inside their namespaces.
    Workloads,
    /// Nodes and gateways through which what leaves the cluster goes, where that is not simply the pod's own node.
    Exits,
    /// Address ranges, domains and the Internet.
    Destinations,
}

impl Lane {
    /// All lanes, in the order in which they stand.
    pub const ALL: [Self; N_LANES] = [Self::Outside, Self::Entry, Self::Services, Self::Workloads, Self::Exits, Self::Destinations];

    /// The lane's head, in capitals on the map.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Outside => "Outside",
            Self::Entry => "Entry",
            Self::Services => "Services",
            Self::Workloads => "Workloads",
            Self::Exits => "Ways out",
            Self::Destinations => "Destinations",
        }
    }
}

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outline {
    /// Outside, and destinations.
    Pill,
    /// An entry, and a gateway on the way out: a box that points right.
    Arrow,
    /// A Service.
    Hexagon,
    /// A Service that something names and that is not there: the same, dashed.
    Ghost,
    /// A workload, a pod or a folded namespace.
    Box,
}

/// How a node or an edge stands, which decides colour, dash, width and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// Nothing to say (nodes only).
    Plain,
    /// Allowed: solid, 1.5.
    Allowed,
    /// Depends on something: dotted, 1.5.
    Depends,
    /// Denied: dashed, 1.5, with a cross where it breaks.
    Denied,
    /// Unrestricted: solid, 2.5.
    Open,
    /// Gained by the sketch: solid, 3.
    Gained,
    /// Lost by the sketch: dashed, 3.
    Lost,
}

impl Tone {
    /// The word that stands for the tone in legend, tables and names.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Allowed => "allowed",
            Self::Depends => "depends",
            Self::Denied => "denied",
            Self::Open => "unrestricted",
            Self::Gained => "gained by the sketch",
            Self::Lost => "lost by the sketch",
        }
    }
}

/// A node of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its stable name.
    pub id: Id,
    /// Its column.
    pub lane: Lane,
    /// The group whose box it stands in, if any.
    pub group: Option<Id>,
    /// Its outline.
    pub outline: Outline,
    /// First line, semibold.
    pub title: String,
    /// Second line, muted; may be empty.
    pub fact: String,
    /// What a screen reader says and a test looks for, for example `workload shop/cart`.
    pub name: String,
    /// Colour of its border.
    pub tone: Tone,
}

/// A directed edge of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Its stable name.
    pub id: Id,
    /// The node that it leaves.
    pub from: Id,
    /// The node that it enters.
    pub to: Id,
    /// Colour, dash and width.
    pub tone: Tone,
    /// A short text at its middle (`5432/TCP`), shown when the edge is in focus; may be empty.
    pub label: String,
}

/// A box around nodes: a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its stable name, for example `namespace/shop`.
    pub id: Id,
    /// Its title, top left.
    pub title: String,
    /// Counts, top right: `14 workloads, 64 pods`.
    pub fact: String,
    /// What a screen reader says, for example `namespace shop`.
    pub name: String,
}

/// The whole picture. Order is meaning: nodes of a lane and groups are laid out in the order given, as far as edges allow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapModel {
    /// All nodes, ids unique.
    pub nodes: Vec<Node>,
    /// All edges, ids unique, both ends among `nodes`.
    pub edges: Vec<Edge>,
    /// All groups, ids unique.
    pub groups: Vec<Group>,
    /// What can be selected though no one node stands for it.
    pub ways: Vec<Way>,
}

/// A way through the picture, from end to end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// What it is selected by, for example `request/https://shop.example/`.
    pub id: Id,
    /// The nodes on it.
    pub nodes: Vec<Id>,
    /// The edges on it.
    pub edges: Vec<Id>,
}
