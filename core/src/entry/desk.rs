//! One front that a request is put to: finds the listener, the rule and the backends.

use super::answer::{MAX_PASSED_OVER, without_rule};
use super::matching::{Asked, Fit, Host};
use super::request::{Answer, At, Backend, Outcome, Request, RuleRef, Scheme};
use super::table::{Action, Fallback, Front, Listener, Rule, Speaks, Target, is_broken, worst};
use super::{controller, rewrite, ways};
use crate::analysis::{Analysis, Hop};
use crate::peer::Verdict;

/// One front that a request is put to.
pub(super) struct Desk<'a> {
    pub(super) analysis: &'a Analysis,
    pub(super) front: &'a Front,
    pub(super) request: &'a Request,
    pub(super) at: &'a At,
}

/// What the rules of a listener say of a request.
#[derive(Default)]
struct Found<'a> {
    /// The rule that takes it for certain.
    winner: Option<&'a Rule>,
    /// Why another may take it before that.
    doubts: Vec<(&'a Rule, String)>,
}

impl<'a> Desk<'a> {
    /// The answer; with how narrow the host of the rule is, where one takes the request.
    pub(super) fn answer(&self) -> (Option<(u8, usize)>, Answer) {
        let title = || self.front.title.clone();
        if let Some(hop) = self.front.hops.iter().find(|hop| hop.verdict == Verdict::Denied) {
            let passed_over = self.would_take().map(|_| hop.clone()).take(1).collect();
            return (None, without_rule(title(), Outcome::NoConnection { why: hop.sentence.clone() }, passed_over));
        }
        let passed_over = self.passed_over();
        let listeners = match self.listeners() {
            Ok(listeners) => listeners,
            Err(outcome) => return (None, without_rule(title(), outcome, passed_over)),
        };
        let rules: Vec<&Rule> = self
            .front
            .rules
            .iter()
            .filter(|rule| rule.listener.is_some_and(|index| listeners.contains(&index)))
            .filter(|rule| rule.host.takes(&self.request.host) && !is_broken(&rule.hops))
            .collect();
        let found = self.find(&rules);
        let Some(rule) = found.winner else {
            if let Some((rule, why)) = found.doubts.first() {
                return (Some(rule.host.specificity()), self.unknown(rule, why, passed_over));
            }
            let is_served = self.front.rules.iter().any(|rule| !is_broken(&rule.hops));
            if !is_served && self.front.listeners.iter().all(|listener| listener.object.is_none()) {
                let why = format!("{} serves nothing", self.front.title);
                return (None, without_rule(title(), Outcome::NoConnection { why }, passed_over));
            }
            let wider = self.at_wider_listeners(&listeners, None);
            let is_certain = wider.is_none();
            let passed_over: Vec<Hop> = wider.into_iter().chain(passed_over).collect();
            let speaks_http =
                listeners.iter().filter_map(|index| self.front.listeners.get(*index)).any(|listener| listener.speaks.is_http());
            let outcome = if speaks_http {
                let (status, who) = self.front.unmatched;
                let why = format!("no rule of {} takes {}: {who} answers", self.front.title, self.request.url());
                Outcome::Status { status, or: Vec::new(), why }
            } else {
                Outcome::NoConnection { why: format!("no route of {} takes {}", self.front.title, self.request.url()) }
            };
            let answer = without_rule(title(), outcome, passed_over);
            return (None, if is_certain { answer } else { Answer { verdict: Verdict::Depends, ..answer } });
        };
        let wider = self.at_wider_listeners(&listeners, Some(rule));
        let is_certain = wider.is_none();
        let passed_over: Vec<Hop> = wider.into_iter().chain(passed_over).collect();
        let mut answer = self.serve(rule, &found.doubts, passed_over);
        if !is_certain {
            answer.verdict = answer.verdict.max(Verdict::Depends);
        }
        (Some(rule.host.specificity()), answer)
    }

