//! Everything that a person can ask for by name: one closed list with titles, keys and captions. The palette, the help and the keyboard
//! are read from it.

use egui::{Key, KeyboardShortcut, Modifiers, ThemePreference};
use portolan_core::assumptions::Profile;

use super::sketch::SketchTab;
use crate::command::{Only, PolicyFilter, ShowOptions, Template};
use crate::map::action::{MapAction, Reach, Side};
use crate::source::demo::Demo;
use crate::view_model::View;

/// What a named command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Put the cursor into the search field.
    Search,
    /// Open the palette.
    Palette,
    /// Open the palette as help.
    Help,
    /// Select what was selected before.
    Back,
    /// Select what was selected before going back.
    Forward,
    /// Select nothing.
    Deselect,
    /// Give the keyboard to a part of the window.
    Enter(Part),
    /// Open a bundled cluster.
    OpenDemo(Demo),
    /// Ask for a folder of manifests.
    OpenFolder,
    /// Ask for files of manifests.
    OpenFiles,
    /// Show what is assumed.
    Assumptions,
    /// Take a profile, or the one that is detected.
    Profile(Option<Profile>),
    /// Something of the map's own.
    Map(MapAction),
    /// Fold every namespace (`true`) or unfold every one.
    FoldAll(bool),
    /// Bring back all that is put aside.
    BringAllBack,
    /// Unpin all that is pinned.
    UnpinAll,
    /// Ask where to save a picture of the map.
    SavePicture,
    /// Show something on the map, or leave it out.
    Toggle(Toggle),
    /// Narrow the map to a part.
    Only(Only),
    /// Narrow the map to what the next kind of policy is for.
    NextPolicies,
    /// Type what the map is narrowed to.
    Filter,
    /// Show everything that the map leaves out.
    ShowEverything,
    /// Make a new object.
    Create(Template),
    /// Delete the object in the editor.
    DeleteObject,
    /// Take the edits of the object in the editor back.
    RevertObject,
    /// Close the editor.
    CloseObject,
    /// Undo the last edit.
    Undo,
    /// Redo what was undone.
    Redo,
    /// Ask where to export to.
    Export,
    /// Ask for a name of the sketch.
    NameSketch,
    /// Throw all edits away.
    ClearSketch,
    /// Bring a tab of the sketch to the front.
    Tab(SketchTab),
    /// Unfold the sketch, or fold it.
    FoldSketch,
    /// Follow the system, or be light or dark.
    Theme(ThemePreference),
}

/// A part of the window that can have the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The tree of namespaces.
    Tree,
    /// The panel at the right.
    Inspector,
    /// The panel at the bottom.
    Sketch,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Tree, Self::Inspector, Self::Sketch];
}

/// What the map shows or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toggle {
    /// Ways in from outside.
    EntryPaths,
    /// Ways out.
    Egress,
    /// Connections between namespaces.
    Between,
    /// Connections within namespaces.
    Within,
    /// What is certainly allowed.
    Allowed,
    /// What depends on something.
    Depends,
    /// Entry paths that break.
    Denied,
    /// DNS and monitoring.
    Noisy,
}

impl Toggle {
    /// All of them, in the order in which they stand.
    pub const ALL: [Self; 8] =
        [Self::EntryPaths, Self::Egress, Self::Between, Self::Within, Self::Allowed, Self::Depends, Self::Denied, Self::Noisy];

    /// The option behind it.
    pub fn of(self, show: &mut ShowOptions) -> &mut bool {
        match self {
            Self::EntryPaths => &mut show.entry_paths,
            Self::Egress => &mut show.egress,
            Self::Between => &mut show.between_namespaces,
            Self::Within => &mut show.within_namespaces,
            Self::Allowed => &mut show.allowed,
            Self::Depends => &mut show.depends,
            Self::Denied => &mut show.denied_paths,
            Self::Noisy => &mut show.noisy_peers,
        }
    }
}

/// How a command is reached from the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// By a shortcut.
    Shortcut(KeyboardShortcut),
    /// By typing a character outside of a text field, whatever keys it takes.
    Char(&'static str),
    /// By typing two characters, one after the other, outside of a text field.
    Sequence(&'static str, &'static str),
    /// By a key while the map has the keyboard, or nothing has.
    OnMap(KeyboardShortcut),
    /// By Esc, where nothing else wants it.
    Escape,
}

