//! Kubeconfigs as kubectl reads them: `--kubeconfig`, else every file that `KUBECONFIG` names, else `~/.kube/config`. Never written.
//!
//! kube's own merging drops contexts whose name is taken; here each file's contexts are kept apart, and a context may still use a
//! cluster or a user that another file defines.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::view_model::ContextRow;

/// The kubeconfig files of a person, read.
#[derive(Debug, Default)]
pub struct Kubeconfigs {
    files: Vec<(PathBuf, Kubeconfig)>,
    /// Files that could not be read, and why; the others work all the same.
    pub problems: Vec<String>,
}

/// A context of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextId {
    file: usize,
    name: String,
}

impl Kubeconfigs {
    /// Reads the files that a person means: the one given, else those of the environment, else the default.
    pub fn read(explicit: Option<&Path>) -> Self {
        match explicit {
            Some(path) => Self::read_files(&[path.to_owned()], true),
            None => match std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()) {
                Some(list) => {
                    Self::read_files(&std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>(), false)
                }
                None => Self::read_files(&home().map(|home| home.join(".kube").join("config")).into_iter().collect::<Vec<_>>(), false),
            },
        }
    }

    /// Reads these files. A file that is not there is a problem only if it `must_be_there`, as with kubectl.
    pub fn read_files(paths: &[PathBuf], must_be_there: bool) -> Self {
        let mut configs = Self::default();
        for path in paths {
            if !must_be_there && !path.exists() {
                continue;
            }
            match Kubeconfig::read_from(path) {
                Ok(config) => configs.files.push((path.clone(), config)),
                Err(error) => configs.problems.push(format!("{}: {}", path.display(), describe(&error))),
            }
        }
        configs
    }

    /// The contexts of all files, in order, as the picker shows them.
    pub fn rows(&self) -> Vec<ContextRow> {
        let mut rows = Vec::new();
        for (file, (path, config)) in self.files.iter().enumerate() {
            for context in &config.contexts {
                let is_ambiguous = self
                    .files
                    .iter()
                    .enumerate()
                    .any(|(other, (_, config))| other != file && config.contexts.iter().any(|c| c.name == context.name));
                let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                let cluster = context.context.as_ref().map(|context| context.cluster.as_str()).unwrap_or_default();
                rows.push(ContextRow {
                    id: format!("{file}/{}", context.name),
                    title: if is_ambiguous { format!("{} ({stem})", context.name) } else { context.name.clone() },
                    fact: self.server_of(file, cluster).unwrap_or_else(|| path.display().to_string()),
                });
            }
        }
        rows
    }

    fn server_of(&self, file: usize, cluster: &str) -> Option<String> {
        let own = self.files.get(file).into_iter();
        let all = own.chain(self.files.iter()).flat_map(|(_, config)| &config.clusters);
        all.filter(|candidate| candidate.name == cluster).find_map(|candidate| candidate.cluster.as_ref()?.server.clone())
    }

    /// The context that a person names: by the picker's id, or by its own name; the current one where none is named.
    ///
    /// # Errors
    /// There is no such context, or there is more than one; the message names those that there are.
    pub fn find(&self, name: Option<&str>) -> Result<ContextId> {
        let rows = self.rows();
        let known = || rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>().join(", ");
        let Some(name) = name else {
            let current = self.files.iter().find_map(|(_, config)| config.current_context.as_deref().filter(|name| !name.is_empty()));
            let Some(current) = current else {
                let problems = self.problems.join("; ");
                bail!(
                    "no context is current: give one with --context; there are: {}{}{problems}",
                    known(),
                    if problems.is_empty() { "" } else { "; " }
                );
            };
            return self.find(Some(current));
        };
        for (file, (_, config)) in self.files.iter().enumerate() {
            for context in &config.contexts {
                let is_named = context.name == name || format!("{file}/{}", context.name) == name;
                let is_titled = rows.iter().any(|row| row.title == name && row.id == format!("{file}/{}", context.name));
                if is_named || is_titled {
                    return Ok(ContextId { file, name: context.name.clone() });
                }
            }
        }
        bail!("there is no context {name:?}; there are: {}", known())
    }

    /// The name of a context.
    pub fn name<'a>(&self, id: &'a ContextId) -> &'a str {
        &id.name
    }

    /// The namespace that a context is set to, or `default`.
    pub fn namespace(&self, id: &ContextId) -> String {
        let context = self.files.get(id.file).and_then(|(_, config)| config.contexts.iter().find(|context| context.name == id.name));
        let namespace = context.and_then(|context| context.context.as_ref()).and_then(|context| context.namespace.clone());
        namespace.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "default".to_owned())
    }

    /// A client for a context. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The context names a cluster or user that is nowhere defined, a certificate cannot be read, or the program that fetches
    /// credentials is missing, which is then named.
    pub async fn client(&self, id: &ContextId) -> Result<Client> {
        let Some((path, own)) = self.files.get(id.file) else { bail!("the kubeconfig is not open any more") };
        let mut merged = own.clone();
        for (other, (_, config)) in self.files.iter().enumerate() {
            if other != id.file {
                merged = merged
                    .merge(config.clone())
                    .with_context(|| format!("{} cannot be combined with the other kubeconfigs", path.display()))?;
            }
        }
        find_exec_plugin(&mut merged, &id.name, path)?;
        let options = KubeConfigOptions { context: Some(id.name.clone()), ..KubeConfigOptions::default() };
        let mut config = kube::Config::from_custom_kubeconfig(merged, &options)
            .await
            .with_context(|| format!("context {:?} of {}", id.name, path.display()))?;
        // kube would try again for a while without a word; our watches do so themselves, and tell.
        config.default_retry = false;
        Client::try_from(config).with_context(|| format!("context {:?} of {}", id.name, path.display()))
    }
}

