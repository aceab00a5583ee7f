//! The map as a picture that leaves the program: SVG, PNG and DOT of one model in its places. Equal pictures give equal bytes.

mod dot;
mod legend;
mod paper;
mod png;
mod svg;
mod xml;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::action::Reach;
use super::focus::{Connected, connected};
use super::layout::{self, Layout};
use super::measure::TextWidths;
use super::model::{Id, MapModel};
use super::scene::Scene;
use super::view::MapView;

pub use png::MAX_SIDE;

/// What a picture is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Medium {
    /// Lines and text, for a browser and a pull request
    Svg,
    /// Pixels, two for each point
    Png,
    /// Nodes and edges without places, for Graphviz
    Dot,
}

impl Medium {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::Dot];

    /// How the names of its files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Dot => "dot",
        }
    }

    /// The medium that the name of a file asks for.
    ///
    /// # Errors
    /// It asks for none of them, in a sentence.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
        match Self::ALL.into_iter().find(|medium| medium.extension() == extension) {
            Some(medium) => Ok(medium),
            None => bail!("{} does not end in .svg, .png or .dot", path.display()),
        }
    }
}

/// A model in its places, and how it is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What is shown.
    pub model: Arc<MapModel>,
    /// Where it is shown.
    pub layout: Arc<Layout>,
    /// What is selected: a node, a group, an edge or a way.
    pub selected: Option<Id>,
    /// Whether it is dark, as the window's palettes are.
    pub dark: bool,
    /// What it is a picture of, in short pieces: where it comes from, counts, filters.
    pub caption: Vec<String>,
    /// What is connected to the selection; what is not is dimmed.
    connected: Option<Connected>,
}

impl Picture {
    /// A picture of a model, laid out as the window lays it out when it sees it for the first time.
    pub fn of(model: Arc<MapModel>, selected: Option<Id>, dark: bool) -> Self {
        let mut widths = TextWidths::without_window();
        let layout = layout::lay_out(&model, None, &mut |text, face| widths.width(text, face));
        Self::seen(&Scene::new(model, Arc::new(layout), egui::Id::NULL), selected, Reach::Direct, dark)
    }

    fn seen(scene: &Scene, selected: Option<Id>, reach: Reach, dark: bool) -> Self {
        let connected = connected(scene, selected.as_deref(), reach);
        Self { model: Arc::clone(&scene.model), layout: Arc::clone(&scene.layout), selected, dark, caption: Vec::new(), connected }
    }

    /// The same under a caption.
    #[must_use]
    pub fn captioned(self, caption: Vec<String>) -> Self {
        Self { caption, ..self }
    }

    /// The bytes of a file of this picture.
    ///
    /// # Errors
    /// Pixels cannot be made of it.
    pub fn render(&self, medium: Medium) -> Result<Vec<u8>> {
        match medium {
            Medium::Svg => Ok(svg::write(self).into_bytes()),
            Medium::Png => png::render(&svg::write(self)),
            Medium::Dot => Ok(dot::write(self).into_bytes()),
        }
    }

    /// Writes it into a file, as a whole or not at all; in `medium`, or in that which the file's name asks for.
    ///
    /// # Errors
    /// The name asks for no medium, or the file cannot be written; in a sentence that names it.
    pub fn save(&self, path: &Path, medium: Option<Medium>) -> Result<()> {
        let medium = medium.map_or_else(|| Medium::of(path), Ok)?;
        crate::files::replace(path, &self.render(medium)?).with_context(|| format!("{} cannot be written", path.display()))
    }

    fn is_dimmed(&self, node: usize) -> bool {
        self.connected.as_ref().is_some_and(|connected| connected.nodes.get(node) == Some(&false))
    }

    fn is_edge_dimmed(&self, edge: usize) -> bool {
        self.connected.as_ref().is_some_and(|connected| connected.edges.get(edge) == Some(&false))
    }

    fn is_selected(&self, id: &str) -> bool {
        self.selected.as_deref() == Some(id)
    }
}

impl MapView {
    /// What it shows as a picture; `None` while it shows nothing.
    pub fn picture(&self, dark: bool) -> Option<Picture> {
        let scene = self.scene.as_ref().filter(|scene| !scene.model.nodes.is_empty())?;
        Some(Picture::seen(scene, self.selected.clone(), self.reach, dark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_asks_for_a_medium() {
        let asked = |path: &str| Medium::of(Path::new(path)).map_err(|error| error.to_string());
        assert_eq!(asked("a/map.svg"), Ok(Medium::Svg));
        assert_eq!(asked("MAP.PNG"), Ok(Medium::Png));
        assert_eq!(asked("map.dot"), Ok(Medium::Dot));
        assert_eq!(asked("map.jpeg"), Err("map.jpeg does not end in .svg, .png or .dot".to_owned()));
        assert_eq!(asked("svg"), Err("svg does not end in .svg, .png or .dot".to_owned()));
    }
}
