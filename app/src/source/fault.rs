//! What a failed request means, and a sentence on it that never holds anything secret.

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;
use kube::core::Status;
use kube::runtime::watcher;

/// The longest text of somebody else's that is shown.
const LONGEST: usize = 400;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 403: a permission is missing.
    Forbidden,
    /// 404: the server has no such kind.
    NotFound,
    /// 401, or no credentials could be had.
    Unauthorised,
    /// 410 and its like: start over with a new listing.
    Expired,
    /// The server does not understand the request: ask in a plainer way.
    Unsupported,
    /// Anything else: try again later.
    Other,
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub class: Class,
    /// What happened, to show to a person.
    pub message: String,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure to try again later.
    pub fn other(message: impl Into<String>) -> Self {
        Self { class: Class::Other, message: message.into(), retry_after: None }
    }

    /// What a `Status` of a server means.
    pub fn of_status(status: &Status) -> Self {
        let too_new =
            status.details.as_ref().is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "ResourceVersionTooLarge"));
        let class = match (status.code, status.reason.as_str()) {
            (410, _) | (_, "Expired" | "Gone") => Class::Expired,
            // The server was put back to an earlier time: nothing that we know is of use to it.
            _ if too_new => Class::Expired,
            (401, _) | (_, "Unauthorized") => Class::Unauthorised,
            (403, _) | (_, "Forbidden") => Class::Forbidden,
            (404, _) | (_, "NotFound") => Class::NotFound,
            (400 | 405 | 406 | 415 | 422, _) => Class::Unsupported,
            _ => Class::Other,
        };
        let retry_after = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
        let message = match brief(&status.message) {
            message if message.is_empty() => format!("the server answered {}", status.code),
            message => message,
        };
        Self { class, message, retry_after: retry_after.map(|seconds| Duration::from_secs(u64::from(seconds.min(60)))) }
    }

    /// What an error of kube's client means.
    pub fn of_client(error: &kube::Error) -> Self {
        if let kube::Error::Api(status) = error {
            return Self::of_status(status);
        }
        match auth_error(error) {
            Some(error) => Self { class: Class::Unauthorised, message: describe_auth(error, None), retry_after: None },
            None => Self::other(describe_client(error)),
        }
    }

    /// What an error of kube's watcher means.
    pub fn of_watcher(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                Self::of_client(error)
            }
            watcher::Error::WatchError(status) => Self::of_status(status),
            watcher::Error::NoResourceVersion => {
                Self { class: Class::Expired, message: "the server sent no resourceVersion".to_owned(), retry_after: None }
            }
        }
    }
}

fn auth_error(error: &kube::Error) -> Option<&AuthError> {
    if let kube::Error::Auth(error) = error {
        return Some(error);
    }
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        next = error.source();
    }
    None
}

/// A sentence on an error of kube's client.
pub fn describe_client(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => Failure::of_status(status).message,
        kube::Error::Auth(error) => describe_auth(error, None),
        // A proxy's address may hold a password.
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            "the proxy's protocol is not supported: use http, https or socks5".to_owned()
        }
        kube::Error::SerdeError(error) => {
            format!("the server's answer is not understood, at line {} column {}", error.line(), error.column())
        }
        _ => match describe_chain(error.source()) {
            text if text.is_empty() => brief(&error.to_string()),
            text => text,
        },
    }
}

/// A sentence on a failure to get credentials. kube's own texts hold the plugin's output and environment, which may be secret.
pub fn describe_auth(error: &AuthError, command: Option<&str>) -> String {
    let plugin = command.map_or_else(|| "the credential plugin".to_owned(), |command| format!("the credential plugin {command}"));
    match error {
        AuthError::AuthExecStart(error) => format!("{plugin} could not be started: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let told = String::from_utf8_lossy(&out.stderr);
            let told = told.lines().map(str::trim).rfind(|line| !line.is_empty()).map(brief);
            told.map_or_else(|| format!("{plugin} failed ({})", out.status), |line| format!("{plugin} failed ({}): {line}", out.status))
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => format!("{plugin} did not answer with an ExecCredential"),
        AuthError::MissingCommand => "the credential plugin has no command".to_owned(),
        AuthError::ReadTokenFile(error, path) => format!("the token file {} cannot be read: {error}", path.display()),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "the credentials hold characters that cannot be sent".to_owned()
        }
        AuthError::NoValidNativeRootCA(error) => format!("no root certificates found: {error}"),
        AuthError::Oidc(_) => "the OIDC token could not be refreshed".to_owned(),
        AuthError::AuthExec(_) => {
            "the authentication provider of this user is not supported or failed; an exec plugin may serve instead".to_owned()
        }
        _ => format!("{plugin} gave no usable credentials"),
    }
}

/// Every cause in turn, each told once.
pub fn describe_chain(error: Option<&(dyn Error + 'static)>) -> String {
    let mut text = String::new();
    let mut next = error;
    for _ in 0..16 {
        let Some(error) = next else { break };
        let part = error.to_string();
        if !part.is_empty() && !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    brief(&text)
}

/// Somebody else's text, on one line and not too long.
fn brief(text: &str) -> String {
    let mut brief = String::new();
    for word in text.split_whitespace() {
        if brief.len() + word.len() > LONGEST {
            brief.push('…');
            break;
        }
        if !brief.is_empty() {
            brief.push(' ');
        }
        brief.push_str(word);
    }
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_gone_and_a_version_from_the_future_start_over() {
        let of = |text: &str| Failure::of_status(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"code":410,"reason":"Expired","message":"too old resource version: 1 (386)"}"#).class, Class::Expired);
        assert_eq!(of(r#"{"code":410,"reason":"Gone"}"#).message, "the server answered 410");
        let future = of(
            r#"{"code":504,"reason":"Timeout","message":"Timeout: Too large resource version","details":{"causes":[{"reason":"ResourceVersionTooLarge"}],"retryAfterSeconds":1}}"#,
        );
        assert_eq!((future.class, future.retry_after), (Class::Expired, Some(Duration::from_secs(1))));
        assert_eq!(of(r#"{"code":404,"message":"404 page not found"}"#).class, Class::NotFound);
        assert_eq!(of(r#"{"code":503,"message":"<html>\n  busy"}"#), Failure::other("<html> busy"));
    }

    #[test]
    fn what_a_plugin_printed_is_not_told() {
        let error = AuthError::AuthExec("id-token hunter2".to_owned());
        assert!(!Failure::of_client(&kube::Error::Auth(error)).message.contains("hunter2"));
        let boxed = kube::Error::Service(Box::new(AuthError::MissingCommand));
        assert_eq!(Failure::of_client(&boxed).class, Class::Unauthorised);
    }
}
