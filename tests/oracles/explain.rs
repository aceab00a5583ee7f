//! netpol-analyzer's explanations: for every pair and every set of ports, the verdict of each side, and the policy and rule that decide.

use portolan_core::analysis::{Analysis, Decision, Miss, Reason, Side, Trace};
use portolan_core::peer::Verdict;
use portolan_core::ports::{PortSet, Protocol};
use portolan_tests::fixture;
use portolan_tests::ingress_controller::SOURCE;
use portolan_tests::oracle::{Report, list, port_of_focus, ports, ports_of_explanation, text};
use serde_json::Value;

use crate::explain_entries as entries;
use crate::netpol_analyzer::{as_netpol_analyzer, case_name, cases, out_of_scope};

/// What one of their sentences says of a policy.
struct Said<'a> {
    decision: Decision,
    kind: &'a str,
    path: &'a str,
    /// The rules that it may mean; none where it speaks of the policy as a whole.
    pointers: Vec<String>,
    /// Why a policy refuses.
    refusal: Option<Refusal>,
}

/// Why a NetworkPolicy lets nothing through.
enum Refusal {
    /// It has no rules.
    NoRules,
    /// Its rules are for other peers.
    Peers,
    /// This rule is for other ports.
    Ports(String),
}

impl Refusal {
    /// Whether our reason gives the same.
    fn is_given(&self, reason: &Reason) -> bool {
        match self {
            Self::NoRules => reason.misses.is_empty(),
            Self::Peers => !reason.misses.is_empty() && reason.misses.iter().all(|miss| !is_of_ports(miss)),
            Self::Ports(rule) => reason.misses.iter().any(|miss| is_of_ports(miss) && miss.pointer.starts_with(rule)),
        }
    }
}

/// Whether a rule did not fit because of its ports: its peers have pointers of their own, `/spec/ingress/0/from/0`.
fn is_of_ports(miss: &Miss) -> bool {
    !miss.pointer.contains("/from/") && !miss.pointer.contains("/to/")
}

impl Said<'_> {
    fn is_of(&self, reason: &Reason) -> bool {
        reason.object.as_ref().is_some_and(|key| key.kind.name() == self.kind && key.path() == self.path)
    }

    fn tier(&self) -> &'static str {
        match self.kind {
            "AdminNetworkPolicy" => "Admin",
            "BaselineAdminNetworkPolicy" => "Baseline",
            _ => "NetworkPolicy",
        }
    }
}

/// Reads `NetworkPolicy 'shop/cart' allows connections by Ingress rule #1`, `AdminNetworkPolicy 'a' passes connections by Egress rule
/// its-name`, `NetworkPolicy 'shop/cart' selects shop/cart[Deployment], but ...`; `None` for headings and the default.
fn said<'a>(rule: &'a str, direction: &str, objects: &[Value]) -> Result<Option<Said<'a>>, String> {
    let rule = rule.trim_start_matches("- ");
    if rule.ends_with(" list:") || rule.starts_with("the system default") {
        return Ok(None);
    }
    let unknown = || format!("a sentence of another form: {rule:?}");
    let kind = rule.split(' ').next().ok_or_else(unknown)?;
    let path = rule.split('\'').nth(1).ok_or_else(unknown)?;
    let pointer = |index: usize| format!("/spec/{direction}/{index}");
    let verbs = [(" allows ", Decision::Allowed), (" denies ", Decision::Denied), (" passes ", Decision::Passed)];
    let verb = verbs.into_iter().find(|(verb, _)| rule.contains(&format!("'{verb}connections by ")));
    let Some((_, decision)) = verb else {
        let refusal = if rule.ends_with("(no rules defined)") {
            Refusal::NoRules
        } else if rule.contains(" is not allowed by any ") {
            Refusal::Peers
        } else {
            let number = rule.split(" rule #").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
            Refusal::Ports(pointer(number.ok_or_else(unknown)? - 1))
        };
        return Ok(Some(Said { decision: Decision::NotAllowed, kind, path, pointers: Vec::new(), refusal: Some(refusal) }));
    };
    let (_, name) = rule.split_once("gress rule ").ok_or_else(unknown)?;
    let pointers = match name.strip_prefix('#').and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => vec![pointer(number - 1)],
        None => {
            let policy = objects.iter().find(|object| text(object, "kind") == kind && object["metadata"]["name"] == path);
            let rules = list(&policy.ok_or_else(unknown)?["spec"], direction).iter().enumerate();
            rules.filter(|(_, rule)| text(rule, "name") == name).map(|(index, _)| pointer(index)).collect()
        }
    };
    if pointers.is_empty() { Err(unknown()) } else { Ok(Some(Said { decision, kind, path, pointers, refusal: None })) }
}

