//! Portolan, the program: the map and the panels around it.

pub mod command;
pub mod map;
pub mod panels;
pub mod theme;
pub mod view_model;
pub mod window;
