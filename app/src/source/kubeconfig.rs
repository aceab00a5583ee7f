//! The contexts that a person can choose from, read as kubectl reads them. Nothing here ever writes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::config::{AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster, NamedContext};

use super::connect::{self, ConnectError};
use super::observed::Renew;

/// The id of the entry that stands for the cluster in which the program itself runs.
pub const IN_CLUSTER: &str = "in-cluster";

/// A context of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextEntry {
    /// What tells it from every other, the same in every run as long as the file stays where it is.
    pub id: String,
    /// Its name in the file.
    pub name: String,
    /// The name to show: with the file's name where several files have a context of this name.
    pub title: String,
    /// The server's address, or what is missing.
    pub fact: String,
    /// The namespace that the context names.
    pub namespace: Option<String>,
    /// The file that it is from; none for the cluster in which the program runs.
    pub file: Option<PathBuf>,
}

/// A file that could not be read, or not in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}

/// Every context of every file, and the files that could not be read.
#[derive(Default)]
pub struct Contexts {
    entries: Vec<ContextEntry>,
    problems: Vec<FileProblem>,
    files: Vec<(PathBuf, Kubeconfig)>,
    default: Option<usize>,
}

impl fmt::Debug for Contexts {
    /// Leaves out what the files say, since that may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contexts").field("entries", &self.entries).field("problems", &self.problems).finish_non_exhaustive()
    }
}

impl Contexts {
    /// Reads the file that a person named; else every file of `KUBECONFIG`; else `~/.kube/config`. Where there is no file at all,
    /// and the program runs in a pod, the cluster around it is the only context.
    pub fn load(explicit: Option<&Path>) -> Self {
        let variable = std::env::var_os("KUBECONFIG").unwrap_or_default();
        let listed: Vec<PathBuf> = std::env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()).collect();
        let (paths, required) = match explicit {
            Some(path) => (vec![path.to_owned()], true),
            None if listed.iter().any(|path| path.exists()) => (listed.into_iter().filter(|path| path.exists()).collect(), true),
            None if !listed.is_empty() => (listed, true),
            None => (std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect(), false),
        };
        if !required && !paths.iter().any(|path| path.exists()) {
            return Self::around_us();
        }
        Self::from_files(&paths)
    }

    /// Reads these files, in this order.
    pub fn from_files(paths: &[PathBuf]) -> Self {
        let mut contexts = Self::default();
        for path in paths {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if contexts.files.iter().any(|(known, _)| *known == path) {
                continue;
            }
            match Kubeconfig::read_from(&path) {
                Ok(config) => contexts.files.push((path, config)),
                Err(error) => contexts.problems.push(FileProblem { message: describe(&error), file: path }),
            }
        }
        contexts.index();
        contexts
    }

    fn around_us() -> Self {
        let Ok(config) = kube::Config::incluster() else { return Self::default() };
        let entry = ContextEntry {
            id: IN_CLUSTER.to_owned(),
            name: IN_CLUSTER.to_owned(),
            title: "this cluster".to_owned(),
            fact: config.cluster_url.to_string(),
            namespace: Some(config.default_namespace),
            file: None,
        };
        Self { entries: vec![entry], default: Some(0), ..Self::default() }
    }

    fn index(&mut self) {
        let mut entries: Vec<ContextEntry> = Vec::new();
        for (path, config) in &self.files {
            for named in &config.contexts {
                let Some(context) = named
                    .context
                    .as_ref()
                    .filter(|_| !entries.iter().any(|known| known.file.as_ref() == Some(path) && known.name == named.name))
                else {
                    continue;
                };
                let fact = match self.cluster(path, &context.cluster) {
                    Some(Cluster { server: Some(server), .. }) => without_password(server),
                    Some(_) => format!("cluster {} has no server", context.cluster),
                    None => format!("cluster {} is not defined", context.cluster),
                };
                entries.push(ContextEntry {
                    id: format!("{}#{}", path.display(), named.name),
                    name: named.name.clone(),
                    title: named.name.clone(),
                    fact,
                    namespace: context.namespace.clone().filter(|namespace| !namespace.is_empty()),
                    file: Some(path.clone()),
                });
            }
        }
        let titles: Vec<String> = entries.iter().map(|entry| title(entry, &entries)).collect();
        for (entry, title) in entries.iter_mut().zip(titles) {
            entry.title = title;
        }
        let current = self.files.iter().find_map(|(_, config)| config.current_context.as_deref().filter(|name| !name.is_empty()));
        self.default = current.and_then(|name| entries.iter().position(|entry| entry.name == name));
        self.entries = entries;
    }

    /// Every context, in the order of files and within them.
    pub fn entries(&self) -> &[ContextEntry] {
        &self.entries
    }

    /// The files that could not be read.
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// The context that kubectl would use: the first `current-context` of any file, in the first file that has a context of that name.
    pub fn default_context(&self) -> Option<&ContextEntry> {
        self.default.and_then(|index| self.entries.get(index))
    }

    /// The context with this id, title or name; of several with one name, the first, as kubectl does.
    pub fn find(&self, text: &str) -> Option<&ContextEntry> {
        let by = |field: fn(&ContextEntry) -> &str| self.entries.iter().find(|entry| field(entry) == text);
        by(|entry| &entry.id).or_else(|| by(|entry| &entry.title)).or_else(|| by(|entry| &entry.name))
    }

    /// Everything that is needed to talk to a context's server.
    ///
    /// # Errors
    /// What is missing: the context, its cluster, a file that it names, or the program that gives out its credentials.
    pub async fn config(&self, id: &str) -> Result<kube::Config, ConnectError> {
        if id == IN_CLUSTER {
            return kube::Config::incluster().map_err(|error| ConnectError::new(error.to_string()));
        }
        let entry = self.find(id).ok_or_else(|| ConnectError::new(format!("there is no context {id}")))?;
        let file = entry.file.as_deref().unwrap_or_else(|| Path::new(""));
        let context = self.context(file, &entry.name).ok_or_else(|| ConnectError::new(format!("there is no context {id}")))?;
        let cluster = self.cluster(file, &context.cluster);
        let cluster =
            cluster.ok_or_else(|| ConnectError::new(format!("context {}: cluster {} is not defined", entry.title, context.cluster)))?;
        let mut user = context.user.as_ref().and_then(|name| self.user(file, name)).cloned().unwrap_or_default();
        if let Some(exec) = &mut user.exec {
            connect::locate_plugin(exec)?;
        }
        let alone = Kubeconfig {
            clusters: vec![NamedCluster { name: context.cluster.clone(), cluster: Some(cluster.clone()), ..NamedCluster::default() }],
            auth_infos: vec![NamedAuthInfo {
                name: context.user.clone().unwrap_or_default(),
                auth_info: Some(user),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext { name: entry.name.clone(), context: Some(context.clone()), ..NamedContext::default() }],
            current_context: Some(entry.name.clone()),
            ..Kubeconfig::default()
        };
        kube::Config::from_custom_kubeconfig(alone, &KubeConfigOptions::default())
            .await
            .map_err(|error| ConnectError::new(format!("context {}: {}", entry.title, describe(&error))))
    }

    /// A client of a context's server. Runs the credential plugin where there is one, which may take its time and open a browser.
    ///
    /// # Errors
    /// As [`Self::config`], and what the plugin says.
    pub async fn client(&self, id: &str) -> Result<kube::Client, ConnectError> {
        connect::client(self.config(id).await?).await
    }

    fn context(&self, file: &Path, name: &str) -> Option<&Context> {
        let (_, config) = self.files.iter().find(|(path, _)| path == file)?;
        config.contexts.iter().find(|named| named.name == name && named.context.is_some())?.context.as_ref()
    }

    fn cluster(&self, file: &Path, name: &str) -> Option<&Cluster> {
        self.near(file).into_iter().find_map(|config| config.clusters.iter().find(|named| named.name == name)?.cluster.as_ref())
    }

    fn user(&self, file: &Path, name: &str) -> Option<&AuthInfo> {
        self.near(file).into_iter().find_map(|config| config.auth_infos.iter().find(|named| named.name == name)?.auth_info.as_ref())
    }

    /// The file itself comes first, so that two files which both call their cluster "default" stay apart; then the others in order.
    fn near(&self, file: &Path) -> Vec<&Kubeconfig> {
        let (own, others): (Vec<_>, Vec<_>) = self.files.iter().partition(|(path, _)| path == file);
        own.into_iter().chain(others).map(|(_, config)| config).collect()
    }
}

