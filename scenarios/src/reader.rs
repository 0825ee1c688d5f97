//! Reading a scenario file: from text to a checked [`Scenario`], or to every message at once.
//!
//! The file becomes one tree with positions (`tree`); overrides change the tree; typed
//! readers take it apart (`section`), table by table, and go on after an error so that one reading
//! reports as much as can be known. What depends on several tables (does a link exist, does a role
//! know the command) is checked when all of them are good.

mod adversary;
mod canonical;
mod choice;
mod fault;
mod link;
mod medium;
mod node;
pub(crate) mod origin;
mod parameter;
mod point;
mod profile;
mod relay;
mod run;
mod section;
mod steps;
mod supply;
mod sweep;
mod topology;
mod transport;
mod value;
mod workload;

#[cfg(test)]
mod tests;

pub use choice::{read_protocol, read_role};
pub(crate) use point::read_point;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Problems, Source, Span, nearest, quoted};
use crate::fault::FaultSpec;
use crate::law::reason_of;
use crate::preset;
use crate::scenario::{
    AdversarySpec, LinkGroup, MediumSpec, NodeGroup, OutputSettings, ProtocolChoice, RunSettings,
    Scenario, Workload,
};
use crate::sweep::spec::Study;
use crate::tree::{self, Node};

use self::origin::Origin;
use self::section::{Reading, Section};
use self::workload::Cast;

/// What to do when no file has the name or nearly the name.
const NO_FILE_HINT: &str =
    "name a scenario file, or a scenario of the library (`badlink list scenarios`)";

/// Largest scenario file, bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Reads the scenario file at `path`, with overrides as (path, value) pairs.
///
/// # Errors
///
/// The file cannot be read, is no TOML, or is no scenario. All messages of one reading come
/// together.
pub fn read(path: &Path, overrides: &[(String, String)]) -> Result<Scenario, Diagnostics> {
    let text = load(path)?;
    read_at(path, &text, overrides)
}

/// Reads a scenario from a text; `name` stands for the file in messages, and file names in the
/// scenario are relative to the directory it names.
///
/// # Errors
///
/// As [`read`].
pub fn read_text(
    name: &str,
    text: &str,
    overrides: &[(String, String)],
) -> Result<Scenario, Diagnostics> {
    read_at(Path::new(name), text, overrides)
}

/// The text of the file, refused before it is parsed where it cannot be a scenario.
fn load(path: &Path) -> Result<String, Diagnostics> {
    let shown = quoted(&path.display().to_string());
    let failed = |reason: &str, hint: &str| {
        Diagnostics::general(format!("cannot read {shown}: {reason}"), hint)
    };
    let metadata = std::fs::metadata(path).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => match similar_file(path) {
                hint if hint.is_empty() => NO_FILE_HINT.to_owned(),
                hint => hint,
            },
            _ => String::new(),
        };
        failed(&reason_of(&error), &hint)
    })?;
    if metadata.is_dir() {
        return Err(failed(
            "it is a directory",
            "name the scenario file itself, for instance `scenario.toml` in it",
        ));
    }
    let too_large = || {
        failed(
            "it is larger than 4 MiB",
            "a scenario is a short text; results and samples stand in files of their own",
        )
    };
    if metadata.len() > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    File::open(path)
        // What is no regular file has no length of its own, so the limit is kept here too.
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(&reason_of(&error), ""))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_large());
    }
    let binary = |before: &[u8]| {
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let in_line = before.iter().rev().take_while(|byte| **byte != b'\n');
        let place = format!("{}:{line}:{}", path.display(), in_line.count() + 1);
        failed(
            &format!("it is no text (the byte at {place} cannot stand in one)"),
            "a scenario is a TOML file in UTF-8",
        )
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(binary(&bytes[..at]));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        binary(&error.as_bytes()[..good])
    })
}

/// A hint that names a file beside `path` whose name is nearly the same.
fn similar_file(path: &Path) -> String {
    let Some(wanted) = path.file_name().and_then(|name| name.to_str()) else {
        return String::new();
    };
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    nearest(wanted, names.iter().map(String::as_str))
        .map(|name| {
            format!(
                "did you mean {}?",
                quoted(&directory.join(name).display().to_string())
            )
        })
        .unwrap_or_default()
}

