//! Ways in: through what, and hop by hop, the outside reaches pods, and which hop breaks.

mod annotations;
mod answer;
pub(crate) mod backends;
mod controller;
mod desk;
#[cfg(test)]
mod fixture;
mod gateway;
mod host_ports;
mod ingress;
mod istio;
mod last_hop;
mod matching;
mod openshift;
pub mod request;
mod rewrite;
mod services;
mod table;
mod ways;

pub(crate) use answer::answers;
pub(crate) use ways::Ways;

use serde::Serialize;
use smol_str::SmolStr;

use crate::analysis::Hop;
use crate::inventory::PodId;
use crate::object::ObjectKey;
use crate::peer::Verdict;

/// One way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryPath {
    /// A stable name: the object and the rule.
    pub id: String,
    /// `https://shop.example/cart`, `203.0.113.10:443/TCP`, `any node:30080/TCP`
    pub title: String,
    /// Who takes the requests: `Gateway shop/public`, `Ingress class nginx`, `Service shop/web`, `pod shop/web-0`.
    pub front: String,
    /// The object that opens the way: an Ingress, a route, a VirtualService, a Service, a Pod.
    pub object: ObjectKey,
    /// Where in the object.
    pub pointer: String,
    /// The host that it is for; empty where it is for all or not for HTTP.
    #[serde(skip_serializing_if = "SmolStr::is_empty")]
    pub host: SmolStr,
    /// The path; empty where it is not for HTTP.
    #[serde(skip_serializing_if = "SmolStr::is_empty")]
    pub path: SmolStr,
    /// Whether requests arrive over TLS.
    pub tls: bool,
    /// The share of the rule's requests that go this way, in percent; 100 where it is the only one.
    pub percent: u32,
    /// Where clients connect, as far as it is known: `203.0.113.10:443/TCP`, `lb.example:80/TCP`; for a node's port `*:30080/TCP`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reached_at: Vec<String>,
    /// What comes of a request: the worst of the hops.
    pub verdict: Verdict,
    /// The hops, from outside to the pods.
    pub hops: Vec<Hop>,
    /// The Service that it leads through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ObjectKey>,
    /// The port of the Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_port: Option<u16>,
    /// The pods that it leads to.
    #[serde(skip)]
    pub pods: Vec<PodId>,
    /// The ports of these pods, one for each; `None` for all.
    #[serde(skip)]
    pub pod_ports: Vec<Option<u16>>,
    /// The pods of the controller that it leads through, where they are known.
    #[serde(skip)]
    pub controllers: Vec<PodId>,
}

impl EntryPath {
    /// A way of which no more is known than what opens it and where.
    fn new(id: String, title: String, front: String, object: ObjectKey, pointer: &str) -> Self {
        Self {
            id,
            title,
            front,
            object,
            pointer: pointer.to_owned(),
            host: SmolStr::default(),
            path: SmolStr::default(),
            tls: false,
            percent: 100,
            reached_at: Vec::new(),
            verdict: Verdict::Allowed,
            hops: Vec::new(),
            service: None,
            service_port: None,
            pods: Vec::new(),
            pod_ports: Vec::new(),
            controllers: Vec::new(),
        }
    }

    /// The hop that decides: the first of the worst.
    pub fn deciding_hop(&self) -> Option<&Hop> {
        let worst = self.hops.iter().map(|hop| hop.verdict).max()?;
        if worst == Verdict::Allowed { self.hops.last() } else { self.hops.iter().find(|hop| hop.verdict == worst) }
    }

    /// The sentence of the hop that decides.
    pub fn deciding_sentence(&self) -> &str {
        self.deciding_hop().map_or("", |hop| &hop.sentence)
    }

    /// Adds a hop. Returns whether the way goes on.
    fn hop(
        &mut self,
        kind: &'static str,
        object: Option<&ObjectKey>,
        pointer: impl Into<String>,
        verdict: Verdict,
        sentence: impl Into<String>,
    ) -> bool {
        self.verdict = self.verdict.and(verdict);
        self.hops.push(Hop { kind, object: object.cloned(), pointer: pointer.into(), verdict, sentence: sentence.into() });
        verdict != Verdict::Denied
    }
}
