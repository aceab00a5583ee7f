//! From a chosen context to a client: where credential plugins are found, and how long they may take.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{ExecConfig, ExecInteractiveMode};

use super::fault;

/// How long a credential plugin may take. People sign in with a browser meanwhile.
const PLUGIN_PATIENCE: Duration = Duration::from_secs(180);

/// How long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no client. Holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError(String);

impl ConnectError {
    /// An error with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConnectError {}

/// A client with this configuration.
///
/// # Errors
/// What the credential plugin says, or what is wrong with the certificates.
pub async fn client(mut config: kube::Config) -> Result<kube::Client, ConnectError> {
    // Trying again is ours to do: kube's own retries would hide for minutes that the server is in trouble.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_PATIENCE);
    let command = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    // Plugins are run while the client is built, and block.
    let building = tokio::task::spawn_blocking(move || kube::Client::try_from(config));
    match tokio::time::timeout(PLUGIN_PATIENCE, building).await {
        Ok(Ok(Ok(client))) => Ok(client),
        Ok(Ok(Err(kube::Error::Auth(error)))) => Err(ConnectError(fault::describe_auth(&error, command.as_deref()))),
        Ok(Ok(Err(error))) => Err(ConnectError(fault::describe_client(&error))),
        Ok(Err(_)) => Err(ConnectError("the client could not be built".to_owned())),
        Err(_) => Err(ConnectError(match command {
            Some(command) => format!("the credential plugin {command} has not answered for {} s", PLUGIN_PATIENCE.as_secs()),
            None => "the client could not be built in time".to_owned(),
        })),
    }
}

/// Makes a credential plugin findable for a program that was started from a desktop, where `PATH` is short.
///
/// # Errors
/// Names the program that is missing, and how to install it where the kubeconfig says.
pub(super) fn locate_plugin(exec: &mut ExecConfig) -> Result<(), ConnectError> {
    let Some(command) = exec.command.clone().filter(|command| !command.is_empty()) else {
        return Err(ConnectError::new("the user's credential plugin has no command"));
    };
    let directories = search_path(std::env::var_os("PATH"), std::env::home_dir().as_deref());
    let Some(found) = find_program(&command, &directories) else {
        let mut message = format!("the credential plugin {command} is not installed, or not in PATH");
        if let Some(hint) = exec.install_hint.as_deref().map(str::trim).filter(|hint| !hint.is_empty()) {
            message = format!("{message}: {hint}");
        }
        return Err(ConnectError(message));
    };
    exec.command = Some(found.to_string_lossy().into_owned());
    // Plugins run others in their turn: gke-gcloud-auth-plugin runs gcloud, which runs python.
    let environment = exec.env.get_or_insert_default();
    let has_path = environment.iter().any(|variable| variable.get("name").is_some_and(|name| name == "PATH"));
    if !has_path && let Ok(path) = std::env::join_paths(&directories) {
        let path = path.to_string_lossy().into_owned();
        environment.push(HashMap::from([("name".to_owned(), "PATH".to_owned()), ("value".to_owned(), path)]));
    }
    // Without a terminal a plugin must not ask there; and what it says is then ours to show.
    if exec.interactive_mode != Some(ExecInteractiveMode::Always) && !std::io::stdin().is_terminal() {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    Ok(())
}

/// `PATH`, and after it the places where such plugins usually are.
fn search_path(path: Option<OsString>, home: Option<&Path>) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = path.map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let at_home = [
        "bin",
        ".local/bin",
        ".krew/bin",
        ".cargo/bin",
        "go/bin",
        ".asdf/shims",
        ".local/share/mise/shims",
        "google-cloud-sdk/bin",
        ".nix-profile/bin",
        ".rd/bin",
    ];
    let shared = [
        "/usr/local/bin",
        "/opt/homebrew/bin",
        "/home/linuxbrew/.linuxbrew/bin",
        "/opt/local/bin",
        "/snap/bin",
        "/run/current-system/sw/bin",
        "/usr/lib/google-cloud-sdk/bin",
        "/usr/bin",
        "/bin",
    ];
    let usual = home.into_iter().flat_map(|home| at_home.iter().map(|directory| home.join(directory)));
    for directory in usual.chain(if cfg!(windows) { &[][..] } else { &shared[..] }.iter().map(PathBuf::from)) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    directories.retain(|directory| !directory.as_os_str().is_empty());
    directories
}

fn find_program(command: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    let endings: Vec<String> = if cfg!(windows) {
        let known = std::env::var("PATHEXT").unwrap_or_else(|_| ".EXE;.CMD;.BAT".to_owned());
        std::iter::once(String::new()).chain(known.split(';').map(str::to_owned)).collect()
    } else {
        vec![String::new()]
    };
    let candidates = |base: PathBuf| {
        endings.iter().map(move |ending| PathBuf::from(format!("{}{ending}", base.display()))).find(|path| is_program(path))
    };
    if Path::new(command).components().count() > 1 {
        return candidates(PathBuf::from(command));
    }
    directories.iter().find_map(|directory| candidates(directory.join(command)))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_plugin_is_named_with_its_hint() {
        let mut exec = ExecConfig {
            command: Some("no-such-plugin".to_owned()),
            install_hint: Some("brew install it\n".to_owned()),
            ..ExecConfig::default()
        };
        assert_eq!(
            locate_plugin(&mut exec).unwrap_err().to_string(),
            "the credential plugin no-such-plugin is not installed, or not in PATH: brew install it"
        );
        assert!(locate_plugin(&mut ExecConfig::default()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_short_path_is_repaired() {
        let directories = search_path(Some("/usr/bin:/bin".into()), Some(Path::new("/home/me")));
        assert_eq!(&directories[..2], ["/usr/bin", "/bin"].map(PathBuf::from));
        for usual in ["/usr/local/bin", "/opt/homebrew/bin", "/snap/bin", "/home/me/.krew/bin", "/home/me/.local/bin", "/home/me/bin"] {
            assert!(directories.contains(&PathBuf::from(usual)), "{usual}");
        }
        assert_eq!(directories.iter().filter(|directory| **directory == Path::new("/bin")).count(), 1);

        let mut exec = ExecConfig { command: Some("sh".to_owned()), ..ExecConfig::default() };
        locate_plugin(&mut exec).unwrap();
        assert!(Path::new(exec.command.as_deref().unwrap()).is_absolute());
        assert!(exec.env.unwrap().iter().any(|variable| variable["name"] == "PATH" && variable["value"].contains("/snap/bin")));
    }
}
