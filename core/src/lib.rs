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
//! - An [`analysis::Analysis`] is immutable and answers by itself; a host applies changes and makes the next one.
//! - A verdict that hangs on something nobody settled is *depends*, and says on what.

pub mod intake;
pub mod object;

pub use object::{Kind, Object, ObjectKey, Warning};
