//! Ways in: through what, and hop by hop, the outside reaches pods, and which hop breaks.

pub(crate) mod backends;
mod controller;
mod ingress;
mod load_balancer;

use serde::Serialize;
use smol_str::SmolStr;

use crate::analysis::{Analysis, Hop};
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
    /// The object that opens the way: an Ingress or a Service.
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
    /// What comes of a request: the worst of the hops.
    pub verdict: Verdict,
    /// The hops, from outside to the pods.
    pub hops: Vec<Hop>,
    /// The Service that it leads through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ObjectKey>,
    /// The pods that it leads to.
    #[serde(skip)]
    pub pods: Vec<PodId>,
    /// The pods of the controller that it leads through, where they are known.
    #[serde(skip)]
    pub controllers: Vec<PodId>,
}

impl EntryPath {
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

/// All ways in: Ingresses first, then Services, by namespace and name.
pub(crate) fn paths(analysis: &Analysis) -> Vec<EntryPath> {
    let mut paths = ingress::paths(analysis);
    paths.extend(load_balancer::paths(analysis));
    paths
}
