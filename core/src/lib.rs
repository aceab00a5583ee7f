//! Computes what a Kubernetes cluster's network configuration lets through, and why.
//!
//! ```text
//!  object --> record --> snapshot --> policies --> classes --> reachability --> answers with reasons
//!                           ^                                                       |
//!  edit --> overlay --------+                                       difference <----+--> export
//! ```
//!
//! Invariants:
//! - No input or output, no clock, no thread: everything here is a function of its arguments, and so cannot fail. A malformed object
//!   becomes a [`Warning`] that names the object and the field, and the analysis of the rest goes on.
//! - `intake` is the only place that names `k8s_openapi`; after it there are records only.
//! - An `Analysis` is immutable and answers by itself; a host applies changes and makes the next one.
//! - A verdict that hangs on something nobody settled is *depends*, and says on what.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo, clippy::unimplemented)
)]

pub mod address;
pub mod analysis;
pub mod assumptions;
pub mod egress;
pub mod entry;
mod ids;
pub mod intake;
pub mod intervals;
pub mod inventory;
pub mod labels;
pub mod object;
mod ordered;
pub mod peer;
pub mod policy;
pub mod ports;
pub mod reachability;
pub mod record;
mod selector;
pub mod snapshot;
pub mod text;
pub mod whatif;

pub(crate) use intake::name_label as intake_name_label;

pub use ids::{Id, Table};
pub use object::{Kind, Object, ObjectKey, Warning, unevaluated, unevaluated_kind, unevaluated_kinds};
