//! The engine against the slow reference evaluator: on every folder of the oracles and on random clusters; and against itself, step by
//! step.
//!
//! The usual run compares almost two million flows, and prints how many of what. `PORTOLAN_REFERENCE_FLOWS=N` compares at least N in
//! each of the tests that make up random clusters (a million takes about five seconds of a debug build).
//! `PORTOLAN_SEEDS=FROM..TO` tries other random clusters than the usual ones.

mod reference {
    mod others;
    mod readings;
    pub(crate) mod shrink;
}

use std::collections::BTreeMap;
use std::ops::Range;

use portolan_core::Object;
use portolan_core::analysis::{Analysis, Host, Unit};
use portolan_core::object::Kind;
use portolan_core::snapshot::Change;
use portolan_tests::comparison::{Comparison, Strictness};
use portolan_tests::fixture;
use portolan_tests::oracle::text;
use portolan_tests::random_cluster::{self, Mix, Random};
use serde_json::Value;

/// The seeds that `PORTOLAN_SEEDS` asks for.
fn chosen_seeds() -> Option<Range<u64>> {
    let text = std::env::var("PORTOLAN_SEEDS").ok()?;
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

/// How many flows to compare, of which `usual` are part of the usual run.
fn wanted_flows(usual: usize) -> usize {
    let asked = std::env::var("PORTOLAN_REFERENCE_FLOWS").ok().and_then(|text| text.parse().ok());
    asked.map_or(usual, |asked: usize| asked.max(usual))
}

fn random_assumptions(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    vec![
        ("ip-block-selects-pods", random.pick(&["yes", "yes", "no", "unsettled"])),
        ("networks-select-pods", random.pick(&["yes", "yes", "no", "unsettled"])),
        ("host-network-pods", random.pick(&["ordinary", "node", "unsettled"])),
        ("self-traffic", random.pick(&["allowed", "policy"])),
        ("finished-pods", random.pick(&["absent", "ordinary"])),
        ("unknown-pod-addresses", random.pick(&["private", "any"])),
    ]
}

/// What is peculiar to random clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clusters {
    /// Nothing.
    Sound,
    /// The addresses of pods are not known in some of them.
    NoAddresses,
    /// Cluster-wide policies hold parts that the API would refuse, and that match nothing.
    Mistaken,
    /// They have policies of implementations of networks and meshes.
    Dialects(Mix),
}

impl Clusters {
    const fn name(self) -> &'static str {
        match self {
            Self::Sound => "random clusters",
            Self::NoAddresses => "random clusters, some addresses unknown",
            Self::Mistaken => "random clusters, some parts invalid",
            Self::Dialects(_) => "random clusters, a dialect",
        }
    }
}

/// Random clusters may hold what deserves a warning; of anything else, none is expected.
const EXPECTED_WARNINGS: [&str; 8] = [
    "the name cannot be looked up",
    "the rules have no effect: types",
    "a policy of this action without rules",
    "no CiliumCIDRGroup",
    "newer servers refuse",
    "is asked first is not defined",
    "no Node object is there",
    "without a destinationPort",
];

/// How many clusters that differ are told of.
const SHOWN_FAILURES: usize = 12;