fn home() -> Option<PathBuf> {
    std::env::home_dir()
}

/// What is wrong with a file, without its contents: an error may quote them, and they may be secret.
fn describe(error: &kube::config::KubeconfigError) -> String {
    use kube::config::KubeconfigError;
    match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!("not a kubeconfig: line {}, column {}", place.line(), place.column()),
            None => "not a kubeconfig".to_owned(),
        },
        other => other.to_string(),
    }
}

/// Programs that desktop launches do not find, since they start without a login shell's PATH: looked for where they are commonly put.
const PLUGIN_FOLDERS: &[&str] =
    &["/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", "/usr/bin", "/bin", "/snap/bin", "/usr/lib/google-cloud-sdk/bin"];
const PLUGIN_FOLDERS_AT_HOME: &[&str] =
    &[".local/bin", "bin", ".krew/bin", "go/bin", ".cargo/bin", "google-cloud-sdk/bin", ".asdf/shims", ".nix-profile/bin"];

/// Makes the command of a context's exec plugin a whole path.
fn find_exec_plugin(config: &mut Kubeconfig, context: &str, path: &Path) -> Result<()> {
    let user = config
        .contexts
        .iter()
        .find(|candidate| candidate.name == context)
        .and_then(|named| named.context.as_ref())
        .and_then(|context| context.user.clone());
    let user = user.unwrap_or_default();
    let auth = config.auth_infos.iter_mut().find(|candidate| candidate.name == user).and_then(|named| named.auth_info.as_mut());
    let Some(exec) = auth.and_then(|auth| auth.exec.as_mut()) else { return Ok(()) };
    let Some(command) = exec.command.clone() else { bail!("the exec plugin of user {user:?} names no command") };
    if command.contains(std::path::MAIN_SEPARATOR) {
        // kubectl resolves a relative command from the kubeconfig's folder.
        let whole = path.parent().map_or_else(|| PathBuf::from(&command), |folder| folder.join(&command));
        if !whole.is_file() {
            bail!("user {user:?} needs the program {}, which is not there", whole.display());
        }
        exec.command = Some(whole.to_string_lossy().into_owned());
        return Ok(());
    }
    let from_path = std::env::var_os("PATH").map(|list| std::env::split_paths(&list).collect::<Vec<_>>()).unwrap_or_default();
    let common = PLUGIN_FOLDERS.iter().map(PathBuf::from);
    let at_home = PLUGIN_FOLDERS_AT_HOME.iter().filter_map(|folder| Some(home()?.join(folder)));
    let file = format!("{command}{}", std::env::consts::EXE_SUFFIX);
    let found = from_path.into_iter().chain(common).chain(at_home).map(|folder| folder.join(&file)).find(|candidate| candidate.is_file());
    match found {
        Some(found) => exec.command = Some(found.to_string_lossy().into_owned()),
        None => {
            let hint = exec.install_hint.as_deref().map(|hint| format!(": {}", hint.trim())).unwrap_or_default();
            bail!("user {user:?} needs the program {command:?} to fetch credentials, and it is not installed{hint}");
        }
    }
    Ok(())
}
