//! The question before another source is opened over a sketch with edits: they are not kept.

use egui::vec2;
use portolan_core::text::count;

use super::parts;
use crate::command::Command;
use crate::theme::{self, Palette};

/// An open dialog.
#[derive(Debug)]
pub struct DiscardDialog {
    command: Command,
    n_edits: usize,
}

/// What the person answered.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// To keep the sketch, and what is open.
    Keep,
    /// To open the other source.
    Discard(Command),
}

impl DiscardDialog {
    /// Asks before `command`, which would throw `n_edits` away.
    pub fn new(command: Command, n_edits: usize) -> Self {
        Self { command, n_edits }
    }

    /// Draws the dialog.
    pub fn show(&self, ctx: &egui::Context) -> Answer {
        let modal = parts::modal(ctx, "discard dialog", |ui| {
            ui.set_width(400.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let palette = Palette::of(ui);
            parts::label(ui, "Throw the sketch away?", theme::semibold(theme::size::TITLE), palette.text);
            let text = format!(
                "{} on the sketch will be gone when something else is opened. Export them first to keep them",
                count(self.n_edits, "edit", "edits")
            );
            ui.add(egui::Label::new(egui::RichText::new(text).color(palette.muted)).wrap());
            ui.add_space(4.0);
            let mut answer = Answer::Open;
            parts::row_from_right(ui, 28.0, |ui| {
                if ui.add(egui::Button::new("Throw away").min_size(vec2(96.0, 28.0))).clicked() {
                    answer = Answer::Discard(self.command.clone());
                }
                if ui.add(egui::Button::new("Keep").min_size(vec2(72.0, 28.0))).clicked() {
                    answer = Answer::Keep;
                }
            });
            answer
        });
        if modal.should_close() && modal.inner == Answer::Open { Answer::Keep } else { modal.inner }
    }
}
