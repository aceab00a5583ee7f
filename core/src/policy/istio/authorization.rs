//! AuthorizationPolicies: one union tier. What some DENY rule matches is kept out; a pod that some ALLOW policy is for gets what one of
//! them matches; others get everything (istio.io, reference of AuthorizationPolicy). Only TCP goes through the mesh.

use std::sync::Arc;

use smol_str::SmolStr;

use super::ROOT;
use super::identity::{self, Identity};
use super::membership::{Member, Members, Membership};
use crate::address::AddressBlock;
use crate::labels::{Operator, Requirement, Selector};
use crate::object::{Kind, ObjectKey};
use crate::policy::{Action, BlockKind, NamespaceScope, Peer, PeerKind, PodSelector, Policy, Port, PortKind, Rule, Term};
use crate::ports::{PortSet, Protocol};
use crate::record::{AuthorizationAction, AuthorizationPolicyRecord, AuthorizationRule, AuthorizationTarget, MeshSource, Record, Wanted};
use crate::snapshot::{Snapshot, typed};

/// The label that says which Gateway a pod is of.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// The label that says in which namespace the waypoint of a pod, or of the pods of a namespace, lies.
const WAYPOINT_NAMESPACE: &str = "istio.io/use-waypoint-namespace";
/// The class of Gateways that are waypoints: they stand before pods of an ambient mesh.
const WAYPOINT_CLASS: &str = "istio-waypoint";

pub(super) fn compile(snapshot: &Snapshot) -> Vec<Arc<Policy>> {
    let membership = Membership::new(snapshot);
    let compiler = Compiler { snapshot, membership };
    typed!(snapshot, AuthorizationPolicy).flat_map(|(key, record)| compiler.policies(key, record)).map(Arc::new).collect()
}

/// All ports that the mesh does not look at.
pub(super) fn not_tcp() -> PortSet {
    PortSet::all_of(Protocol::Udp).union(&PortSet::all_of(Protocol::Sctp))
}

struct Compiler<'a> {
    snapshot: &'a Snapshot,
    membership: Membership<'a>,
}

/// Whom a policy is for.
struct Subject {
    members: Members,
    /// What must hold for it to be asked there, in words that follow "if".
    condition: Option<String>,
}

