//! The dialog of assumptions, the way to it, and the lines of a reasoning that lead there.

use portolan::view_model::WhyLine;
use portolan_core::assumptions::Profile;

use super::*;

#[test]
fn the_profile_opens_the_assumptions_and_a_choice_is_sent() {
    let (mut harness, shared) = window();
    harness.get_by_label("profile cilium +1").click();
    harness.run();
    assert_eq!(shared.sent(), [], "opening it is the window's own");
    for text in ["Assumptions", "Detected Cilium (DaemonSet kube-system/cilium)", "ip-block-selects-pods", "changed, profile says no"] {
        assert!(harness.query_by_label(text).is_some(), "{text:?} is not shown");
    }
    let is_on = |harness: &Harness<'_, Window>, label: &str| {
        harness.get_by_label(label).accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    assert!(is_on(&harness, "profile as detected") && is_on(&harness, "self-traffic allowed"));
    assert!(!is_on(&harness, "profile calico") && !is_on(&harness, "self-traffic policy"));

    harness.get_by_label("self-traffic allowed").click();
    harness.run();
    assert_eq!(shared.sent(), [], "it is chosen already");
    harness.get_by_label("self-traffic policy").click();
    harness.run();
    harness.get_by_label("profile calico").click();
    harness.run();
    harness.get_by_label("Reset ip-block-selects-pods to profile").click();
    harness.run();
    harness.get_by_label("Reset all to profile").click();
    harness.run();
    assert_eq!(
        shared.sent(),
        [
            Command::Assume { name: "self-traffic".to_owned(), value: "policy".to_owned() },
            Command::SetProfile(Some(Profile::Calico)),
            Command::ResetAssumption(Some("ip-block-selects-pods".to_owned())),
            Command::ResetAssumption(None),
        ]
    );
    harness.get_by_label("Done").click();
    harness.run();
    assert!(harness.query_by_label("Reset all to profile").is_none(), "it is closed");
}

#[test]
fn the_keyboard_gets_there_as_well() {
    let (mut harness, shared) = window();
    harness.get_by_label("profile cilium +1").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    harness.get_by_label("self-traffic policy").focus();
    harness.run();
    harness.key_press(Key::Space);
    harness.run();
    assert_eq!(shared.sent(), [Command::Assume { name: "self-traffic".to_owned(), value: "policy".to_owned() }]);
    harness.key_press(Key::Escape);
    harness.run();
    assert!(harness.query_by_label("Reset all to profile").is_none(), "Esc closes it");

    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run();
    harness.get_by_label("Type a command").type_text("profile as");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(shared.sent(), [Command::SetProfile(None)]);
}

/// The reasoning of the row in front.
fn explain(shared: &Shared, lines: Vec<WhyLine>) {
    shared.change(|view| view.inspector.as_mut().unwrap().destinations[0].why = lines);
}

#[test]
fn what_an_assumption_would_settle_leads_to_it() {
    let (mut harness, shared) = window();
    let depends = WhyLine { assumption: Some("self-traffic".to_owned()), ..WhyLine::new("depends on a thing", None) };
    explain(&shared, vec![WhyLine::new("leaving", None), depends]);
    harness.run();
    harness.get_by_label("depends on a thing").click();
    harness.run();
    assert!(harness.query_by_label("self-traffic").is_some(), "the dialog is open");
    assert_eq!(shared.sent(), []);
}

#[test]
fn long_lists_below_a_reason_fold() {
    let (mut harness, shared) = window();
    let below = |n: usize| WhyLine {
        indent: 1,
        object: Some((sample::GATEWAY.to_owned(), format!("/spec/egress/{n}"))),
        ..WhyLine::new(format!("rule {n} is for others"), None)
    };
    explain(&shared, std::iter::once(WhyLine::new("none of its rules fits", None)).chain((0..7).map(below)).collect());
    harness.run();
    assert!(harness.query_by_label("rule 2 is for others").is_some() && harness.query_by_label("rule 3 is for others").is_none());
    harness.get_by_label("rule 1 is for others").click();
    harness.run();
    let open = Command::OpenObject { key: sample::GATEWAY.to_owned(), pointer: "/spec/egress/1".to_owned() };
    assert_eq!(shared.sent(), [open]);
    harness.get_by_label("and 4 more").click();
    harness.run();
    assert!(harness.query_by_label("rule 6 is for others").is_some() && harness.query_by_label("and 4 more").is_none());

    // One more than is shown takes no more room than the words that it is there.
    explain(&shared, (0..4).map(below).collect());
    harness.run();
    assert!(harness.query_by_label("rule 3 is for others").is_some());
}

#[test]
fn a_rule_is_marked_from_its_first_line_to_its_last_and_scrolled_to() {
    let (mut harness, shared) = window();
    let text: String = (1..=200).map(|n| format!("line{n}: {n}\n")).collect();
    let mark = |lines: std::ops::RangeInclusive<usize>| {
        let text = text.clone();
        shared.change(move |view| {
            let open = view.sketch.open.as_mut().unwrap();
            (open.revision, open.text, open.marked_lines) = (open.revision + 1, text, Some(lines));
        });
    };
    let description = |harness: &Harness<'_, Window>| {
        let editor = harness.get_by_label("YAML of the object");
        let top = editor.rect().top();
        (editor.accesskit_node().data().description().unwrap_or_default().to_owned(), top)
    };
    mark(1..=3);
    harness.run();
    let (words, top) = description(&harness);
    assert_eq!(words, "lines 1 to 3 are marked. Tab writes two spaces, Esc leaves the text");
    mark(150..=154);
    harness.run();
    let (words, scrolled) = description(&harness);
    assert_eq!(words, "lines 150 to 154 are marked. Tab writes two spaces, Esc leaves the text");
    assert!(top - scrolled > 140.0 * 17.0 - 200.0 && top - scrolled < 155.0 * 17.0, "{top} {scrolled}");
    // What is higher than the editor is shown from its first line.
    mark(50..=150);
    harness.run();
    let (_, scrolled) = description(&harness);
    assert!((top - scrolled - 49.0 * 17.0).abs() < 40.0, "{top} {scrolled}");
}