fn sentences(side: &Side) -> String {
    side.reasons
        .iter()
        .map(|reason| format!("{:?} {} ({})", reason.decision, reason.sentence, reason.pointer))
        .collect::<Vec<_>>()
        .join("; ")
}

/// Holds one side of an answer against theirs: the verdict, every rule that decides in either, and the policies that refuse.
pub fn compare_side(ours: &Side, theirs: &Value, direction: &str, objects: &[Value]) -> Result<(), String> {
    let wrong = |what: String| Err(format!("{direction}: {what}; ours: {}", sentences(ours)));
    // Where nothing on either side decides, they give one reason for both.
    let verdict = if theirs.is_null() { "Allowed" } else { text(theirs, "verdict") };
    if !ours.verdict.word().eq_ignore_ascii_case(verdict) {
        return wrong(format!("ours is {}, theirs {verdict}", ours.verdict));
    }
    let mut theirs_said = Vec::new();
    for rule in list(theirs, "rules").iter().filter_map(Value::as_str) {
        theirs_said.extend(said(rule, direction, objects)?);
    }
    for said in &theirs_said {
        // What does not allow is named by us only where nothing else does.
        if said.decision == Decision::NotAllowed && ours.verdict != Verdict::Denied {
            continue;
        }
        let is_it = |reason: &&Reason| {
            said.is_of(reason)
                && reason.decision == said.decision
                && reason.tier == said.tier()
                && (said.pointers.is_empty() || said.pointers.contains(&reason.pointer))
                && said.refusal.as_ref().is_none_or(|refusal| refusal.is_given(reason))
        };
        if ours.reasons.iter().find(is_it).is_none() {
            return wrong(format!("theirs has {:?} by {} {:?} {:?}", said.decision, said.kind, said.path, said.pointers));
        }
    }
    for reason in &ours.reasons {
        let Some(object) = &reason.object else { continue };
        let decides = matches!(reason.decision, Decision::Allowed | Decision::Denied | Decision::Passed | Decision::NotAllowed);
        let is_said = theirs_said.iter().any(|said| said.is_of(reason) && said.decision == reason.decision);
        if decides && !is_said {
            return wrong(format!("theirs does not have {:?} by {object}", reason.decision));
        }
        if matches!(reason.decision, Decision::MayAllow | Decision::Unseen) {
            return wrong(format!("ours is not certain of {object}"));
        }
    }
    // What decides comes first, before what passes it on.
    let by_default = theirs_said.iter().all(|said| said.decision == Decision::Passed);
    let first = ours.reasons.first().map(|reason| reason.decision);
    let is_right = match first {
        Some(Decision::NoPolicy | Decision::NotSubject | Decision::Default) => by_default,
        Some(Decision::Allowed | Decision::Denied | Decision::NotAllowed) => !by_default,
        _ => false,
    };
    if !is_right {
        return wrong(format!("{first:?} comes first, and it is by default: {by_default}"));
    }
    Ok(())
}

/// An end of netpol-analyzer's, `shop/cart[Deployment]` or `10.0.0.0-10.255.255.255[External]`, in our words; of a range, both ends.
fn our_names(end: &str) -> Vec<String> {
    let Some((path, kind)) = end.strip_suffix(']').and_then(|end| end.split_once('[')) else { return Vec::new() };
    match path.split_once('/') {
        Some((namespace, name)) => vec![format!("{namespace}/{}/{name}", kind.to_lowercase())],
        None => path.split('-').map(str::to_owned).collect(),
    }
}