/// Under which caption a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caption {
    /// The window as a whole.
    Window,
    /// What is looked at.
    Source,
    /// The picture.
    Map,
    /// What is lit, pinned or put aside.
    Focus,
    /// What the map shows.
    Show,
    /// The edits.
    Sketch,
    /// Light and dark.
    Appearance,
}

impl Caption {
    /// Its words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Window => "Window",
            Self::Source => "Source",
            Self::Map => "Map",
            Self::Focus => "Focus",
            Self::Show => "Show",
            Self::Sketch => "Sketch",
            Self::Appearance => "Appearance",
        }
    }
}

/// A named command.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Under what it stands.
    pub caption: Caption,
    /// Its name.
    pub title: &'static str,
    /// Its keys; the first is the one that is shown beside a button.
    pub keys: &'static [Keys],
    /// What it does.
    pub action: Action,
}

const fn ctrl(key: Key) -> Keys {
    Keys::Shortcut(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn ctrl_shift(key: Key) -> Keys {
    Keys::Shortcut(KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key))
}

const fn alt(key: Key) -> Keys {
    Keys::Shortcut(KeyboardShortcut::new(Modifiers::ALT, key))
}

const fn on_map(key: Key) -> Keys {
    Keys::OnMap(KeyboardShortcut::new(Modifiers::NONE, key))
}

const fn shift_on_map(key: Key) -> Keys {
    Keys::OnMap(KeyboardShortcut::new(Modifiers::SHIFT, key))
}

const fn key(text: &'static str) -> Keys {
    Keys::Char(text)
}

const fn then(first: &'static str, second: &'static str) -> Keys {
    Keys::Sequence(first, second)
}

macro_rules! entries {
    ($($caption:ident { $($title:literal, [$($keys:expr),+], $action:expr;)+ })+) => {
        &[$($(Entry { caption: Caption::$caption, title: $title, keys: &[$($keys),+], action: $action },)+)+]
    };
}

/// Every named command, in the order in which palette and help list them.
pub const ENTRIES: &[Entry] = entries! {
    Window {
        "Commands", [ctrl(Key::K)], Action::Palette;
        "Commands and keys", [key("?")], Action::Help;
        "Search", [key("/")], Action::Search;
        "Back to what was selected before", [alt(Key::ArrowLeft)], Action::Back;
        "Forward again", [alt(Key::ArrowRight)], Action::Forward;
        "Select nothing", [Keys::Escape], Action::Deselect;
        "Keyboard into the map", [key("m")], Action::Map(MapAction::Enter);
        "Keyboard into the namespaces", [then("g", "n")], Action::Enter(Part::Tree);
        "Keyboard into the inspector", [then("g", "i")], Action::Enter(Part::Inspector);
        "Keyboard into the sketch", [then("g", "s")], Action::Enter(Part::Sketch);
    }
    Source {
        "Open the demo: a web shop", [then("o", "1")], Action::OpenDemo(Demo::Shop);
        "Open the demo: broken ways in", [then("o", "2")], Action::OpenDemo(Demo::Ferry);
        "Open the demo: a bank's ways out (Cilium)", [then("o", "3")], Action::OpenDemo(Demo::Bank);
        "Open the demo: a clinic's ways out (OpenShift)", [then("o", "4")], Action::OpenDemo(Demo::Clinic);
        "Open manifests folder…", [ctrl(Key::O)], Action::OpenFolder;
        "Open manifest files…", [ctrl_shift(Key::O)], Action::OpenFiles;
        "Assumptions…", [then("p", "a")], Action::Assumptions;
        "Profile as detected", [then("p", "d")], Action::Profile(None);
        "Profile upstream", [then("p", "u")], Action::Profile(Some(Profile::Upstream));
        "Profile calico", [then("p", "c")], Action::Profile(Some(Profile::Calico));
        "Profile cilium", [then("p", "i")], Action::Profile(Some(Profile::Cilium));
        "Profile ovn-kubernetes", [then("p", "o")], Action::Profile(Some(Profile::OvnKubernetes));
    }
    Map {
        "Fit the map into the window", [key("f")], Action::Map(MapAction::Fit);
        "Closer", [key("+"), key("=")], Action::Map(MapAction::Closer);
        "Farther", [key("-")], Action::Map(MapAction::Farther);
        "Actual size", [key("0")], Action::Map(MapAction::ActualSize);
        "Go on, along an edge", [on_map(Key::ArrowRight)], Action::Map(MapAction::Walk(Side::Right));
        "Go back, along an edge", [on_map(Key::ArrowLeft)], Action::Map(MapAction::Walk(Side::Left));
        "Go up in the lane", [on_map(Key::ArrowUp)], Action::Map(MapAction::Walk(Side::Up));
        "Go down in the lane", [on_map(Key::ArrowDown)], Action::Map(MapAction::Walk(Side::Down));
        "Move the map to the right", [shift_on_map(Key::ArrowRight)], Action::Map(MapAction::Pan(Side::Right));
        "Move the map to the left", [shift_on_map(Key::ArrowLeft)], Action::Map(MapAction::Pan(Side::Left));
        "Move the map up", [shift_on_map(Key::ArrowUp)], Action::Map(MapAction::Pan(Side::Up));
        "Move the map down", [shift_on_map(Key::ArrowDown)], Action::Map(MapAction::Pan(Side::Down));
        "Select what has the keyboard", [on_map(Key::Enter)], Action::Map(MapAction::Open);
        "Unfold or fold", [on_map(Key::Space)], Action::Map(MapAction::Fold);
        "Fold into what it is part of", [shift_on_map(Key::Space)], Action::Map(MapAction::FoldAway);
        "Fold all namespaces", [key("F")], Action::FoldAll(true);
        "Unfold all namespaces", [key("U")], Action::FoldAll(false);
        "Lay the map out anew", [key("l")], Action::Map(MapAction::Tidy);
        "Save the map as a picture…", [ctrl_shift(Key::E)], Action::SavePicture;
    }
    Focus {
        "Fit the selection into the window", [key("z")], Action::Map(MapAction::FitSelection);
        "Light what is one step away", [key("1")], Action::Map(MapAction::Reach(Reach::Direct));
        "Light what is two steps away", [key("2")], Action::Map(MapAction::Reach(Reach::TwoHops));
        "Light the ways from and to the outside", [key("3")], Action::Map(MapAction::Reach(Reach::Outside));
        "Pin or unpin", [key("x")], Action::Map(MapAction::Pin);
        "Unpin all", [key("X")], Action::UnpinAll;
        "Put aside or bring back", [key("a")], Action::Map(MapAction::PutAside);
        "Bring back all that is put aside", [key("A")], Action::BringAllBack;
    }
    Show {
        "Show or hide entry paths", [then("s", "e")], Action::Toggle(Toggle::EntryPaths);
        "Show or hide egress", [then("s", "g")], Action::Toggle(Toggle::Egress);
        "Show or hide connections between namespaces", [then("s", "b")], Action::Toggle(Toggle::Between);
        "Show or hide connections within namespaces", [then("s", "w")], Action::Toggle(Toggle::Within);
        "Show or hide what is allowed", [then("s", "l")], Action::Toggle(Toggle::Allowed);
        "Show or hide what depends", [then("s", "p")], Action::Toggle(Toggle::Depends);
        "Show or hide denied paths", [then("s", "d")], Action::Toggle(Toggle::Denied);
        "Show or hide DNS and monitoring", [then("s", "n")], Action::Toggle(Toggle::Noisy);
        "Show all parts", [then("s", "a")], Action::Only(Only::Everything);
        "Show only what the sketch changes", [then("s", "c")], Action::Only(Only::Changed);
        "Show only ways in", [then("s", "i")], Action::Only(Only::EntryPaths);
        "Show only ways out", [then("s", "o")], Action::Only(Only::Egress);
        "Show what the next kind of policy is for", [then("s", "k")], Action::NextPolicies;
        "Filter by namespace, label or port…", [then("s", "f")], Action::Filter;
        "Clear all filters", [then("s", "x")], Action::ShowEverything;
    }
    Sketch {
        "Undo", [ctrl(Key::Z)], Action::Undo;
        "Redo", [ctrl_shift(Key::Z), ctrl(Key::Y)], Action::Redo;
        "New NetworkPolicy, deny all", [then("n", "d")], Action::Create(Template::DenyAll);
        "New NetworkPolicy, allow egress", [then("n", "e")], Action::Create(Template::AllowEgress);
        "New NetworkPolicy, allow ingress", [then("n", "i")], Action::Create(Template::AllowIngress);
        "New Ingress", [then("n", "g")], Action::Create(Template::Ingress);
        "New Service", [then("n", "s")], Action::Create(Template::Service);
        "Delete the open object", [then("e", "d")], Action::DeleteObject;
        "Revert the open object", [then("e", "r")], Action::RevertObject;
        "Close the open object", [then("e", "c")], Action::CloseObject;
        "Name the sketch…", [then("e", "n")], Action::NameSketch;
        "Export the sketch…", [ctrl(Key::E)], Action::Export;
        "Throw all edits away", [then("e", "x")], Action::ClearSketch;
        "Show the sketch", [then("b", "s")], Action::Tab(SketchTab::Sketch);
        "Show the difference", [then("b", "d")], Action::Tab(SketchTab::Difference);
        "Show the warnings", [then("b", "w")], Action::Tab(SketchTab::Warnings);
        "Fold or unfold the sketch", [ctrl(Key::J)], Action::FoldSketch;
    }
    Appearance {
        "Light appearance", [then("t", "l")], Action::Theme(ThemePreference::Light);
        "Dark appearance", [then("t", "d")], Action::Theme(ThemePreference::Dark);
        "Appearance of the system", [then("t", "s")], Action::Theme(ThemePreference::System);
    }
};

/// The keys of a command as text, `Ctrl K`, several with `or` between.
pub fn keys_text(ctx: &egui::Context, keys: &[Keys]) -> String {
    let one = |keys: &Keys| match *keys {
        Keys::Shortcut(shortcut) | Keys::OnMap(shortcut) => shortcut_text(ctx, &shortcut),
        Keys::Char(text) => text.to_owned(),
        Keys::Sequence(first, second) => format!("{first} {second}"),
        Keys::Escape => "Esc".to_owned(),
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn shortcut_text(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let arrow = match shortcut.logical_key {
        Key::ArrowLeft => "Left",
        Key::ArrowRight => "Right",
        Key::ArrowUp => "Up",
        Key::ArrowDown => "Down",
        _ => return ctx.format_shortcut(shortcut).replace('+', " "),
    };
    let whole = ctx.format_shortcut(shortcut).replace('+', " ");
    let modifiers = whole.rsplit_once(' ').map_or("", |(modifiers, _)| modifiers);
    if modifiers.is_empty() { arrow.to_owned() } else { format!("{modifiers} {arrow}") }
}

/// The keys of an action as text, empty where it has none.
pub fn keys_of(ctx: &egui::Context, action: Action) -> String {
    let entry = ENTRIES.iter().find(|entry| entry.action == action);
    entry.and_then(|entry| entry.keys.get(..1)).map(|keys| keys_text(ctx, keys)).unwrap_or_default()
}

/// What can follow a first key: the second keys and titles of the sequences that begin with it.
pub fn following(first: &str) -> impl Iterator<Item = (&'static str, &'static Entry)> {
    ENTRIES.iter().flat_map(move |entry| {
        entry.keys.iter().filter_map(move |keys| match keys {
            Keys::Sequence(begin, second) if *begin == first => Some((*second, entry)),
            _ => None,
        })
    })
}

/// What decides whether an action would do something.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the window shows.
    pub view: &'a View,
    /// What the map shows.
    pub show: &'a ShowOptions,
    /// Whether there is a way back, and a way forward, through what was selected.
    pub ways: (bool, bool),
}

/// Whether an action would do something now.
pub fn is_enabled(action: Action, situation: Situation<'_>) -> bool {
    let Situation { view, show, ways } = situation;
    let sketch = &view.sketch;
    match action {
        Action::Back => ways.0,
        Action::Forward => ways.1,
        Action::Undo => sketch.can_undo,
        Action::Redo => sketch.can_redo,
        Action::Export | Action::ClearSketch => !sketch.edits.is_empty(),
        Action::DeleteObject | Action::CloseObject => sketch.open.is_some(),
        Action::RevertObject => sketch.open.as_ref().is_some_and(|object| sketch.edits.iter().any(|edit| edit.key == object.key)),
        Action::Create(_) | Action::FoldAll(_) | Action::Enter(Part::Tree) => !view.namespaces.is_empty(),
        Action::Deselect | Action::Enter(Part::Inspector) => view.inspector.is_some(),
        Action::BringAllBack => !view.aside.is_empty(),
        Action::UnpinAll => !view.pinned.is_empty(),
        Action::NextPolicies => !view.policy_filters.is_empty(),
        Action::ShowEverything => is_narrowed(show),
        Action::Map(_) | Action::SavePicture => !view.map.nodes.is_empty(),
        _ => true,
    }
}

/// Whether options leave something out beyond what is left out where nobody chooses.
pub fn is_narrowed(show: &ShowOptions) -> bool {
    let usual = ShowOptions { noisy_peers: show.noisy_peers, ..ShowOptions::default() };
    *show != usual
}

/// The policies that come after those that the map is narrowed to.
pub fn next_policies(show: &ShowOptions, filters: &[PolicyFilter]) -> PolicyFilter {
    let at = filters.iter().position(|filter| *filter == show.policies);
    at.and_then(|at| filters.get(at + 1)).or(filters.first()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names of the variants of an enum, as its source has them.
    fn variants(source: &str, name: &str) -> BTreeSet<String> {
        let body = source.split_once(&format!("pub enum {name} {{")).unwrap().1.split_once("\n}").unwrap().0;
        let lines = body.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.is_empty());
        lines.map(|line| line.split(['(', ',']).next().unwrap().to_owned()).collect()
    }

    fn listed(named: impl Fn(&Entry) -> Option<String>) -> BTreeSet<String> {
        let head = |text: String| text.split('(').next().unwrap_or_default().to_owned();
        ENTRIES.iter().filter_map(named).map(head).collect()
    }

    #[test]
    fn everything_that_can_be_asked_for_is_in_the_table() {
        let source = include_str!("actions.rs");
        assert_eq!(variants(source, "Action"), listed(|entry| Some(format!("{:?}", entry.action))));
        let of_map = |entry: &Entry| if let Action::Map(action) = entry.action { Some(format!("{action:?}")) } else { None };
        assert_eq!(variants(include_str!("../map/action.rs"), "MapAction"), listed(of_map));
        let values = Demo::ALL
            .map(Action::OpenDemo)
            .into_iter()
            .chain(Profile::ALL.map(Some).into_iter().chain([None]).map(Action::Profile))
            .chain(Toggle::ALL.map(Action::Toggle))
            .chain(Only::ALL.map(Action::Only))
            .chain(Template::ALL.map(Action::Create))
            .chain(Part::ALL.map(Action::Enter))
            .chain(Reach::ALL.map(|reach| Action::Map(MapAction::Reach(reach))))
            .chain(
                [Side::Left, Side::Right, Side::Up, Side::Down]
                    .into_iter()
                    .flat_map(|side| [Action::Map(MapAction::Walk(side)), Action::Map(MapAction::Pan(side))]),
            )
            .chain([true, false].map(Action::FoldAll));
        for action in values {
            assert!(ENTRIES.iter().any(|entry| entry.action == action), "{action:?} has no name");
        }
    }

    #[test]
    fn no_two_commands_share_a_name_or_keys() {
        let mut names = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for entry in ENTRIES {
            assert!(names.insert(entry.title), "{} stands there twice", entry.title);
            assert!(!entry.keys.is_empty(), "{} has no keys", entry.title);
            for keys in entry.keys {
                assert!(taken.insert(format!("{keys:?}")), "{keys:?} has two meanings");
            }
        }
        assert_eq!(names.len(), ENTRIES.len());
    }

    #[test]
    fn the_first_key_of_two_means_nothing_by_itself() {
        let all = || ENTRIES.iter().flat_map(|entry| entry.keys);
        let alone: BTreeSet<&str> = all().filter_map(|keys| if let Keys::Char(text) = keys { Some(*text) } else { None }).collect();
        for keys in all() {
            if let Keys::Sequence(first, _) = keys {
                assert!(!alone.contains(first), "{first} means something by itself");
            }
        }
    }

    #[test]
    fn entries_of_a_caption_stand_together() {
        let mut captions: Vec<&str> = ENTRIES.iter().map(|entry| entry.caption.title()).collect();
        captions.dedup();
        let distinct: BTreeSet<&str> = captions.iter().copied().collect();
        assert_eq!(captions.len(), distinct.len(), "{captions:?}");
    }

    #[test]
    fn the_next_policies_come_round_to_the_first() {
        let filters = [PolicyFilter::All, PolicyFilter::Plane("mesh")];
        let mut show = ShowOptions::default();
        show.policies = next_policies(&show, &filters);
        assert_eq!(show.policies, PolicyFilter::Plane("mesh"));
        assert!(is_narrowed(&show));
        show.policies = next_policies(&show, &filters);
        assert_eq!(show.policies, PolicyFilter::All);
        assert!(!is_narrowed(&show));
    }
}
