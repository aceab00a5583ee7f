//! Istio: AuthorizationPolicies for what enters pods of the mesh, and what Sidecars let out of them.

mod authorization;
mod hosts;
mod identity;
mod membership;
mod outbound;
#[cfg(test)]
mod tests;

use super::{Tier, TierMode};
use crate::assumptions::Assumptions;
use crate::object::Kind;
use crate::snapshot::Snapshot;

/// The namespace of the mesh itself, whose policies are for all namespaces: `rootNamespace` of the mesh's configuration, by default.
const ROOT: &str = "istio-system";

/// The tiers of the mesh plane.
pub(super) fn compile(snapshot: &Snapshot, assumptions: &Assumptions) -> Vec<Tier> {
    let tier = |name: &str, kinds, compiled| Tier { name: name.into(), mode: TierMode::Union, kinds, on_arrival: &[], compiled };
    vec![
        tier("AuthorizationPolicy", &[Kind::AuthorizationPolicy], authorization::compile(snapshot)),
        tier("Sidecar", &[Kind::Sidecar, Kind::ServiceEntry], outbound::compile(snapshot, assumptions)),
    ]
}
