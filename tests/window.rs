//! The real window on the real worker, from opening a source to handing an edit over: what a person does, and what they see.

#[path = "window/assumptions.rs"]
mod assumptions;
#[path = "window/desk.rs"]
mod desk;
#[path = "window/editing.rs"]
mod editing;
#[path = "window/handing_over.rs"]
mod handing_over;
#[path = "window/live.rs"]
mod live;
#[path = "window/looking.rs"]
mod looking;
#[path = "window/manifests.rs"]
mod manifests;
#[path = "window/picturing.rs"]
mod picturing;
#[path = "window/reach.rs"]
mod reach;
#[path = "window/reasons.rs"]
mod reasons;
#[path = "window/ways_in.rs"]
mod ways_in;
#[path = "window/ways_out.rs"]
mod ways_out;
