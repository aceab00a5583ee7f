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

/// What a node stands for, which decides its outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Everybody outside; also as a destination.
    Internet,
    /// A way in that is a rule of an Ingress, a Route, or a Service's own address.
    Entry,
    /// A way in through a Gateway.
    Gateway,
    /// A Service.
    Service,
    /// A Service that something names and that is not there.
    MissingService,
    /// A folded namespace.
    Namespace,
    /// A workload.
    Workload,
    /// A pod.
    Pod,
    /// Several things of a lane that are folded into one.
    More,
    /// A node of the cluster, as a way out.
    Machine,
    /// A gateway on the way out.
    WayOut,
    /// Addresses.
    Range,
    /// A domain.
    Domain,
}

impl NodeKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Internet,
        Self::Entry,
        Self::Gateway,
        Self::Service,
        Self::MissingService,
        Self::Namespace,
        Self::Workload,
        Self::Pod,
        Self::More,
        Self::Machine,
        Self::WayOut,
        Self::Range,
        Self::Domain,
    ];

    /// Its outline.
    pub const fn outline(self) -> Outline {
        match self {
            Self::Internet | Self::Domain => Outline::Pill,
            Self::Range => Outline::Slip,
            Self::Entry => Outline::Arrow,
            Self::Gateway | Self::WayOut => Outline::Chevron,
            Self::Machine => Outline::Octagon,
            Self::Service => Outline::Hexagon,
            Self::MissingService => Outline::Ghost,
            Self::Namespace | Self::More => Outline::Stack,
            Self::Workload => Outline::Box,
            Self::Pod => Outline::Card,
        }
    }

    /// What the legend calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Internet => "Internet",
            Self::Entry => "way in",
            Self::Gateway => "Gateway",
            Self::Service => "Service",
            Self::MissingService => "no Service",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
            Self::Pod => "pod",
            Self::More => "several",
            Self::Machine => "node",
            Self::WayOut => "way out",
            Self::Range => "addresses",
            Self::Domain => "domain",
        }
    }
}

/// The outline of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outline {
    /// Round on both sides: the Internet, domains.
    Pill,
    /// Round on the left, straight on the right: addresses.
    Slip,
    /// A box that points right: an entry.
    Arrow,
    /// The same with a notch on its left: a gateway.
    Chevron,
    /// A box without its corners: a node of the cluster.
    Octagon,
    /// Pointed on both sides: a Service.
    Hexagon,
    /// The same, dashed: a Service that is not there.
    Ghost,
    /// Rounded: a workload.
    Box,
    /// Rounded, with a bar on its left: a pod.
    Card,
    /// Rounded, with the edge of another below it: what stands for several.
    Stack,
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
    /// What it stands for.
    pub kind: NodeKind,
    /// First line, semibold.
    pub title: String,
    /// Second line, muted; may be empty.
    pub fact: String,
    /// What a screen reader says and a test looks for, for example `workload shop/cart`.
    pub name: String,
    /// Colour of its border.
    pub tone: Tone,
    /// Whether it unfolds into what it stands for.
    pub unfolds: bool,
    /// What it and its like fold into: its workload for a pod, its namespace for a workload; none for what does not fold.
    pub folds_into: Option<Id>,
    /// How many workloads it stands for, in the lane of workloads.
    pub n_workloads: usize,
    /// How many pods it stands for, in the lane of workloads.
    pub n_pods: usize,
    /// Whether it is put aside: it stands there, faint, and its connections are left out.
    pub aside: bool,
    /// Whether it is pinned: it stays lit and apart, whatever is selected.
    pub pinned: bool,
}

impl Node {
    /// A node of which there is nothing more to say than its names.
    pub fn new(id: impl Into<Id>, lane: Lane, kind: NodeKind, title: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            lane,
            group: None,
            kind,
            title: title.into(),
            fact: String::new(),
            name: name.into(),
            tone: Tone::Plain,
            unfolds: false,
            folds_into: None,
            n_workloads: 0,
            n_pods: 0,
            aside: false,
            pinned: false,
        }
    }

    /// Its outline.
    pub const fn outline(&self) -> Outline {
        self.kind.outline()
    }
}

/// Whether an edge holds for everything at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Extent {
    /// For every pair of what its ends stand for, with all of its ports: drawn as its tone is.
    #[default]
    All,
    /// For some pairs, or for others with fewer ports: drawn in long dashes.
    Some,
}

impl Extent {
    /// The word that goes with it in labels and tooltips.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Some => "some",
        }
    }
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
    /// Whether it holds for everything at its ends.
    pub extent: Extent,
    /// How many connections between workloads, or between one and what lies outside, it stands for; 0 where that says nothing.
    pub n: usize,
}

impl Edge {
    /// An edge that stands for one connection.
    pub fn new(id: impl Into<Id>, from: impl Into<Id>, to: impl Into<Id>, tone: Tone, label: impl Into<String>) -> Self {
        Self { id: id.into(), from: from.into(), to: to.into(), tone, label: label.into(), extent: Extent::All, n: 1 }
    }
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
    /// What is folded or left out beyond what was asked for, in a sentence, with its numbers; empty where nothing is.
    pub note: String,
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
