//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use portolan_core::analysis::Unit;
use portolan_core::assumptions::{self, Profile};

use crate::command::Only;
use crate::map::picture::Medium;
use crate::source::demo::Demo;

/// Charts a Kubernetes cluster's traffic: ways in, ways out, and what an edit would change. Without a subcommand, opens the window.
#[derive(Debug, Clone, Parser)]
#[command(name = "portolan", version, about, max_term_width = 100)]
pub struct Args {
    /// Where the objects come from.
    #[command(flatten)]
    pub source: SourceArgs,

    /// What to print instead of opening the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the objects come from, and how open questions are settled.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SourceArgs {
    /// A bundled cluster: shop where none is named, or ferry, bank, clinic
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "NAME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "shop",
        conflicts_with_all = ["manifests", "context"]
    )]
    pub demo: Option<Demo>,

    /// A file or folder of manifests, or - for standard input; may be given more than once
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "context")]
    pub manifests: Vec<PathBuf>,

    /// A file of objects to lay over the source, as `kubectl apply` would; may be given more than once
    #[arg(long, global = true, value_name = "FILE")]
    pub apply: Vec<PathBuf>,

    /// A file of objects to take out of the source, as `kubectl delete` would; may be given more than once
    #[arg(long, global = true, value_name = "FILE")]
    pub delete: Vec<PathBuf>,

    /// A context of the kubeconfig
    #[arg(long, global = true)]
    pub context: Option<String>,

    /// The kubeconfig to read instead of those that KUBECONFIG names, or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The namespace of objects in manifests that name none; for a cluster, a namespace to look at where all may not be listed
    #[arg(long, short, global = true)]
    pub namespace: Vec<String>,

    /// The network plugin whose behaviour is assumed where implementations differ; else the one that is detected among the
    /// DaemonSets and Deployments, else upstream
    #[arg(long, global = true, value_parser = Profile::ALL.map(Profile::name))]
    pub profile: Option<String>,

    /// As which address what leaves the cluster arrives, where a NAT stands around it that no object names: 203.0.113.7, more of them
    /// with commas between, and a word on it after a space
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub nat: Option<String>,

    /// Settles one open question, for example ip-block-selects-pods=no; may be given more than once
    #[arg(long, global = true, value_name = "NAME=VALUE", long_help = assume_help())]
    pub assume: Vec<String>,
}

fn assume_help() -> String {
    format!("Settles one open question, for example ip-block-selects-pods=no; may be given more than once{}", assumptions::help())
}

/// What to print.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Every connection that is allowed
    Connections(ConnectionsArgs),
    /// Whether one end reaches another, and why
    Trace(TraceArgs),
    /// Every way in from outside, hop by hop
    Paths(PathsArgs),
    /// Who answers one request from outside, or which status it gets and why
    Request(RequestArgs),
    /// The map as a picture: SVG, PNG, or DOT for Graphviz
    Map(MapArgs),
    /// What is different between two sets of manifests
    Diff(DiffArgs),
}

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Format {
    /// Lines for people
    #[default]
    Txt,
    /// JSON with a schema
    Json,
}

/// What one line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum UnitArg {
    /// All pods of a workload
    #[default]
    Workload,
    /// One pod
    Pod,
}

impl From<UnitArg> for Unit {
    fn from(unit: UnitArg) -> Self {
        match unit {
            UnitArg::Workload => Self::Workload,
            UnitArg::Pod => Self::Pod,
        }
    }
}

/// Arguments of `connections`.
#[derive(Debug, Clone, clap::Args)]
pub struct ConnectionsArgs {
    /// What one line stands for
    #[arg(long, value_enum, default_value_t)]
    pub unit: UnitArg,

    /// Also what could come: pods that are not there yet and could reach a unit, or be reached by it
    #[arg(long)]
    pub exposure: bool,

    /// The form of what is printed
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// Arguments of `trace`.
#[derive(Debug, Clone, clap::Args)]
pub struct TraceArgs {
    /// Where it starts: namespace/pod, namespace/kind/name (deploy, sts, ds, job, cronjob, rs, svc), an address, outside
    #[arg(long, required_unless_present = "queries")]
    pub from: Option<String>,

    /// Where it ends: as above, or domain:NAME
    #[arg(long, required_unless_present = "queries")]
    pub to: Option<String>,

    /// The port: 5432/TCP, 53/UDP, http; any port where none is given
    #[arg(long)]
    pub port: Option<String>,

