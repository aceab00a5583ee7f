//! Ways in through Ingresses (networking/v1): which class serves one, and its rules.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::controller::{self, Controller};
use super::last_hop::controller_hop;
use super::matching::{Host, Match, Path};
use super::table::{Action, Destination, Fallback, Front, Listener, Order, PortRef, Rewrite, Rule, Speaks, Target};
use super::{annotations, ways};
use crate::analysis::{Analysis, Hop};
use crate::object::{Kind, ObjectKey};
use crate::peer::Verdict;
use crate::record::{IngressBackend, IngressClassRecord, IngressRecord, LoadBalancerAddress, PathMatch, PathType};
use crate::snapshot::typed;

/// One front for each class and the controller that serves it.
pub(super) fn fronts(analysis: &Analysis) -> Vec<Front> {
    let mut fronts: BTreeMap<(SmolStr, Vec<crate::inventory::PodId>), Front> = BTreeMap::new();
    // Finding a controller looks through all Services and pods: once for all that ask alike.
    let mut controllers: FxHashMap<(SmolStr, SmolStr, Vec<LoadBalancerAddress>), Controller> = FxHashMap::default();
    for (key, ingress) in typed!(analysis.snapshot(), Ingress) {
        let class = Class::of(analysis, key, ingress);
        let wanted = (class.name.clone(), class.controller.clone(), ingress.addresses.clone());
        let controller = controllers
            .entry(wanted)
            .or_insert_with(|| controller::find(analysis, &ingress.addresses, &class.name, &class.controller))
            .clone();
        let n_fronts = fronts.keys().filter(|(name, _)| *name == class.name).count();
        let front = fronts.entry((class.name.clone(), controller.pods.clone())).or_insert_with(|| {
            let id =
                if n_fronts == 0 { format!("ingress-class/{}", class.name) } else { format!("ingress-class/{}/{n_fronts}", class.name) };
            let title =
                if class.name.is_empty() { "Ingresses without a class".to_owned() } else { format!("Ingress class {}", class.name) };
            let mut front = ways::front(id, title, None);
            front.controller = controller.clone();
            front.unmatched = (404, "its default backend");
            front.listeners.push(Listener {
                name: SmolStr::default(),
                port: 0,
                speaks: Speaks::Web,
                host: Host::Any,
                object: None,
                pointer: String::new(),
                hops: Vec::new(),
            });
            // networking/v1 IngressRule: the host is matched before the paths. What becomes of a path that a host's rules do not
            // have, while those of a wider host do, no text says.
            front.fallback = Fallback::Unknown;
            front
        });
        Compiler { analysis, key, ingress, class: &class, controller: &controller }.rules(&mut front.rules);
    }
    fronts.into_values().collect()
}

/// The class that serves an Ingress.
struct Class {
    /// Its name; empty where none is known.
    name: SmolStr,
    /// Its controller; empty where it is not known.
    controller: SmolStr,
    /// What is said of it.
    hop: Hop,
}

impl Class {
    fn of(analysis: &Analysis, key: &ObjectKey, ingress: &IngressRecord) -> Self {
        let classes: Vec<(&ObjectKey, &IngressClassRecord)> =
            typed!(analysis.snapshot(), IngressClass).map(|(key, class)| (key, &**class)).collect();
        let pointer = if ingress.class.is_empty() { "" } else { "/spec/ingressClassName" };
        let hop = |object: &ObjectKey, pointer: &str, verdict, sentence: String| Hop {
            kind: "class",
            object: Some(object.clone()),
            pointer: pointer.to_owned(),
            verdict,
            sentence,
        };
        let found = |class_key: &ObjectKey, class: &IngressClassRecord, sentence| Self {
            name: class_key.name.clone(),
            controller: class.controller.clone(),
            hop: hop(class_key, "", Verdict::Allowed, sentence),
        };
        let unknown = |verdict, sentence| Self {
            name: ingress.class.clone(),
            controller: SmolStr::default(),
            hop: hop(key, pointer, verdict, sentence),
        };
        let is_unseen = analysis.snapshot().unseen.holds(Kind::IngressClass, "");
        if ingress.class.is_empty() {
            let defaults: Vec<_> = classes.iter().filter(|(_, class)| class.is_default).collect();
            return match defaults.as_slice() {
                [(class_key, class)] => found(class_key, class, format!("it names no class, and {} is the default", class_key.name)),
                [] => {
                    let why = "it names no class, and no class is the default: a controller may take it all the same";
                    unknown(Verdict::Depends, why.to_owned())
                }
                many => {
                    let n = many.len();
                    unknown(
                        Verdict::Depends,
                        format!("it names no class, and {n} classes are the default: the server refuses such an Ingress"),
                    )
                }
            };
        }
        match classes.iter().find(|(class_key, _)| class_key.name == ingress.class) {
            Some((class_key, class)) if class.controller.is_empty() => Self {
                name: class_key.name.clone(),
                controller: SmolStr::default(),
                hop: hop(
                    class_key,
                    "/spec/controller",
                    Verdict::Denied,
                    format!("class {} names no controller: nobody serves it", class_key.name),
                ),
            },
            Some((class_key, class)) => found(class_key, class, format!("class {} is served by {}", class_key.name, class.controller)),
            None if is_unseen => {
                let sentence = format!("class {} may be there: IngressClasses may not be listed", ingress.class);
                unknown(Verdict::Depends, sentence)
            }
            None if classes.is_empty() => {
                let sentence = format!("class {} is taken to be served: no IngressClass is among the objects", ingress.class);
                unknown(Verdict::Allowed, sentence)
            }
            None => unknown(Verdict::Denied, format!("there is no IngressClass {}: no controller serves it", ingress.class)),
        }
    }
}