fn read_at(
    path: &Path,
    text: &str,
    overrides: &[(String, String)],
) -> Result<Scenario, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut sources = vec![
        Source {
            name: path.display().to_string(),
            text: text.to_owned(),
        },
        preset::source(),
    ];
    sources.extend(overrides.iter().map(|(path, value)| Source {
        name: "--set".to_owned(),
        text: format!("{path}={value}"),
    }));
    let sources: Arc<[Source]> = sources.into();
    let failed = |list| Diagnostics::new(Arc::clone(&sources), list);
    if text.trim().is_empty() {
        let shown = quoted(&path.display().to_string());
        let start = Diagnostic::at(Span::new(0, 0..0), format!("{shown} is empty"));
        let hint = "`badlink new NAME` writes a scenario to start from";
        return Err(failed(vec![start.hint(hint)]));
    }
    let mut root = tree::parse(0, text).map_err(failed)?;
    let mut refused = Vec::new();
    for (index, (path, value)) in overrides.iter().enumerate() {
        let source = preset::SOURCE + 1 + index;
        if let Err(diagnostic) = tree::apply(&mut root, source, path, value) {
            refused.push(diagnostic);
        }
    }
    if !refused.is_empty() {
        return Err(failed(refused));
    }
    let cx = Reading {
        sources: &sources,
        problems: Problems::default(),
        base: parent(path),
        assumptions: std::cell::RefCell::default(),
    };
    let fallback = path
        .file_stem()
        .map_or_else(|| "scenario".into(), |stem| stem.to_string_lossy());
    let read = typed(&cx, &root, &fallback);
    assemble(cx, read, &root, path, text, overrides.to_vec(), &sources)
}

/// The directory of a file.
fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or_else(|| Path::new("")).to_owned()
}

/// The scenario that was read, or everything that is wrong with it.
fn assemble(
    cx: Reading<'_>,
    read: Option<Typed>,
    root: &Node,
    path: &Path,
    text: &str,
    overrides: Vec<(String, String)>,
    sources: &Arc<[Source]>,
) -> Result<Scenario, Diagnostics> {
    let Reading {
        problems,
        assumptions,
        ..
    } = cx;
    match read {
        Some(read) if problems.count() == 0 => Ok(Scenario {
            canonical: canonical::write(&read),
            name: read.name,
            description: read.description,
            path: path.to_owned(),
            run: read.run,
            protocol: read.protocol,
            groups: read.groups,
            links: read.links,
            media: read.media,
            workloads: read.workloads,
            adversaries: read.adversaries,
            faults: read.faults,
            output: read.output,
            study: read.study.map(Arc::new),
            text: text.to_owned(),
            overrides,
            assumptions: assumptions.into_inner(),
            origin: Arc::new(Origin {
                sources: Arc::clone(sources),
                root: root.clone(),
            }),
        }),
        _ => Err(problems.into_diagnostics(Arc::clone(sources))),
    }
}

/// The parts of a scenario that its tables hold.
#[derive(Debug)]
struct Typed {
    name: String,
    description: String,
    run: RunSettings,
    protocol: ProtocolChoice,
    groups: Vec<NodeGroup>,
    links: Vec<LinkGroup>,
    media: Vec<MediumSpec>,
    workloads: Vec<Workload>,
    adversaries: Vec<AdversarySpec>,
    faults: Vec<FaultSpec>,
    output: OutputSettings,
    study: Option<Study>,
}

