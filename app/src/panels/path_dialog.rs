//! The dialogs that ask for a path: export the sketch, save a picture of the map, open manifests. Each has a field to type the path into, since the system's
//! own dialog may be missing, and a button for the system's dialog, since typing is tedious.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use egui::{Ui, vec2};

use super::dialogs::FileDialogs;
use super::parts;
use super::yaml::Highlighter;
use crate::command::Command;
use crate::map::picture::Medium;
use crate::theme::{self, Palette};
use crate::view_model::View;

/// What the path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Write the edited objects to a file.
    Export,
    /// Write a picture of the map to a file.
    Picture,
    /// Read a folder of manifests.
    OpenFolder,
    /// Read files of manifests.
    OpenFiles,
}

impl Purpose {
    const fn title(self) -> &'static str {
        match self {
            Self::Export => "Export the sketch",
            Self::Picture => "Save the map as a picture",
            Self::OpenFolder => "Open a folder of manifests",
            Self::OpenFiles => "Open manifests",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Export => "The edited objects as YAML, ready for kubectl apply. Deleted objects are listed in a file beside it.",
            Self::Picture => "The map as it is shown, as an SVG, a PNG or a DOT file for Graphviz, as the end of the name says.",
            Self::OpenFolder => "Every .yaml, .yml and .json file in the folder and below it is read.",
            Self::OpenFiles => "One path, or several with a semicolon between them.",
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Export | Self::Picture => "Path of the file",
            Self::OpenFolder => "Path of the folder",
            Self::OpenFiles => "Paths of the files",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Export | Self::Picture => "Save",
            Self::OpenFolder | Self::OpenFiles => "Open",
        }
    }

    /// Whether it writes a file.
    const fn saves(self) -> bool {
        matches!(self, Self::Export | Self::Picture)
    }
}

/// What the system's dialog answered.
type Answer = Option<Vec<PathBuf>>;

/// An open dialog.
#[derive(Debug)]
pub struct PathDialog {
    purpose: Purpose,
    path: String,
    suggested: String,
    note: String,
    /// The path that will be replaced when Save is pressed once more.
    replaces: Option<PathBuf>,
    is_browsing: bool,
    /// Whether the field is to get the keyboard.
    wants_focus: bool,
    answers: (Sender<Answer>, Receiver<Answer>),
    highlighter: Highlighter,
}

impl PathDialog {
    /// Opens the dialog; `sketch_name` gives the file its name.
    pub fn new(purpose: Purpose, sketch_name: &str) -> Self {
        let suggested = if purpose == Purpose::Picture { "map.svg".to_owned() } else { file_name(sketch_name) };
        let path = if purpose.saves() { start_folder().join(&suggested).display().to_string() } else { String::new() };
        Self {
            purpose,
            path,
            suggested,
            note: String::new(),
            replaces: None,
            is_browsing: false,
            wants_focus: true,
            answers: channel(),
            highlighter: Highlighter::default(),
        }
    }

    /// Draws the dialog. Returns whether it stays open.
    pub fn show(&mut self, ctx: &egui::Context, view: &View, dialogs: &dyn FileDialogs, commands: &mut Vec<Command>) -> bool {
        let mut stays_open = !self.take_answer(commands);
        let modal = parts::modal(ctx, "path dialog", |ui| {
            ui.set_width(560.0_f32.min(ui.ctx().content_rect().width() - 64.0));
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let palette = Palette::of(ui);
            parts::label(ui, self.purpose.title(), theme::semibold(theme::size::TITLE), palette.text);
            ui.add(egui::Label::new(egui::RichText::new(self.purpose.explanation()).color(palette.muted)).wrap());
            self.field_ui(ui, dialogs);
            if !self.note.is_empty() {
                ui.add(egui::Label::new(egui::RichText::new(&self.note).color(palette.depends)).wrap());
            }
            if self.purpose == Purpose::Export {
                self.preview_ui(ui, view);
            }
            ui.add_space(4.0);
            self.buttons_ui(ui, view, commands)
        });
        stays_open &= !modal.inner && !modal.should_close();
        stays_open
    }

    fn field_ui(&mut self, ui: &mut Ui, dialogs: &dyn FileDialogs) {
        parts::row_from_right(ui, 28.0, |ui| {
            let browse = ui.add_enabled(!self.is_browsing, egui::Button::new("Browse…").min_size(vec2(0.0, 28.0)));
            if browse.on_disabled_hover_text("A dialog of the system is open").clicked() {
                self.browse(ui.ctx(), dialogs);
            }
            let edit = egui::TextEdit::singleline(&mut self.path).id_salt("path").margin(egui::Margin::symmetric(8, 6));
            let response = ui.add(edit.desired_width(f32::INFINITY));
            parts::name_field(ui, &response, self.purpose.field());
            if self.wants_focus {
                response.request_focus();
                self.wants_focus = false;
            }
            if response.changed() {
                self.note.clear();
                self.replaces = None;
            }
        });
    }

    fn preview_ui(&mut self, ui: &mut Ui, view: &View) {
        let palette = Palette::of(ui);
        let frame = egui::Frame::NONE.fill(palette.canvas).stroke(egui::Stroke::new(1.0, palette.line)).corner_radius(6).inner_margin(8);
        frame.show(ui, |ui| {
            egui::ScrollArea::both().id_salt("export preview").max_height(240.0).auto_shrink([false, true]).show(ui, |ui| {
                let text = &view.sketch.export_yaml;
                if text.is_empty() {
                    parts::label(
                        ui,
                        "Nothing is edited yet, so the file would be empty.",
                        theme::regular(theme::size::TEXT),
                        palette.muted,
                    );
                } else {
                    ui.add(egui::Label::new(self.highlighter.highlight(text, palette)).extend());
                }
            });
        });
    }