    /// What would take the request if listeners were not kept apart, other than `winner`: the API says that they should be, and not
    /// that they must (Gateway API, Listener.hostname: "Listener Isolation").
    fn at_wider_listeners(&self, narrowest: &[usize], winner: Option<&Rule>) -> Option<Hop> {
        if !self.front.is_gateway() {
            return None;
        }
        let on_port = |index: usize| {
            self.front
                .listeners
                .get(index)
                .is_some_and(|listener| !is_broken(&listener.hops) && self.is_on_port(listener) && listener.host.takes(&self.request.host))
        };
        let comes_first = |rule: &Rule| {
            winner.is_none_or(|winner| {
                rule.host.specificity() > winner.host.specificity()
                    || (rule.host == winner.host && rule.matching.rank() < winner.matching.rank())
            })
        };
        let rule = self.front.rules.iter().find(|rule| {
            rule.listener.is_some_and(|index| !narrowest.contains(&index) && on_port(index))
                && rule.host.takes(&self.request.host)
                && !is_broken(&rule.hops)
                && comes_first(rule)
                && self.fit(rule) == Fit::Yes
        })?;
        let listener = self.front.listener_of(rule)?;
        let sentence = format!(
            "{} {} would take it at listener {}: a narrower listener should take it alone, and not every implementation keeps to that",
            rule.object.kind.name(),
            rule.object.path(),
            listener.name
        );
        let object = Some(rule.object.clone());
        Some(Hop { kind: "listener", object, pointer: rule.pointer.clone(), verdict: Verdict::Depends, sentence })
    }

    /// Whether it has rules that are meant for the request's host, whatever they ask for beside it.
    pub(super) fn knows_host(&self) -> bool {
        self.front.rules.iter().any(|rule| rule.host != Host::Any && rule.host.takes(&self.request.host))
    }

    /// Listeners that the request reaches: those of its port and protocol, and of these the ones with the narrowest host (Gateway API,
    /// Listener: "the most specific match").
    fn listeners(&self) -> Result<Vec<usize>, Outcome> {
        let wanted = match self.at {
            At::Gateway { listener, .. } if !listener.is_empty() => Some(listener),
            _ => None,
        };
        let all = || self.front.listeners.iter().enumerate().filter(|(_, listener)| !is_broken(&listener.hops));
        let on_port: Vec<(usize, &Listener)> =
            all().filter(|(_, listener)| wanted.is_none_or(|name| listener.name == *name) && self.is_on_port(listener)).collect();
        if on_port.is_empty() {
            let mut places: Vec<String> = all().map(|(_, listener)| place_of(listener)).collect();
            places.dedup();
            let shown = match places.as_slice() {
                [] => "nothing listens".to_owned(),
                places => format!("it listens on {}", places.join(", ")),
            };
            let who = wanted.map_or_else(|| self.front.title.clone(), |name| format!("listener {name} of {}", self.front.title));
            let why = format!("{who} does not take {} on port {}: {shown}", self.request.scheme.name(), self.request.to_port());
            return Err(Outcome::NoConnection { why });
        }
        let of_host: Vec<(usize, &Listener)> =
            on_port.iter().filter(|(_, listener)| listener.host.takes(&self.request.host)).copied().collect();
        let narrowest = of_host.iter().map(|(_, listener)| listener.host.specificity()).max();
        let Some(narrowest) = narrowest else {
            let why = format!("no listener of {} on port {} is for {}", self.front.title, self.request.to_port(), self.request.host);
            return Err(if on_port.iter().any(|(_, listener)| listener.speaks == Speaks::Http) {
                let (status, _) = self.front.unmatched;
                Outcome::Status { status, or: Vec::new(), why }
            } else {
                Outcome::NoConnection { why }
            });
        };
        Ok(of_host.into_iter().filter(|(_, listener)| listener.host.specificity() == narrowest).map(|(index, _)| index).collect())
    }

    fn is_on_port(&self, listener: &Listener) -> bool {
        let (scheme, port) = (self.request.scheme, self.request.to_port());
        // A stream without a name takes whatever comes to its address, which a name alone does not tell.
        let by_address = *self.at != At::Any;
        let speaks = match listener.speaks {
            Speaks::Web => return matches!(scheme, Scheme::Http | Scheme::Https) && self.is_web_port(port),
            Speaks::Http => scheme == Scheme::Http,
            Speaks::Https => matches!(scheme, Scheme::Https | Scheme::Tls),
            Speaks::TlsPassthrough | Speaks::TlsTerminated => matches!(scheme, Scheme::Https | Scheme::Tls),
            Speaks::Tcp => scheme == Scheme::Tcp || (by_address && scheme != Scheme::Udp),
            Speaks::Udp => scheme == Scheme::Udp,
        };
        speaks && (listener.port == 0 || listener.port == port || (self.request.port.is_none() && scheme.default_port().is_none()))
    }

