//! Puts a request to every front that may take it, and says what a client gets.

use super::desk::Desk;
use super::request::{Answer, At, Backend, Outcome, Request, RuleRef, Scheme};
use super::table::Front;
use super::{EntryPath, Ways};
use crate::analysis::{Analysis, Hop};
use crate::object::Kind;
use crate::peer::Verdict;

/// How many rules that were passed over are told.
pub(super) const MAX_PASSED_OVER: usize = 8;

/// Answers a request, one answer for each front that takes it, the one with the narrowest host first; where none does, one that says
/// so. Never empty.
pub(crate) fn answers(analysis: &Analysis, request: &Request, at: &At) -> Vec<Answer> {
    let request = &Request { host: request.host.trim_end_matches('.').to_lowercase(), ..request.clone() };
    let mut answers = certain_answers(analysis, request, at);
    // What may not be listed may take what nothing that is seen takes.
    let hidden = WAYS_IN.iter().filter(|kind| analysis.snapshot().unseen.0.contains_key(kind));
    let unseen: Vec<String> = hidden.map(|kind| format!("{}.{}", kind.plural(), kind.group())).collect();
    for answer in answers.iter_mut().filter(|answer| answer.rule.is_none() && !unseen.is_empty()) {
        let why = format!("{}, as far as it is seen: {} may not be listed everywhere", answer.outcome.sentence(), unseen.join(", "));
        answer.verdict = Verdict::Depends;
        answer.outcome = Outcome::Unknown { why };
    }
    answers
}

/// Kinds of objects that let requests in.
const WAYS_IN: &[Kind] = &[
    Kind::Ingress,
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::OpenShiftRoute,
    Kind::IstioGateway,
    Kind::VirtualService,
];

fn certain_answers(analysis: &Analysis, request: &Request, at: &At) -> Vec<Answer> {
    let ways = analysis.ways();
    let meant: Vec<&Front> = ways.fronts.iter().filter(|front| is_meant(front, at)).collect();
    if *at != At::Any {
        let answers: Vec<Answer> = meant.iter().map(|front| Desk { analysis, front, request, at }.answer().1).collect();
        return if answers.is_empty() { vec![nobody(at)] } else { prefer_taken(answers) };
    }
    let (direct, before) = of_services(analysis, ways, request);
    if !direct.is_empty() {
        return direct;
    }
    // An address that leads to a controller means its fronts and no others.
    let meant: Vec<&Front> = meant.into_iter().filter(|front| before.is_empty() || before.iter().any(|id| *id == front.id)).collect();
    let mut taken: Vec<((u8, usize), Answer)> = Vec::new();
    let mut refused: Vec<(bool, Answer)> = Vec::new();
    for front in meant {
        let desk = Desk { analysis, front, request, at };
        match desk.answer() {
            (Some(specificity), answer) => taken.push((specificity, answer)),
            (None, answer) => refused.push((desk.knows_host(), answer)),
        }
    }
    if taken.is_empty() {
        return vec![refusal(request, refused)];
    }
    taken.sort_by(|(a, _), (b, _)| b.cmp(a));
    taken.into_iter().map(|(_, answer)| answer).collect()
}

fn is_meant(front: &Front, at: &At) -> bool {
    match at {
        At::Any => true,
        At::IngressClass(class) => {
            let name = front.id.strip_prefix("ingress-class/");
            name.is_some_and(|name| name == class || name.strip_prefix(class.as_str()).is_some_and(|rest| rest.starts_with('/')))
        }
        At::Gateway { namespace, name, .. } => front.object.as_ref().is_some_and(|object| {
            matches!(object.kind, Kind::Gateway | Kind::IstioGateway) && object.namespace == *namespace && object.name == *name
        }),
    }
}

/// Of several answers for one class those that take the request.
fn prefer_taken(answers: Vec<Answer>) -> Vec<Answer> {
    if answers.iter().any(|answer| answer.rule.is_some()) {
        answers.into_iter().filter(|answer| answer.rule.is_some()).collect()
    } else {
        answers.into_iter().take(1).collect()
    }
}

fn nobody(at: &At) -> Answer {
    let (who, why) = match at {
        At::Any => ("nobody".to_owned(), "nothing takes requests from outside".to_owned()),
        At::IngressClass(class) => (format!("Ingress class {class}"), format!("no Ingress is of class {class}")),
        At::Gateway { namespace, name, .. } => (format!("Gateway {namespace}/{name}"), format!("there is no Gateway {namespace}/{name}")),
    };
    without_rule(who, Outcome::NoConnection { why }, Vec::new())
}

/// An answer of a front no rule of which takes the request.
pub(super) fn without_rule(at: String, outcome: Outcome, passed_over: Vec<Hop>) -> Answer {
    Answer { at, verdict: Verdict::Denied, outcome, rule: None, rewritten: None, hops: Vec::new(), passed_over, path_id: String::new() }
}

