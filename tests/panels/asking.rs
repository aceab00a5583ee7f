//! A URL in the search field, and a request in the inspector.

use egui::{Event, Key};
use egui_kittest::kittest::Queryable;
use portolan::command::Command;
use portolan::map::model::Tone;
use portolan::view_model::{AnswerRow, Asking, BackendRow, Inspector, RequestRow, WhyLine};

use super::{sample, window, window_of};

const URL: &str = "shop.example/cart";

fn row(front: &str, outcome: &str, tone: Tone) -> RequestRow {
    RequestRow {
        id: format!("request/{URL}#{front}"),
        title: format!("http://{URL}"),
        at: front.to_owned(),
        outcome: outcome.to_owned(),
        tone: Some(tone),
    }
}

fn asked(url: &str) -> Command {
    Command::AskUrl(url.to_owned())
}

fn selected(id: &str) -> Command {
    Command::Select(Some(id.to_owned()))
}

#[test]
fn a_url_is_put_to_the_worker_and_its_answers_come_first() {
    let (mut harness, shared) = window();
    harness.event(Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("shop.example");
    harness.run();
    assert_eq!(shared.sent(), [], "a host is a word to look for");
    assert!(harness.query_by_label("Ingress host shop.example").is_some());
    harness.get_by_label("Search").type_text("/cart");
    harness.run();
    assert_eq!(shared.sent(), [asked(URL)]);
    assert!(harness.query_by_label("Request shop.example/cart").is_some(), "it stands there before it is answered");

    let rows = vec![
        row("Gateway shop/public", "Service shop/cart, 2 pods", Tone::Allowed),
        row("Ingress class nginx", "404 at Ingress class nginx", Tone::Denied),
    ];
    shared.change(|view| view.asking = Asking { text: URL.to_owned(), rows, ..Asking::default() });
    harness.run();
    assert!(harness.query_by_label("Request http://shop.example/cart, Gateway shop/public, Service shop/cart, 2 pods, allowed").is_some());
    assert!(harness.query_by_label_contains("404 at Ingress class nginx, denied").is_some());
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    // The field is empty again, so nothing is asked any more.
    assert_eq!(shared.sent(), [selected("request/shop.example/cart#Ingress class nginx"), asked("")]);
}

#[test]
fn a_url_can_be_chosen_before_it_is_answered() {
    let (mut harness, shared) = window();
    harness.event(Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("https://shop.example/");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(shared.sent(), [asked("https://shop.example/"), selected("request/https://shop.example/"), asked("")]);
}

#[test]
fn what_is_no_url_after_all_says_why() {
    let (mut harness, shared) = window();
    harness.event(Event::Text("/".to_owned()));
    harness.run();
    harness.get_by_label("Search").type_text("ftp://shop.example");
    harness.run();
    let error = "unknown scheme".to_owned();
    shared.change(|view| view.asking = Asking { text: "ftp://shop.example".to_owned(), error, ..Asking::default() });
    harness.run();
    assert!(harness.query_by_label("unknown scheme").is_some());
    assert!(harness.query_by_label_contains("Request ").is_none());
}

#[test]
fn a_request_shows_its_outcome_its_backends_and_its_hops() {
    let hop = |kind: &str, text: &str, tone: Tone, is_break: bool| WhyLine {
        is_hop: true,
        is_break,
        kind: kind.to_owned(),
        object: Some((sample::GATEWAY.to_owned(), format!("/{kind}"))),
        ..WhyLine::new(text, Some(tone))
    };
    let backend = |name: &str, share: &str, tone: Tone, why: &str| BackendRow {
        peer: format!("service/shop/{name}"),
        title: format!("Service shop/{name} port 80"),
        share: share.to_owned(),
        fact: "2 pods".to_owned(),
        why: why.to_owned(),
        tone: Some(tone),
    };
    let answer = AnswerRow {
        at: "Gateway shop/public".to_owned(),
        door: "entry/Gateway shop/public/shop.example".to_owned(),
        outcome: "Service shop/a 90 %, Service shop/b 10 %".to_owned(),
        tone: Some(Tone::Depends),
        backends: vec![backend("a", "90 %", Tone::Allowed, ""), backend("b", "10 %", Tone::Denied, "no ready endpoint")],
        rewritten: "the backend sees shop.example/v2".to_owned(),
        hops: vec![
            hop("rule", "the rule sends it on", Tone::Allowed, false),
            hop("policy", "policies may keep it out", Tone::Depends, true),
        ],
        passed_over: vec![hop("shadow", "another rule comes first", Tone::Denied, false)],
        ..AnswerRow::default()
    };
    let mut view = sample::view();
    let id = format!("request/{URL}");
    view.inspector = Some(Inspector { id, title: format!("http://{URL}"), answers: vec![answer], ..Inspector::default() });
    let (mut harness, shared) = window_of(view, None);
    for text in [
        "Gateway shop/public",
        "Service shop/a 90 %, Service shop/b 10 %",
        "Service shop/a port 80, 90 %, allowed, 2 pods",
        "the backend sees shop.example/v2",
        "Hop by hop",
        "Passed over",
        "another rule comes first",
    ] {
        assert!(harness.query_by_label(text).is_some(), "{text:?} is not shown");
    }
    assert!(harness.query_by_label_contains("Destinations").is_none(), "a request has no tabs");
    harness.get_by_label("Service shop/b port 80, 10 %, denied, 2 pods, no ready endpoint").click();
    harness.run();
    harness.get_by_label("Show the door").click();
    harness.run();
    harness.get_by_label("policies may keep it out").click();
    harness.run();
    let open = Command::OpenObject { key: sample::GATEWAY.to_owned(), pointer: "/policy".to_owned() };
    assert_eq!(shared.sent(), [selected("service/shop/b"), selected("entry/Gateway shop/public/shop.example"), open]);
}
