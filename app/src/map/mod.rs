//! The map: layout, level of detail, node and edge drawing on egui_graphs.

pub mod action;
pub mod camera;
pub mod crowd;
pub mod drafter;
pub mod edge;
pub mod elide;
pub mod focus;
pub mod frame_cache;
pub mod graph_widget;
pub mod input;
pub mod layout;
pub mod measure;
pub mod model;
pub mod motion;
pub mod node;
pub mod order;
pub mod overlay;
pub mod picture;
pub mod place;
pub mod route;
pub mod scene;
pub mod shapes;
pub mod stops;
pub mod view;
pub mod walk;

pub use action::{MapAction, Reach, Side};
pub use view::{MapEvent, MapView};
