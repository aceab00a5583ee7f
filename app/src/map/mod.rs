//! The map: layout, level of detail, node and edge drawing on egui_graphs.

pub mod model;