impl Compiler<'_> {
    fn policies(&self, key: &ObjectKey, record: &AuthorizationPolicyRecord) -> Vec<Policy> {
        let action = match &record.action {
            AuthorizationAction::Allow => Action::Allow,
            AuthorizationAction::Deny | AuthorizationAction::Custom(_) => Action::Deny,
            AuthorizationAction::Nothing => return Vec::new(),
        };
        if action == Action::Deny && record.rules.is_empty() {
            return Vec::new();
        }
        let own = NamespaceScope::One(key.namespace.clone());
        let subjects: Vec<Subject> = if record.targets.is_empty() {
            let namespaces = if key.namespace == ROOT { NamespaceScope::Matching(Selector::default()) } else { own };
            self.members(&namespaces, &record.selector, None)
        } else {
            record.targets.iter().flat_map(|target| self.of_target(target, key)).collect()
        };
        let policy = |Subject { members, condition }: Subject| {
            let mut rules: Vec<Rule> =
                record.rules.iter().flat_map(|rule| self.rules(rule, &record.action, action, members.member)).collect();
            if action == Action::Allow {
                let ports = vec![Port { pointer: "/spec/rules".into(), kind: PortKind::Set(not_tcp()) }];
                rules.push(Rule::new("/spec/rules", Action::Allow, None, Some(ports)));
            }
            let mut policy = Policy::new(key.clone(), 0, members.selector, Some(rules.into()), None);
            policy.isolates = [action == Action::Allow, false];
            let conditions: Vec<&str> = members.condition.into_iter().chain(condition.as_deref()).collect();
            policy.condition = (!conditions.is_empty()).then(|| conditions.join(" and ").into());
            policy
        };
        subjects.into_iter().map(policy).collect()
    }

    fn members(&self, namespaces: &NamespaceScope, pods: &Selector, condition: Option<String>) -> Vec<Subject> {
        let members = self.membership.subjects(namespaces, pods).into_iter();
        members.map(|members| Subject { members, condition: condition.clone() }).collect()
    }

    /// The pods that a target leads to: a gateway itself is asked at its pods, a waypoint stands before others.
    fn of_target(&self, target: &AuthorizationTarget, key: &ObjectKey) -> Vec<Subject> {
        let own = NamespaceScope::One(key.namespace.clone());
        let name = &target.name;
        match target.kind.as_str() {
            "Gateway" => {
                let gateway = self.snapshot.record(&ObjectKey::new(Kind::Gateway, key.namespace.clone(), name.clone()));
                let class = match gateway {
                    Some(Record::Gateway(gateway)) => Some(&gateway.class),
                    _ => None,
                };
                let pods = Selector::new(vec![Requirement { key: GATEWAY_NAME.into(), operator: Operator::In(vec![name.clone()]) }]);
                let itself = PodSelector::within(own.clone(), pods);
                let itself = Members { selector: itself, member: Member::Sidecar, condition: None };
                let is_waypoint = class.is_none_or(|class| class == WAYPOINT_CLASS);
                let mut subjects =
                    vec![Subject { members: itself, condition: is_waypoint.then(|| format!("it goes to Gateway {name} itself")) }];
                if is_waypoint {
                    let condition = Some(format!("it goes through Gateway {}/{name}, as a waypoint", key.namespace));
                    // Which Services of its namespace go through it, their labels would tell; those of others say so on their namespace or pods.
                    let is_here = || Requirement { key: WAYPOINT_NAMESPACE.into(), operator: Operator::In(vec![key.namespace.clone()]) };
                    let elsewhere =
                        Requirement { key: crate::intake_name_label().into(), operator: Operator::NotIn(vec![key.namespace.clone()]) };
                    let of_namespace = NamespaceScope::Matching(Selector::new(vec![is_here(), elsewhere.clone()]));
                    let of_pod = NamespaceScope::Matching(Selector::new(vec![elsewhere, is_here().negated()]));
                    let ambient =
                        [(own, Selector::default()), (of_namespace, Selector::default()), (of_pod, Selector::new(vec![is_here()]))];
                    let ambient = ambient.into_iter().flat_map(|(namespaces, pods)| self.members(&namespaces, &pods, condition.clone()));
                    subjects.extend(ambient.filter(|subject| subject.members.member == Member::Ambient).map(|mut subject| {
                        // A waypoint reads HTTP.
                        subject.members.member = Member::Sidecar;
                        subject
                    }));
                }
                subjects
            }
            "Service" => {
                let service = self.snapshot.record(&ObjectKey::new(Kind::Service, key.namespace.clone(), name.clone()));
                let Some(Record::Service(service)) = service else { return Vec::new() };
                let Some(pods) = &service.selector else { return Vec::new() };
                let condition = format!("it goes through the waypoint of Service {}/{name}", key.namespace);
                let mut subjects = self.members(&own, pods, Some(condition));
                subjects.retain(|subject| subject.members.member == Member::Ambient);
                subjects.iter_mut().for_each(|subject| subject.members.member = Member::Sidecar);
                subjects
            }
            // What goes out through a waypoint is not asked here.
            _ => Vec::new(),
        }
    }

    fn rules(&self, rule: &AuthorizationRule, of: &AuthorizationAction, action: Action, member: Member) -> Vec<Rule> {
        if rule.is_faulty && action == Action::Allow {
            return Vec::new();
        }
        let mut always: Vec<String> = Vec::new();
        if rule.is_faulty {
            always.push("the rule, a part of which cannot be read, matches".to_owned());
        }
        if let AuthorizationAction::Custom(provider) = of {
            always.push(format!("the provider {provider} denies it"));
        }
        let mut compiled: Vec<(Rule, String)> = Vec::new();
        for (to_pointer, ports, to_words) in operations(rule) {
            let ports = ports.intersection(&rule.when_ports);
            if ports.is_empty() {
                continue;
            }
            for source in self.sources(rule) {
                let mut asked = Vec::new();
                let words: Vec<&SmolStr> = source.words.iter().chain(to_words).chain(&rule.when_words).collect();
                if !words.is_empty() {
                    asked.push(in_words(&words, action, member));
                }
                asked.extend(always.iter().cloned().chain(source.conditions));
                let condition = asked.join(" and ");
                let ports = vec![Port { pointer: to_pointer.clone(), kind: PortKind::Set(ports.clone()) }];
                let one = Rule::new(rule.pointer.clone(), action, source.peer.map(|peer| vec![peer]), Some(ports));
                // What differs in nothing but its source is one rule.
                match compiled.iter_mut().find(|(known, of)| *of == condition && known.ports == one.ports) {
                    Some((known, _)) => {
                        known.peers = match (known.peers.take(), one.peers) {
                            (Some(a), Some(b)) => Some(a.into_iter().chain(b).collect()),
                            _ => None,
                        };
                    }
                    None => compiled.push((one, condition)),
                }
            }
        }
        compiled.into_iter().map(|(rule, condition)| if condition.is_empty() { rule } else { rule.under(condition) }).collect()
    }

    /// The sources of a rule, each with what is asked of every source besides.
    fn sources(&self, rule: &AuthorizationRule) -> Vec<Source> {
        let when = || rule.when.iter();
        if rule.from.is_empty() {
            return self.source(&rule.pointer, when().collect());
        }
        rule.from.iter().flat_map(|from| self.source(&from.pointer, std::iter::once(from).chain(when()).collect())).collect()
    }

    /// A source that must be all of these, as one peer; or as several, where some of the values hang on something.
    fn source(&self, pointer: &SmolStr, asked: Vec<&MeshSource>) -> Vec<Source> {
        let mut variants = vec![(Vec::<Term>::new(), Vec::<String>::new())];
        for one in &asked {
            let any = [
                (!one.principals.any.is_empty(), one.principals.any.iter().map(|text| identity::of_principal(text)).collect::<Vec<_>>()),
                (!one.namespaces.any.is_empty(), one.namespaces.any.iter().map(|text| identity::of_namespace(text)).collect()),
                (!one.accounts.any.is_empty(), one.accounts.any.iter().map(|(space, name)| identity::of_account(space, name)).collect()),
            ];
            for (_, identities) in any.into_iter().filter(|(is_asked, _)| *is_asked) {
                let of = |identities: Vec<&Identity>| Term { is_negated: false, any: self.who(identities).into() };
                let (certain, hanging): (Vec<&Identity>, Vec<&Identity>) =
                    identities.iter().partition(|identity| identity.condition.is_none());
                let mut choices: Vec<(Term, Option<String>)> = Vec::new();
                if !certain.is_empty() {
                    choices.push((of(certain), None));
                }
                choices.extend(hanging.into_iter().map(|identity| (of(vec![identity]), identity.condition.clone())));
                variants = variants
                    .iter()
                    .flat_map(|(terms, conditions)| {
                        choices.iter().map(|(term, condition)| {
                            let terms = terms.iter().cloned().chain([term.clone()]).collect();
                            (terms, conditions.iter().cloned().chain(condition.clone()).collect())
                        })
                    })
                    .collect();
            }
            let none: Vec<Identity> = (one.principals.none.iter().map(|text| identity::of_principal(text)))
                .chain(one.namespaces.none.iter().map(|text| identity::of_namespace(text)))
                .chain(one.accounts.none.iter().map(|(space, name)| identity::of_account(space, name)))
                .collect();
            let (certain, hanging): (Vec<&Identity>, Vec<&Identity>) = none.iter().partition(|identity| identity.condition.is_none());
            for (terms, conditions) in &mut variants {
                if !certain.is_empty() {
                    terms.push(Term { is_negated: true, any: self.who(certain.clone()).into() });
                }
                conditions.extend(
                    hanging.iter().filter_map(|identity| identity.condition.as_ref()).map(|words| format!("it is not so that {words}")),
                );
                terms.extend(blocks(&one.blocks));
            }
        }
        let words: Vec<SmolStr> = asked.iter().flat_map(|one| one.words.iter().cloned()).collect();
        let peer = |terms: Vec<Term>| (!terms.is_empty()).then(|| Peer { pointer: pointer.clone(), kind: PeerKind::all(terms) });
        variants.into_iter().map(|(terms, conditions)| Source { peer: peer(terms), words: words.clone(), conditions }).collect()
    }

    /// The pods of the mesh that are some of these.
    fn who(&self, identities: Vec<&Identity>) -> Vec<PeerKind> {
        let pods = identities.into_iter().flat_map(|identity| self.membership.peers(&identity.namespaces, &identity.pods));
        pods.map(PeerKind::Pods).collect()
    }
}