/// Reads every table; `None` after at least one message.
fn typed<'t>(cx: &Reading<'t>, root: &'t Node, fallback: &str) -> Option<Typed> {
    let top = cx.section("", root)?;
    cx.schema(&top);
    let (name, description) = cx.title(&top, fallback);
    // Asked for here, read at the end, so that lists of keys keep the order of a usual file.
    top.get("run");
    let protocol = cx.protocol(&top);
    let mut node_sections = cx.named(&top, "nodes");
    // Relays have the last numbers, so that they move nobody else's.
    node_sections.sort_by_key(|(_, section)| relay::is_relay(section));
    let media_sections = cx.named(&top, "media");
    let mut link_sections = cx.named(&top, "links");
    let workload_sections = cx.named(&top, "workload");
    let adversary_sections = cx.named(&top, "adversaries");
    let fault_sections = cx.named(&top, "faults");
    let output = cx.output(&top);
    let study = cx.study(&top);
    if top.table.get("nodes").is_none() {
        let hint = "add a table for each group of nodes, for instance `[nodes.device]` with \
                    `role = \"device\"`";
        top.lacks_table(cx, "nodes.NAME", hint);
    }
    let group_names: Vec<&str> = node_sections.iter().map(|(name, _)| *name).collect();
    let groups = cx.node_groups(&node_sections, protocol.as_ref());
    let media_names: Vec<&str> = media_sections.iter().map(|(name, _)| *name).collect();
    let mut media = cx.media(&media_sections);
    let links = cx.link_groups(
        &mut link_sections,
        &group_names,
        preset::presets(),
        (&mut media, &media_names),
    );
    // What refers to groups and links is read when all of them are good; else one slip would be
    // reported many times.
    let groups: Option<Vec<NodeGroup>> = groups.into_iter().collect();
    let mut links: Option<Vec<LinkGroup>> = links.into_iter().collect();
    if let (Some(choice), Some(links)) = (&protocol, &mut links) {
        cx.settle_transports(links, &link_sections, choice);
    }
    // The same holds when `links` itself is misspelt, which is reported as an unknown key.
    let nearly = |entry: &tree::Entry| nearest(&entry.key, ["links"]).is_some();
    let misspelt = top.table.get("links").is_none() && top.table.entries.iter().any(nearly);
    let mut links = links.filter(|_| !misspelt);
    if let (Some(groups), Some(links)) = (&groups, &mut links) {
        for (link, (_, section)) in links.iter_mut().zip(&link_sections) {
            if let (Some(written), Some(choice)) = (cx.topology(section), &protocol) {
                cx.join(link, (groups, choice), &written, section);
            }
            cx.settle_exceptions(link, groups, section);
        }
        if let Some(choice) = &protocol {
            cx.settle_relay_links(links, &link_sections, (groups, choice));
        }
    }
    if let Some(groups) = &groups {
        cx.check_steps_wanted(top.table.get("output"), groups);
    }
    let mut workloads = None;
    let mut adversaries = None;
    let mut faults = None;
    if let (Some(choice), Some(groups), Some(links)) = (&protocol, &groups, &links) {
        cx.check_links(links, &link_sections);
        cx.check_media(&media_sections, links);
        cx.note_long_messages(links, groups, choice);
        let cast = Cast {
            choice,
            groups,
            links,
        };
        workloads = collect(&workload_sections, |name, section| {
            cx.workload(name, section, cast)
        });
        adversaries = collect(&adversary_sections, |name, section| {
            cx.adversary(name, section, choice, (groups, links))
        });
        faults = collect(&fault_sections, |name, section| {
            cx.fault(name, section, cast)
        });
        if let Some(adversaries) = &adversaries {
            cx.check_adversaries(adversaries, &adversary_sections, links);
        }
    }
    let deadlines = workloads
        .iter()
        .flatten()
        .flat_map(|workload: &Workload| &workload.steps)
        .map(|step| step.deadline_ns);
    let run = cx.run_settings(&top, deadlines.max().unwrap_or(0));
    if let (Some(run), Some(groups)) = (&run, &groups) {
        cx.check_starts(groups, &node_sections, run.duration_ns);
        cx.check_times(
            adversaries.as_deref().unwrap_or_default(),
            &adversary_sections,
            run.duration_ns,
        );
        let end_ns = run.duration_ns.saturating_add(run.settle_ns);
        cx.check_faults(
            faults.as_deref().unwrap_or_default(),
            &fault_sections,
            end_ns,
        );
        if let Some(links) = &links {
            let count = |link: &LinkGroup| link.link_count(groups);
            cx.check_schedules(links, &link_sections, count, run.duration_ns);
        }
    }
    top.finish(cx);
    Some(Typed {
        name,
        description,
        run: run?,
        protocol: protocol?,
        groups: groups?,
        links: links?,
        media: media.into_iter().collect::<Option<_>>()?,
        workloads: workloads?,
        adversaries: adversaries?,
        faults: faults?,
        output,
        study,
    })
}

/// Reads all sections, the bad ones too, so that each can report; `None` when one was bad.
fn collect<'t, T>(
    sections: &[(&'t str, Section<'t>)],
    read: impl Fn(&str, &Section<'t>) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = sections
        .iter()
        .map(|(name, section)| read(name, section))
        .collect();
    read.into_iter().collect()
}