    /// A file with one {"from":..,"to":..,"port":..} a line, or - for standard input; prints one trace a line, in order
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "port"])]
    pub queries: Option<PathBuf>,

    /// The form of what is printed
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// Arguments of `paths`.
#[derive(Debug, Clone, clap::Args)]
pub struct PathsArgs {
    /// The form of what is printed
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// HTTP, within TLS where --tls says so
    Http,
    /// TLS with any protocol within, asked for by a name
    Tls,
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// Arguments of `request`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RequestArgs {
    /// What is asked for, as one URL: `https://shop.example/cart?x=1`
    #[arg(value_name = "URL", conflicts_with_all = ["host", "path", "port", "tls", "protocol"])]
    pub url: Option<String>,

    /// The host that is asked for, with :PORT where it is not the usual one
    #[arg(long)]
    pub host: Option<String>,

    /// The path, with its query where it has one
    #[arg(long)]
    pub path: Option<String>,

    /// The method [default: GET]
    #[arg(long)]
    pub method: Option<String>,

    /// A header; may be given more than once
    #[arg(long, value_name = "K=V")]
    pub header: Vec<String>,

    /// The port that the client connects to [default: 80, or 443 within TLS]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// The request comes over TLS
    #[arg(long)]
    pub tls: bool,

    /// What the client speaks [default: http]
    #[arg(long, value_enum, conflicts_with = "tls")]
    pub protocol: Option<ProtocolArg>,

    /// A call of gRPC: a POST of application/grpc, whose path is /SERVICE/METHOD
    #[arg(long, conflicts_with = "method")]
    pub grpc: bool,

    /// Only the Ingresses of this class
    #[arg(long, value_name = "CLASS", conflicts_with = "gateway")]
    pub ingress_class: Option<String>,

    /// Only this Gateway
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub gateway: Option<String>,

    /// Only this listener of the Gateway
    #[arg(long, value_name = "NAME", requires = "gateway")]
    pub listener: Option<String>,

    /// The form of what is printed
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// Arguments of `diff`.
#[derive(Debug, Clone, clap::Args)]
pub struct DiffArgs {
    /// A file or folder of manifests
    pub before: PathBuf,

    /// Another
    pub after: PathBuf,

    /// The form of what is printed
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,
}

/// Arguments of `map`.
#[derive(Debug, Clone, clap::Args)]
pub struct MapArgs {
    /// The file to write, whose name ends in .svg, .png or .dot, or - for standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// What to write, whatever the file is called [default: as its name ends; svg to standard output]
    #[arg(long, value_enum)]
    pub format: Option<Medium>,

    /// On a dark ground
    #[arg(long)]
    pub dark: bool,

    /// What is selected, so that what has nothing to do with it is dimmed: namespace/name of a pod, a workload or a Service,
    /// namespace/kind/name, an address, outside, domain:NAME, a URL, or an id such as namespace/shop
    #[arg(long, value_name = "NAME")]
    pub select: Option<String>,

    /// A namespace to show workload by workload, or a workload to show pod by pod; may be given more than once
    #[arg(long, value_name = "NAMESPACE[/WORKLOAD]")]
    pub unfold: Vec<String>,

    /// A namespace to show as one node, or a workload; may be given more than once
    #[arg(long, value_name = "NAMESPACE[/WORKLOAD]")]
    pub fold: Vec<String>,

    /// Every namespace workload by workload
    #[arg(long)]
    pub unfold_all: bool,

    /// Only a part of the map
    #[arg(long, value_enum, default_value_t)]
    pub only: OnlyArg,

    /// Only these namespaces, with commas between; * stands for any part of a name
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub namespaces: String,

    /// Only what has these labels, as kubectl reads a selector: `app=cart, tier in (web, api)`
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    pub labels: String,

    /// Only connections on these ports: 443, 53/UDP, 8000-9000/TCP
    #[arg(long, value_name = "PORTS", default_value = "", hide_default_value = true)]
    pub ports: String,

    /// What to leave out, with commas between
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub hide: Vec<HideArg>,

    /// Also DNS and monitoring, which everything talks to
    #[arg(long)]
    pub noisy: bool,
}

/// To what part the map is narrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum OnlyArg {
    /// All of it
    #[default]
    Everything,
    /// What --apply and --delete gain, lose or change
    Changed,
    /// Ways in
    WaysIn,
    /// Ways out
    WaysOut,
}

impl From<OnlyArg> for Only {
    fn from(only: OnlyArg) -> Self {
        match only {
            OnlyArg::Everything => Self::Everything,
            OnlyArg::Changed => Self::Changed,
            OnlyArg::WaysIn => Self::EntryPaths,
            OnlyArg::WaysOut => Self::Egress,
        }
    }
}

/// What can be left out of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HideArg {
    /// Ways in from outside
    EntryPaths,
    /// Ways out
    Egress,
    /// Connections between namespaces
    Between,
    /// Connections within a namespace
    Within,
    /// Ways in that break
    Denied,
    /// DNS and monitoring, which are left out unless --noisy asks for them
    Noisy,
    /// What is certainly allowed
    Allowed,
    /// What depends on something
    Depends,
}