/// A source of a rule.
struct Source {
    /// Who it is; `None` for everybody.
    peer: Option<Peer>,
    /// What is asked of the request.
    words: Vec<SmolStr>,
    /// What else must hold.
    conditions: Vec<String>,
}

/// The operations of a rule: where they stand, their ports, and what is asked of requests.
fn operations(rule: &AuthorizationRule) -> Vec<(SmolStr, PortSet, &[SmolStr])> {
    if rule.to.is_empty() {
        return vec![(rule.pointer.clone(), PortSet::all_of(Protocol::Tcp), &[])];
    }
    rule.to.iter().map(|to| (to.pointer.clone(), to.ports.clone(), to.words.as_slice())).collect()
}

/// Who has one of these addresses, and none of those.
fn blocks(blocks: &Wanted<ipnet::IpNet>) -> Vec<Term> {
    let term = |is_negated: bool, nets: &[ipnet::IpNet]| {
        let any = nets.iter().map(|net| PeerKind::Block(BlockKind::Anybody, AddressBlock::new(*net, &[]))).collect();
        (!nets.is_empty()).then_some(Term { is_negated, any })
    };
    [term(false, &blocks.any), term(true, &blocks.none)].into_iter().flatten().collect()
}

/// What is asked of a request, in words that follow "if": ztunnel, which reads no request, leaves an `ALLOW` rule out, and asks a `DENY`
/// rule for the rest (istiod, `ambient/authorization.go`).
fn in_words(words: &[&SmolStr], action: Action, member: Member) -> String {
    let asked = words.iter().map(|words| words.as_str()).collect::<Vec<_>>().join(" and ");
    match (member, action) {
        (Member::Sidecar, _) => asked,
        (Member::Ambient, Action::Allow) => format!("{asked} and a waypoint asks, since ztunnel leaves out a rule on requests"),
        (Member::Ambient, _) => format!("ztunnel asks, which leaves out what the rule asks of requests, or {asked}"),
    }
}
