//! Portolan, the program: sources of objects, the worker that owns the analysis, the window, and the command line.

pub mod command;
pub mod map;
pub mod source;
pub mod theme;
pub mod view_model;
