//! The panels around the map. Each is a function that draws a part of a [`crate::view_model::View`] and a little state of its own, and
//! pushes what the person asks for onto a list of [`crate::command::Command`]s. None of them reads a file, waits or computes a verdict.

pub mod actions;
pub mod assumptions_dialog;
pub mod dialogs;
pub mod difference;
pub mod discard_dialog;
pub mod editor;
pub mod edits;
pub mod exposure;
pub mod inspector;
pub mod legend;
pub mod name_dialog;
pub mod namespaces;
pub mod palette;
pub mod parts;
pub mod path_dialog;
pub mod search;
pub mod show;
pub mod sketch;
pub mod status;
pub mod strip;
pub mod top_bar;
pub mod why;
pub mod yaml;