struct Compiler<'a> {
    analysis: &'a Analysis,
    key: &'a ObjectKey,
    ingress: &'a IngressRecord,
    class: &'a Class,
    controller: &'a Controller,
}

impl Compiler<'_> {
    fn rules(&self, rules: &mut Vec<Rule>) {
        for (rule_index, rule) in self.ingress.rules.iter().enumerate() {
            let host = Host::parse(&rule.host, true);
            if rule.paths.is_empty() {
                // networking/v1 IngressRuleValue: a rule without paths takes all of its host, for the default backend.
                let action = match &self.ingress.default_backend {
                    Some(backend) => self.forward(backend, "/spec/defaultBackend".to_owned()),
                    None => Action::Unknown {
                        sentence: format!("Ingress {} has no paths for {host}: its controller decides", self.key.path()),
                        pointer: format!("/spec/rules/{rule_index}"),
                    },
                };
                rules.push(self.rule(format!("/spec/rules/{rule_index}"), host, Path::Any, (rule_index, 0), action));
                continue;
            }
            for (path_index, path) in rule.paths.iter().enumerate() {
                let pointer = format!("/spec/rules/{rule_index}/http/paths/{path_index}");
                let action = self.forward(&path.backend, format!("{pointer}/backend"));
                let matched = self.path(&path.path, path.path_type);
                rules.push(self.rule(pointer, host.clone(), matched, (rule_index, path_index), action));
            }
        }
        if let Some(backend) = &self.ingress.default_backend {
            let pointer = "/spec/defaultBackend".to_owned();
            let action = self.forward(backend, pointer.clone());
            let mut rule = self.rule(pointer, Host::Any, Path::Any, (usize::MAX, 0), action);
            rule.is_default = true;
            rules.push(rule);
        }
    }

    fn rule(&self, pointer: String, host: Host, path: Path, index: (usize, usize), action: Action) -> Rule {
        let mut hops = vec![self.class.hop.clone()];
        if self.class.hop.verdict != Verdict::Denied {
            hops.push(controller_hop(self.analysis, self.controller));
        }
        hops.extend(annotations::hops(self.key, self.ingress));
        Rule {
            id: format!("ingress/{}{pointer}", self.key.path()),
            object: self.key.clone(),
            pointer,
            listener: Some(0),
            is_covered: self.is_covered(&host),
            host,
            matching: Match { path, ..Match::default() },
            order: Order::Undefined {
                created: self.ingress.created.clone(),
                path: self.key.path(),
                index,
                oldest_wins: controller::oldest_wins(&self.class.controller),
            },
            action,
            hops,
            rewrite: Rewrite::default(),
            is_default: false,
        }
    }

    /// What `ImplementationSpecific` means is known of some controllers.
    fn path(&self, text: &SmolStr, path_type: PathType) -> Path {
        match path_type {
            PathType::Exact => Path::Is(PathMatch::Exact(text.clone())),
            PathType::Prefix => Path::Is(PathMatch::Prefix(text.clone())),
            PathType::ImplementationSpecific if text.is_empty() => Path::Any,
            PathType::ImplementationSpecific if self.reads_text_prefixes() => Path::Is(PathMatch::TextPrefix(text.clone())),
            PathType::ImplementationSpecific => Path::AsController(text.clone()),
        }
    }

    fn reads_text_prefixes(&self) -> bool {
        controller::reads_text_prefixes(&self.class.controller) && !annotations::has_expressions(self.ingress)
    }

    /// Whether a TLS block covers a host: no hosts cover all, a certificate for `*.example` one label more.
    fn is_covered(&self, host: &Host) -> bool {
        let covers = |covered: &SmolStr| match (Host::parse(covered, true), host) {
            (Host::Any, _) => true,
            (covered, Host::Exact(name)) => covered.takes(name),
            (covered, other) => covered == *other,
        };
        self.ingress.tls.iter().any(|tls| tls.hosts.is_empty() || tls.hosts.iter().any(covers))
    }

    fn forward(&self, backend: &IngressBackend, pointer: String) -> Action {
        let to = match backend {
            IngressBackend::Service { name, port } => Destination::Service {
                key: ObjectKey::new(Kind::Service, self.key.namespace.clone(), name.clone()),
                port: PortRef::Service(port.clone()),
                subset: None,
            },
            IngressBackend::Resource(resource) => Destination::Other {
                kind: "resource",
                sentence: format!("its backend is {resource}, which its controller alone understands"),
            },
            IngressBackend::Invalid => Destination::Broken {
                kind: "rule",
                object: None,
                status: 503,
                sentence: "the backend names neither a Service nor a resource".to_owned(),
            },
        };
        Action::Forward(vec![Target { weight: 1, pointer, to, rewrite: Rewrite::default(), redirect: None, hops: Vec::new() }])
    }
}