    /// Where a controller of Ingresses takes requests: on the ports of the Service before it, else on 80 and 443.
    fn is_web_port(&self, port: u16) -> bool {
        let service = self.front.controller.service.as_ref().and_then(|key| self.analysis.snapshot().record(key));
        let is_of_service = match service {
            Some(crate::record::Record::Service(service)) => service.ports.iter().any(|candidate| candidate.port == port),
            _ => false,
        };
        is_of_service || Some(port) == self.request.scheme.default_port()
    }

    fn asked(&self) -> Asked<'a> {
        let request = self.request;
        Asked {
            host: &request.host,
            https: request.scheme == Scheme::Https,
            path: &request.path,
            query: &request.query,
            method: &request.method,
            headers: &request.headers,
        }
    }

    fn fit(&self, rule: &Rule) -> Fit {
        let speaks = self.front.listener_of(rule).map(|listener| listener.speaks);
        if speaks.is_some_and(|speaks| !speaks.is_http()) { Fit::Yes } else { rule.matching.fit(&self.asked()) }
    }

    /// The rule that takes the request, of those of one listener and for its host, best first.
    fn find(&self, rules: &[&'a Rule]) -> Found<'a> {
        let ordinary: Vec<&Rule> = rules.iter().filter(|rule| !rule.is_default).copied().collect();
        let narrowest = ordinary.iter().map(|rule| rule.host.specificity()).max();
        let (of_host, others): (Vec<&Rule>, Vec<&Rule>) = ordinary.into_iter().partition(|rule| Some(rule.host.specificity()) == narrowest);
        let mut found = self.first(&of_host);
        if found.winner.is_none() && self.front.fallback != Fallback::Never {
            let wider = self.first(&others);
            if self.front.fallback == Fallback::Always {
                found.winner = wider.winner;
                found.doubts.extend(wider.doubts);
            } else if let (Some(rule), Some(first)) = (wider.winner, of_host.first()) {
                let why = format!(
                    "the rules for {} have no such path: some controllers go on to those for {}, others answer {}",
                    first.host, rule.host, self.front.unmatched.0
                );
                found.doubts.push((rule, why));
            }
        }
        if found.winner.is_none() && found.doubts.is_empty() {
            self.default(rules, &mut found);
        }
        found
    }

    /// Default backends: that of an Ingress which has the host comes first.
    fn default(&self, rules: &[&'a Rule], found: &mut Found<'a>) {
        let defaults: Vec<&'a Rule> = rules.iter().filter(|rule| rule.is_default).copied().collect();
        let has_host =
            |default: &&&Rule| rules.iter().any(|rule| !rule.is_default && rule.object == default.object && rule.host != Host::Any);
        let of_host: Vec<&'a Rule> = defaults.iter().filter(has_host).copied().collect();
        let candidates = if of_host.is_empty() { defaults } else { of_host };
        found.winner = candidates.first().copied();
        if let [_, second, ..] = candidates.as_slice() {
            let why = format!("Ingress {} has a default backend too: which of them is used is up to the controller", second.object.path());
            found.doubts.push((second, why));
        }
    }

    fn first(&self, rules: &[&'a Rule]) -> Found<'a> {
        let mut found = Found::default();
        for rule in rules {
            match self.fit(rule) {
                Fit::No => {}
                Fit::Maybe(why) if found.winner.is_none() => found.doubts.push((rule, why)),
                Fit::Maybe(_) => {}
                Fit::Yes => match found.winner {
                    None => found.winner = Some(rule),
                    Some(winner) if ways::is_undecided(winner, rule) => {
                        let why = format!(
                            "{} {} takes it too ({}), and no text says which comes first",
                            rule.object.kind.name(),
                            rule.object.path(),
                            rule.matching.path.pattern()
                        );
                        found.doubts.push((rule, why));
                    }
                    Some(_) => {}
                },
            }
        }
        found
    }

    /// Rules for the request's host that would take it: for what is told of a front that serves nobody.
    fn would_take(&self) -> impl Iterator<Item = &'a Rule> {
        let is_reached = |rule: &&Rule| {
            let listener = self.front.listener_of(rule);
            listener.is_none_or(|listener| self.is_on_port(listener))
        };
        let meant = self.front.rules.iter().filter(|rule| rule.host.takes(&self.request.host) && !rule.is_default);
        meant.filter(is_reached).filter(|rule| self.fit(rule) != Fit::No)
    }

    /// Why rules that would take the request do not.
    fn passed_over(&self) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        for rule in self.would_take() {
            let listener = self.front.listener_of(rule);
            let of_listener = listener.into_iter().flat_map(|listener| &listener.hops);
            // A rule at no listener does not answer, however certain the reason is.
            let least = if listener.is_none() { Verdict::Depends } else { Verdict::Denied };
            if let Some(hop) = of_listener.chain(&rule.hops).find(|hop| hop.verdict >= least)
                && !hops.contains(hop)
            {
                hops.push(hop.clone());
            }
        }
        hops.truncate(MAX_PASSED_OVER);
        hops
    }

    fn unknown(&self, rule: &Rule, why: &str, passed_over: Vec<Hop>) -> Answer {
        let mut hops = ways::opening_hops(self.front, rule);
        hops.push(doubt(rule, why));
        Answer {
            verdict: Verdict::Depends,
            rule: Some(RuleRef { object: rule.object.clone(), pointer: rule.pointer.clone() }),
            hops,
            path_id: ways::path_id(self.front, rule, 0),
            ..without_rule(self.front.title.clone(), Outcome::Unknown { why: why.to_owned() }, passed_over)
        }
    }

    fn serve(&self, rule: &Rule, doubts: &[(&Rule, String)], passed_over: Vec<Hop>) -> Answer {
        let listener = self.front.listener_of(rule);
        let mut hops = ways::opening_hops(self.front, rule);
        if rule.is_default && doubts.is_empty() {
            // Another default backend is in doubt for hosts that neither Ingress has, not for this one.
            hops.retain(|hop| hop.kind != "shadow");
        }
        hops.extend(doubts.iter().map(|(other, why)| doubt(other, why)));
        hops.extend(self.tls_hop(rule, listener));
        let mut answer = without_rule(self.front.title.clone(), Outcome::Unknown { why: String::new() }, passed_over);
        answer.rule = Some(RuleRef { object: rule.object.clone(), pointer: rule.pointer.clone() });
        answer.path_id = ways::path_id(self.front, rule, 0);
        if let Some(end) = hops.iter().position(|hop| hop.verdict == Verdict::Denied) {
            hops.truncate(end + 1);
            let why = hops.last().map(|hop| hop.sentence.clone()).unwrap_or_default();
            return Answer { outcome: Outcome::NoConnection { why }, hops, ..answer };
        }
        let opening = worst(&hops);
        let port = listener.map_or(0, |listener| listener.port);
        match &rule.action {
            Action::Redirect(redirect) => {
                hops.push(ways::rule_hop(self.front, rule, None));
                let location = rewrite::location(self.request, redirect, &rule.matching.path, port);
                answer.outcome = Outcome::Redirect { status: redirect.status, location };
            }
            Action::Answer(status) => {
                let hop = ways::rule_hop(self.front, rule, None);
                answer.outcome = Outcome::Status { status: *status, or: Vec::new(), why: hop.sentence.clone() };
                hops.push(hop);
            }
            Action::Unknown { sentence, .. } => {
                hops.push(ways::rule_hop(self.front, rule, None));
                answer.outcome = Outcome::Unknown { why: sentence.clone() };
            }
            Action::Forward(targets) => self.forward(rule, targets, port, &mut hops, &mut answer),
        }
        answer.verdict = match &answer.outcome {
            Outcome::Backends { backends } => {
                let first = backends.first().map_or(Verdict::Denied, |backend| backend.verdict);
                let is_one = backends.iter().all(|backend| backend.verdict == first);
                opening.and(if is_one { first } else { Verdict::Depends })
            }
            _ => worst(&hops),
        };
        answer.hops = hops;
        answer
    }

    /// Clear text where TLS is set up, and TLS where it is not: what an Ingress does not say.
    fn tls_hop(&self, rule: &Rule, listener: Option<&Listener>) -> Option<Hop> {
        if listener.is_none_or(|listener| listener.speaks != Speaks::Web) {
            return None;
        }
        let hop = |sentence: String| Hop {
            kind: "tls",
            object: Some(rule.object.clone()),
            pointer: "/spec/tls".to_owned(),
            verdict: Verdict::Depends,
            sentence,
        };
        match (self.request.scheme, rule.is_covered) {
            (Scheme::Https, false) => Some(hop(format!(
                "no TLS block of Ingress {} is for {}: the controller answers with a certificate of its own, or not at all",
                rule.object.path(),
                self.request.host
            ))),
            (Scheme::Http, true) => {
                let (status, who) = controller::clear_text(self.analysis, &rule.object)?;
                Some(hop(format!("{who} sends clear text on to https with {status}, unless its configuration turns that off")))
            }
            _ => None,
        }
    }

    fn forward(&self, rule: &Rule, targets: &[Target], port: u16, hops: &mut Vec<Hop>, answer: &mut Answer) {
        let inventory = self.analysis.inventory();
        let mut backends = Vec::new();
        let mut statuses: Vec<u16> = Vec::new();
        let mut main: Option<(Verdict, Vec<Hop>, usize)> = None;
        for ((index, target), percent) in targets.iter().enumerate().zip(ways::percents(targets)) {
            if target.weight == 0 {
                continue;
            }
            let leg = ways::follow(self.analysis, self.front, rule, target);
            let verdict = leg.verdict();
            let deciding = leg.hops.iter().find(|hop| hop.verdict == verdict && verdict != Verdict::Allowed).or(leg.hops.last());
            backends.push(Backend {
                service: leg.service.clone(),
                port: leg.port,
                percent,
                verdict,
                status: if verdict == Verdict::Denied { leg.statuses.first().copied() } else { None },
                why: deciding.map(|hop| hop.sentence.clone()).unwrap_or_default(),
                pods: leg.pods.iter().map(|pod| inventory.pods.at(*pod).path()).collect(),
                pod_ids: leg.pods.clone(),
            });
            for status in leg.statuses.iter().filter(|_| verdict == Verdict::Denied) {
                if !statuses.contains(status) {
                    statuses.push(*status);
                }
            }
            // The hops of the best one are shown: it is what answers.
            if main.as_ref().is_none_or(|(best, ..)| verdict < *best) {
                let own = std::iter::once(ways::rule_hop(self.front, rule, Some(target))).chain(leg.hops).collect();
                main = Some((verdict, own, index));
            }
        }
        let Some((verdict, own, index)) = main else {
            let hop = ways::rule_hop(self.front, rule, None);
            answer.outcome = Outcome::Status { status: 500, or: vec![503], why: hop.sentence.clone() };
            hops.push(hop);
            return;
        };
        hops.extend(own);
        answer.path_id = ways::path_id(self.front, rule, index);
        if let Some(target) = targets.get(index) {
            if let Some(redirect) = &target.redirect {
                let location = rewrite::location(self.request, redirect, &rule.matching.path, port);
                answer.outcome = Outcome::Redirect { status: redirect.status, location };
                return;
            }
            answer.rewritten = rewrite::rewritten(self.request, rule, target);
        }
        if verdict == Verdict::Denied {
            let why = hops.iter().find(|hop| hop.verdict == Verdict::Denied).map(|hop| hop.sentence.clone()).unwrap_or_default();
            let is_http = !matches!(self.request.scheme, Scheme::Tcp | Scheme::Udp | Scheme::Tls);
            answer.outcome = match statuses.split_first() {
                Some((status, or)) if is_http => Outcome::Status { status: *status, or: or.to_vec(), why },
                _ => Outcome::NoConnection { why },
            };
        } else {
            answer.outcome = Outcome::Backends { backends };
        }
    }
}

fn doubt(rule: &Rule, why: &str) -> Hop {
    Hop {
        kind: "rule",
        object: Some(rule.object.clone()),
        pointer: rule.pointer.clone(),
        verdict: Verdict::Depends,
        sentence: why.to_owned(),
    }
}

fn place_of(listener: &Listener) -> String {
    match (listener.speaks, listener.port) {
        (Speaks::Web, _) => "80/HTTP and 443/HTTPS".to_owned(),
        (speaks, 0) => speaks.name().to_owned(),
        (speaks, port) => format!("{port}/{}", speaks.name()),
    }
}