/// The ends of every span of some ports.
pub fn samples(set: &PortSet) -> Vec<String> {
    let mut ports = Vec::new();
    for protocol in Protocol::ALL {
        for (first, last) in set.spans_of(protocol) {
            ports.push(format!("{first}/{protocol}"));
            if last != first {
                ports.push(format!("{last}/{protocol}"));
            }
        }
    }
    ports
}

/// One question of a case: two ends, ports of one explanation, and what is said of each side.
struct Question<'a> {
    from: &'a str,
    to: &'a str,
    ports: PortSet,
    expected: Verdict,
    egress: &'a Value,
    ingress: &'a Value,
}

fn compare_question(analysis: &Analysis, objects: &[Value], question: &Question<'_>, name: &str, report: &mut Report) {
    for from in our_names(question.from) {
        for to in our_names(question.to) {
            for port in samples(&question.ports) {
                report.flows(1);
                let result = fixture::ask(analysis, &from, &to, &port).and_then(|trace: Trace| {
                    if trace.verdict != question.expected {
                        return Err(format!("ours {}, theirs {}", trace.verdict, question.expected));
                    }
                    compare_side(&trace.egress, question.egress, "egress", objects)?;
                    compare_side(&trace.ingress, question.ingress, "ingress", objects)
                });
                if let Err(what) = result {
                    report.differs(format!("{name}: {from} => {to} {port}: {what}"));
                }
            }
        }
    }
}

fn compare_explanations(suite: &str, kind: &str) {
    let Some(root) = fixture::shared("oracles/netpol-analyzer") else { return };
    let mut report = Report::new(suite);
    for case in cases(&root, kind) {
        let (dir, name) = (text(case, "dir"), case_name(case));
        if let Some(reason) = out_of_scope(dir) {
            report.skip(&name, reason);
            continue;
        }
        report.case();
        let objects = fixture::folder(&root.join(dir));
        let analysis = fixture::analysis(&objects, as_netpol_analyzer());
        // Those of `{ingress-controller}` have reasons of their own.
        let is_ours = |row: &&Value| text(row, "src") != SOURCE;
        let theirs: Vec<&Value> = list(case, "explain").iter().filter(|row| !is_ours(row)).collect();
        entries::compare(&objects, case, &theirs, &name, &mut report);
        for explanation in list(case, "explain").iter().filter(is_ours) {
            let (from, to) = (text(explanation, "src"), text(explanation, "dst"));
            let mut explained = PortSet::none();
            for (expected, field) in [(Verdict::Allowed, "allowed"), (Verdict::Denied, "denied")] {
                for entry in list(explanation, field) {
                    let ports = ports_of_explanation(text(entry, "conn"));
                    explained = explained.union(&ports);
                    let question = Question { from, to, ports, expected, egress: &entry["egress"], ingress: &entry["ingress"] };
                    compare_question(&analysis, &objects, &question, &name, &mut report);
                }
            }
            let asked = match text(case, "focusConn") {
                "" => PortSet::all(),
                port => port_of_focus(port),
            };
            if text(case, "explainOnly").is_empty() && explained != asked {
                report.differs(format!("{name}: {from} => {to}: theirs explains {explained} only"));
            }
        }
        // What nothing decides they list apart from the explanations.
        for line in list(case, "lines").iter().filter(is_ours) {
            let (from, to, ports) = (text(line, "src"), text(line, "dst"), ports(&line["conns"]));
            let question = Question { from, to, ports, expected: Verdict::Allowed, egress: &Value::Null, ingress: &Value::Null };
            compare_question(&analysis, &objects, &question, &name, &mut report);
        }
    }
    report.finish();
}

#[test]
fn netpol_analyzer_explanations() {
    compare_explanations("netpol-analyzer explain", "explain");
}

#[test]
fn netpol_analyzer_explanations_of_exposure_cases() {
    compare_explanations("netpol-analyzer explain of exposure", "explain+exposure");
}