/// One answer for all fronts that do not take a request: for those that have rules for its host, where there are any.
fn refusal(request: &Request, refused: Vec<(bool, Answer)>) -> Answer {
    let is_known = refused.iter().any(|(knows_host, _)| *knows_host);
    let is_one = refused.len() == 1;
    let refused: Vec<Answer> = refused.into_iter().filter(|(knows_host, _)| *knows_host == is_known).map(|(_, answer)| answer).collect();
    let passed_over: Vec<Hop> = refused.iter().flat_map(|answer| answer.passed_over.clone()).take(MAX_PASSED_OVER).collect();
    let mut of_status: Vec<&Answer> = refused.iter().filter(|answer| matches!(answer.outcome, Outcome::Status { .. })).collect();
    // A front that has something to say about the host is the one that was meant.
    of_status.sort_by_key(|answer| answer.passed_over.is_empty());
    let Some(first) = of_status.first() else {
        return match refused.into_iter().next() {
            Some(one) if is_known || is_one => Answer { passed_over, ..one },
            _ => {
                let why = format!("nothing takes {}", request.url());
                without_rule("nobody".to_owned(), Outcome::NoConnection { why }, passed_over)
            }
        };
    };
    let mut statuses: Vec<u16> = Vec::new();
    let mut titles: Vec<&str> = Vec::new();
    for answer in &of_status {
        titles.push(&answer.at);
        if let Outcome::Status { status, .. } = answer.outcome
            && !statuses.contains(&status)
        {
            statuses.push(status);
        }
    }
    let (status, or) = statuses.split_first().map_or((404, Vec::new()), |(first, rest)| (*first, rest.to_vec()));
    let at = match titles.as_slice() {
        [one] => (*one).to_owned(),
        [..] if titles.len() <= 3 => titles.join(", "),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => first.at.clone(),
    };
    let why = match (&first.outcome, of_status.len()) {
        (Outcome::Status { why, .. }, 1) => why.clone(),
        _ => format!("no rule takes {}", request.url()),
    };
    let is_certain = of_status.iter().all(|answer| answer.verdict == Verdict::Denied);
    let answer = without_rule(at, Outcome::Status { status, or, why }, passed_over);
    if is_certain { answer } else { Answer { verdict: Verdict::Depends, ..answer } }
}

/// Services and pods that clients reach by an address or a name of a load balancer; where what they reach is a controller, its fronts by id.
fn of_services<'a>(analysis: &Analysis, ways: &'a Ways, request: &Request) -> (Vec<Answer>, Vec<&'a str>) {
    let protocol = if request.scheme == Scheme::Udp { "UDP" } else { "TCP" };
    let host = if request.host.contains(':') { format!("[{}]", request.host) } else { request.host.clone() };
    let place = format!("{host}:{}/{protocol}", request.to_port());
    let plain = format!("{}:{}/{protocol}", request.host, request.to_port());
    let is_meant = |reached_at: &[String]| reached_at.iter().any(|at| *at == place || *at == plain);
    let before: Vec<&str> = ways
        .fronts
        .iter()
        .filter(|front| front.doors.iter().any(|door| is_meant(&door.reached_at)))
        .map(|front| front.id.as_str())
        .collect();
    let is_http = matches!(request.scheme, Scheme::Http | Scheme::Https);
    if !before.is_empty() && is_http {
        return (Vec::new(), before);
    }
    // Ways through fronts bear the addresses of the Service before them too: only those without a host are told by an address alone.
    let direct = ways.paths.iter().filter(|path| path.path.is_empty() && path.host.is_empty() && is_meant(&path.reached_at));
    (direct.map(|path| of_path(analysis, path)).collect(), Vec::new())
}

fn of_path(analysis: &Analysis, path: &EntryPath) -> Answer {
    let why = path.deciding_sentence().to_owned();
    let outcome = if path.verdict == Verdict::Denied {
        Outcome::NoConnection { why }
    } else {
        let backend = Backend {
            service: path.service.clone(),
            port: None,
            percent: 100,
            verdict: path.verdict,
            status: None,
            why,
            pods: path.pods.iter().map(|pod| analysis.inventory().pods.at(*pod).path()).collect(),
            pod_ids: path.pods.clone(),
        };
        Outcome::Backends { backends: vec![backend] }
    };
    Answer {
        at: path.front.clone(),
        verdict: path.verdict,
        outcome,
        rule: Some(RuleRef { object: path.object.clone(), pointer: path.pointer.clone() }),
        rewritten: None,
        hops: path.hops.clone(),
        passed_over: Vec::new(),
        path_id: path.id.clone(),
    }
}