/// A way to a new client of a context, from the files as they are by then, for when a server no longer accepts the credentials.
pub fn renewal(explicit: Option<PathBuf>, id: impl Into<String>) -> Renew {
    let id = id.into();
    Arc::new(move || {
        let (contexts, id) = (Contexts::load(explicit.as_deref()), id.clone());
        Box::pin(async move { contexts.client(&id).await })
    })
}

/// The name; with the file's stem where another file has a context of that name, and its whole path where that is not enough.
fn title(entry: &ContextEntry, entries: &[ContextEntry]) -> String {
    let stem = |entry: &ContextEntry| {
        entry.file.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let others = || entries.iter().filter(|other| other.id != entry.id && other.name == entry.name);
    let Some(file) = entry.file.as_ref().filter(|_| others().next().is_some()) else { return entry.name.clone() };
    if others().any(|other| stem(other) == stem(entry)) {
        format!("{} ({})", entry.name, file.display())
    } else {
        format!("{} ({})", entry.name, stem(entry))
    }
}

/// An address without the user and password that it may hold.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// kube's own texts may quote lines of the file, which may be secret; the place is told instead.
fn describe(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => format!("cannot be read: {error}"),
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("line {} column {}: not a kubeconfig", at.line(), at.column()),
            None => "not a kubeconfig".to_owned(),
        },
        KubeconfigError::MissingClusterUrl => "the cluster has no server".to_owned(),
        KubeconfigError::ParseClusterUrl(error) => format!("the cluster's server is not an address: {error}"),
        KubeconfigError::ParseProxyUrl(error) => format!("the proxy is not an address: {error}"),
        KubeconfigError::LoadCertificateAuthority(error) => format!("the certificate authority cannot be loaded: {error}"),
        KubeconfigError::ParseCertificates(_) => "the certificate authority is not a PEM certificate".to_owned(),
        _ => "not a usable kubeconfig".to_owned(),
    }
}
