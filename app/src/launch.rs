//! Opens the window.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{Args, settled};
use crate::window::Window;
use crate::worker::{Opening, Sources, Worker};

/// What a person without a display reads.
const NO_WINDOW: &str = "\
the window cannot be opened, for want of a display perhaps. The same answers are printed by the subcommands:
  portolan connections   every connection that is allowed
  portolan trace         whether one end reaches another, and why
  portolan paths         every way in from outside, hop by hop
  portolan map           the map as a picture: SVG, PNG or DOT
  portolan diff          what is different between two sets of manifests
for example: portolan --demo connections";

/// Opens the window on what the arguments name, and stays until it is closed.
pub fn window(args: &Args) -> ExitCode {
    let settled = match settled(&args.source) {
        Ok(settled) => settled,
        Err(error) => return fail(&format!("{error:#}")),
    };
    let source = &args.source;
    if !source.apply.is_empty() || !source.delete.is_empty() {
        return fail("--apply and --delete are for the subcommands; in the window, edit on the sketch");
    }
    let sources = Sources::new(source.namespace.clone(), source.kubeconfig.clone());
    let opening = if let Some(demo) = source.demo {
        Opening::Demo(demo)
    } else if !source.manifests.is_empty() {
        Opening::Manifests(source.manifests.clone())
    } else if source.context.is_some() || source.kubeconfig.is_some() {
        Opening::Context(source.context.clone().unwrap_or_default())
    } else {
        Opening::Nothing
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Portolan")
            .with_app_id("portolan")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([960.0, 600.0]),
        ..eframe::NativeOptions::default()
    };
    let result = eframe::run_native(
        "portolan",
        options,
        Box::new(move |context| {
            let ctx = context.egui_ctx.clone();
            let worker = Worker::start(settled, sources, opening, move || ctx.request_repaint())?;
            Ok(Box::new(Window::new(&context.egui_ctx, Box::new(worker))))
        }),
    );
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{NO_WINDOW}\nthe system says: {}", without_place(&error.to_string()))),
    }
}

/// The system's words without the place in somebody's source that they come from.
fn without_place(text: &str) -> &str {
    let after_place = text.rsplit_once(".rs:").and_then(|(_, rest)| rest.split_once(": "));
    after_place.map_or(text, |(_, message)| message)
}

fn fail(message: &str) -> ExitCode {
    // Nobody can be told that standard error is gone.
    drop(writeln!(std::io::stderr(), "portolan: {message}"));
    ExitCode::from(2)
}
