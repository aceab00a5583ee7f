//! Portolan, the program: sources of objects, the worker that owns the analysis, the window, and the command line.

pub mod cli;
pub mod command;
mod files;
pub mod launch;
pub mod map;
pub mod panels;
pub mod session;
pub mod source;
pub mod theme;
pub mod view_model;
pub mod window;
pub mod worker;