/// Compares cluster after cluster, the mixes of policies by turns.
fn compare_random(clusters: Clusters, usual: usize) {
    let is_exact = clusters != Clusters::NoAddresses;
    let mixes = match clusters {
        Clusters::Dialects(mix) => vec![mix],
        _ => Mix::all(),
    };
    let mut n_flows: BTreeMap<Mix, usize> = BTreeMap::new();
    let mut by_verdict = [0; 3];
    let mut n_cautious = 0;
    let mut failures = Vec::new();
    let chosen = chosen_seeds();
    for seed in chosen.clone().unwrap_or(0..u64::MAX) {
        if chosen.is_none() && n_flows.values().sum::<usize>() >= wanted_flows(usual) {
            break;
        }
        let mut random = Random::new(seed);
        let mix = mixes[usize::try_from(seed).unwrap_or(0) % mixes.len()];
        let mut objects = random_cluster::objects_of(&mut random, is_exact, mix);
        if clusters == Clusters::Mistaken {
            random_cluster::make_mistakes(&mut random, &mut objects);
        }
        let settings = random_assumptions(&mut random);
        let strictness = if is_exact { Strictness::Equal } else { Strictness::Sound };
        let mut comparison = Comparison::new(&objects, &fixture::assumptions(&settings), strictness);
        let mut warnings = if clusters == Clusters::Mistaken { Vec::new() } else { comparison.analysis.warnings() };
        warnings.retain(|warning| !EXPECTED_WARNINGS.iter().any(|expected| warning.message.contains(expected)));
        assert_eq!(warnings, [], "seed {seed}");
        comparison.run(7);
        *n_flows.entry(mix).or_default() += comparison.n_flows;
        n_cautious += comparison.n_cautious;
        by_verdict.iter_mut().zip(comparison.by_verdict).for_each(|(total, n)| *total += n);
        if !comparison.differences.is_empty() {
            // What differs first is made as small as it gets.
            let lines = &comparison.differences;
            let compare = |objects: &[Value]| {
                let mut comparison = Comparison::new(objects, &fixture::assumptions(&settings), strictness);
                comparison.run(1);
                comparison.differences
            };
            let is_verdict = |line: &String| line.contains(": ours ");
            let wants_verdict = lines.iter().any(is_verdict);
            let differs = |objects: &[Value]| compare(objects).iter().any(|line| !wants_verdict || is_verdict(line));
            let shown = match failures.len() < SHOWN_FAILURES && differs(&objects) {
                true => reference::shrink::shrink(objects, differs),
                false => Vec::new(),
            };
            let remaining = if shown.is_empty() { lines.clone() } else { compare(&shown) };
            let remaining: String = remaining.iter().take(4).map(|line| format!("  {line}\n")).collect();
            let shown: String = shown.iter().map(|object| format!("    {object}\n")).collect();
            failures.push(format!("seed {seed}, {settings:?}: {} differ; at the least:\n{remaining}{shown}", lines.len()));
        }
    }
    let total: usize = n_flows.values().sum();
    let by_mix: Vec<String> = n_flows.iter().map(|(mix, n)| format!("{} {n}", mix.name())).collect();
    let what = clusters.name();
    let [allowed, denied, depends] = by_verdict;
    let verdicts = format!("{allowed} allowed, {denied} denied, {depends} depend ({n_cautious} more for the engine)");
    fixture::say(&format!("{what}: {total} flows ({}); {verdicts}", by_mix.join(", ")));
    let shown = failures[..failures.len().min(SHOWN_FAILURES)].concat();
    assert!(failures.is_empty(), "{} clusters differ\n{shown}", failures.len());
}

#[test]
fn random_clusters_get_the_same_answers() {
    compare_random(Clusters::Sound, 900_000);
}

/// A test for each mix, so that they run side by side.
macro_rules! dialects {
    ($($name:ident: $($field:ident)+;)*) => { $(
        #[test]
        fn $name() {
            compare_random(Clusters::Dialects(Mix { $($field: true,)+ ..Mix::default() }), 150_000);
        }
    )* };
}

dialects! {
    random_clusters_of_cilium: cilium;
    random_clusters_of_cilium_and_network_policies: cilium network_policies;
    random_clusters_of_calico: calico;
    random_clusters_of_calico_and_network_policies: calico network_policies;
    random_clusters_of_istio: istio;
    random_clusters_of_egress_firewalls: egress_firewalls network_policies;
    random_clusters_of_cilium_and_others: cilium network_policies istio egress_firewalls;
    random_clusters_of_calico_and_others: calico network_policies istio egress_firewalls;
}

#[test]
fn random_clusters_without_addresses_are_never_certain_of_something_else() {
    compare_random(Clusters::NoAddresses, 200_000);
}