    /// Draws the buttons and returns whether the dialog is done.
    fn buttons_ui(&mut self, ui: &mut Ui, view: &View, commands: &mut Vec<Command>) -> bool {
        let mut is_done = false;
        parts::row_from_right(ui, 28.0, |ui| {
            let verb = if self.replaces.is_some() { "Replace" } else { self.purpose.verb() };
            let can_go = !self.path.trim().is_empty();
            let go = ui.add_enabled(can_go, egui::Button::new(verb).min_size(vec2(72.0, 28.0)));
            let enter = parts::enter(ui) && can_go;
            let cancel = ui.add(egui::Button::new("Cancel").min_size(vec2(72.0, 28.0)));
            if self.purpose == Purpose::Export {
                let can_copy = !view.sketch.export_yaml.is_empty();
                let copy = ui.add_enabled(can_copy, egui::Button::new("Copy to clipboard").min_size(vec2(0.0, 28.0)));
                if copy.clicked() {
                    ui.ctx().copy_text(view.sketch.export_yaml.clone());
                    self.note = "copied to the clipboard".to_owned();
                }
            }
            let goes = go.clicked() || enter;
            is_done = cancel.clicked() || (goes && self.go(commands));
            // What is wrong with a path is mended in the field.
            self.wants_focus |= goes && !is_done;
        });
        is_done
    }

    /// Does what the dialog is for. Returns whether it is done.
    fn go(&mut self, commands: &mut Vec<Command>) -> bool {
        match self.purpose {
            Purpose::Export | Purpose::Picture => {
                let path = expand_home(self.path.trim());
                if self.purpose == Purpose::Picture
                    && let Err(error) = Medium::of(&path)
                {
                    self.note = error.to_string();
                    return false;
                }
                if path.is_dir() {
                    self.note = "that is a folder, add a file name to it".to_owned();
                    return false;
                }
                if path.exists() && self.replaces.as_ref() != Some(&path) {
                    self.note = "a file of that name exists, press Replace to overwrite it".to_owned();
                    self.replaces = Some(path);
                    return false;
                }
                commands.push(if self.purpose == Purpose::Export { Command::ExportTo(path) } else { Command::SavePicture(path) });
            }
            Purpose::OpenFolder => commands.push(Command::OpenManifests(vec![expand_home(self.path.trim())])),
            Purpose::OpenFiles => {
                let paths = self.path.split(';').map(str::trim).filter(|path| !path.is_empty()).map(expand_home);
                commands.push(Command::OpenManifests(paths.collect()));
            }
        }
        true
    }

    fn browse(&mut self, ctx: &egui::Context, dialogs: &dyn FileDialogs) {
        self.is_browsing = true;
        self.note.clear();
        let (sender, ctx) = (self.answers.0.clone(), ctx.clone());
        // The dialog may have been closed meanwhile; then nobody waits for the answer, which is fine.
        let answer = move |paths: Answer| {
            let _ = sender.send(paths);
            ctx.request_repaint();
        };
        match self.purpose {
            Purpose::Export | Purpose::Picture => {
                dialogs.save_file(&self.suggested, Box::new(move |path| answer(path.map(|path| vec![path]))))
            }
            Purpose::OpenFolder => dialogs.pick_folder(Box::new(move |path| answer(path.map(|path| vec![path])))),
            Purpose::OpenFiles => dialogs.pick_files(Box::new(answer)),
        }
    }

    /// Takes what the system's dialog answered. Returns whether the dialog is done.
    fn take_answer(&mut self, commands: &mut Vec<Command>) -> bool {
        let Ok(answer) = self.answers.1.try_recv() else { return false };
        self.is_browsing = false;
        self.wants_focus = true;
        match answer.filter(|paths| !paths.is_empty()) {
            None => {
                self.note = "nothing was chosen; if no dialog came up, type the path here".to_owned();
                false
            }
            Some(paths) if self.purpose.saves() => {
                if let Some(path) = paths.into_iter().next() {
                    self.path = path.display().to_string();
                    // The system's dialog has asked whether to replace.
                    self.replaces = path.exists().then_some(path);
                }
                false
            }
            Some(paths) => {
                commands.push(Command::OpenManifests(paths));
                true
            }
        }
    }
}

/// A file name from the name of a sketch: `close payments` becomes `close-payments.yaml`.
fn file_name(sketch_name: &str) -> String {
    let words = sketch_name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let stem = words.collect::<Vec<_>>().join("-").to_lowercase();
    if stem.is_empty() { "sketch.yaml".to_owned() } else { format!("{stem}.yaml") }
}

/// Where relative paths would start; the home folder for a program that was started from a desktop.
fn start_folder() -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    if current.parent().is_none() { std::env::home_dir().unwrap_or(current) } else { current }
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sketch_gives_its_file_a_name() {
        assert_eq!(file_name("Close payments: part 2/3"), "close-payments-part-2-3.yaml");
        assert_eq!(file_name("../.."), "sketch.yaml");
    }
}