#[test]
fn random_clusters_with_mistakes_get_the_same_answers() {
    compare_random(Clusters::Mistaken, 200_000);
}

/// Kinds of networks that Portolan does not read.
const OUT_OF_SCOPE: [&str; 5] =
    ["UserDefinedNetwork", "ClusterUserDefinedNetwork", "NetworkAttachmentDefinition", "MultiNetworkPolicy", "VirtualMachine"];

fn compare_folders(settings: &[(&str, &str)], strictness: Strictness) {
    let Some(root) = fixture::shared("oracles/netpol-analyzer/tests") else { return };
    let mut dirs: Vec<_> = std::fs::read_dir(&root).expect("a folder").flatten().map(|entry| entry.path()).collect();
    dirs.sort();
    let (mut n_folders, mut n_flows, mut differences, mut skipped) = (0, 0, Vec::new(), Vec::new());
    for dir in dirs {
        let objects = fixture::folder(&dir);
        if objects.iter().any(|object| OUT_OF_SCOPE.contains(&text(object, "kind"))) {
            skipped.push(dir.file_name().unwrap_or_default().to_string_lossy().into_owned());
            continue;
        }
        let mut comparison = Comparison::new(&objects, &fixture::assumptions(settings), strictness);
        comparison.run(29);
        n_folders += 1;
        n_flows += comparison.n_flows;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        differences.extend(comparison.differences.into_iter().map(|line| format!("{name}: {line}")));
    }
    fixture::say(&format!(
        "folders of the oracles, {settings:?}: {n_folders} folders, {n_flows} flows; left out {}: {}",
        skipped.len(),
        skipped.join(", ")
    ));
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences[..differences.len().min(20)].join("\n"));
}

#[test]
fn folders_get_the_same_answers_as_netpol_analyzer_reads_them() {
    let settings = [("ip-block-selects-pods", "no"), ("networks-select-pods", "no"), ("host-network-pods", "ordinary")];
    compare_folders(&settings, Strictness::Equal);
}

#[test]
fn folders_are_answered_soundly_as_they_are() {
    compare_folders(&[], Strictness::Sound);
}

/// Brings the objects of a cluster in one by one, out of order, some changed or deleted on the way: what comes of it is what a cold
/// start makes of the objects that are left.
#[test]
fn step_by_step_is_as_good_as_cold() {
    for seed in chosen_seeds().unwrap_or(0..40) {
        let mut random = Random::new(seed);
        let (before, after) = (random_cluster::objects(&mut random, false), random_cluster::objects(&mut random, false));
        let settings = random_assumptions(&mut random);
        let read = |raw: &serde_json::Value| Object::new(raw.clone(), "default").expect("a key").expect("a kind that is read");
        let mut host = Host::new(fixture::assumptions(&settings), true);
        let mut steps: Vec<Object> = before.iter().chain(&after).map(read).collect();
        while !steps.is_empty() {
            let object = steps.remove(random.below(steps.len()));
            host.apply([Change::apply(&object)]);
            if random.one_in(3) {
                host.analysis().connections(Unit::Pod);
            }
        }
        for object in &before {
            host.apply([Change::Delete(read(object).key)]);
        }
        // Names are shared between the two clusters, so all of the second are brought in once more.
        host.apply(after.iter().map(|raw| Change::apply(&read(raw))));
        let (warm, cold) = (host.analysis(), fixture::analysis(&after, fixture::assumptions(&settings)));
        for unit in [Unit::Pod, Unit::Workload] {
            assert_eq!(warm.connections(unit), cold.connections(unit), "seed {seed}");
        }
        assert_eq!(warm.warnings(), cold.warnings(), "seed {seed}");
        for kind in Kind::ALL.iter().copied() {
            let entries =
                |analysis: &'_ Analysis| analysis.snapshot().entries(kind).map(|(key, entry)| (key.clone(), entry.clone())).collect();
            let (warm, cold): (Vec<_>, Vec<_>) = (entries(&warm), entries(&cold));
            assert_eq!(warm, cold, "seed {seed}");
        }
    }
}
