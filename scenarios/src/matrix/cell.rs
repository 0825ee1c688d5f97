//! One cell: an attack on a variant, as a plain scenario file.

use std::fmt::Write as _;

use protocols::attack::{AttackSpec, CaseParams, Position, Stage};
use protocols::protocol::Protocol;

use super::FIRST_SEED;
use crate::diagnostic::Diagnostics;
use crate::reader::read_text;
use crate::scenario::Scenario;

/// What the name of a secure link ends with.
const SECURE: &str = "-secure";

/// One case of an attack on one variant, or on the attack's control.
#[derive(Clone, Copy)]
pub struct Cell {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// The attack.
    pub spec: &'static AttackSpec,
    /// The variant that is run.
    pub variant: &'static str,
    /// The case; `None` where the attack has one only.
    pub case: Option<&'static str>,
    /// Whether this is the broken twin.
    pub control: bool,
}

fn setting(spec: &'static AttackSpec, case: &str) -> Option<&'static CaseParams> {
    let mut settings = spec.stage.cases.iter();
    settings.find(|setting| setting.case == case)
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Cell {
    /// All cases of an attack on a variant.
    pub(super) fn cases(
        protocol: &'static dyn Protocol,
        spec: &'static AttackSpec,
        variant: &'static str,
        control: bool,
    ) -> Vec<Self> {
        let cell = |case| Self {
            protocol,
            spec,
            variant,
            case,
            control,
        };
        if spec.cases.is_empty() {
            return vec![cell(None)];
        }
        // A twin is there to be beaten once: what depends on parameters is not tried on it again.
        let fits = |case: &&&str| match setting(spec, case) {
            Some(_) if control => false,
            Some(own) => own.variants.is_empty() || own.variants.contains(&variant),
            None => true,
        };
        let cases = spec.cases.iter().filter(fits);
        cases.map(|case| cell(Some(*case))).collect()
    }

    /// What the case sets, where it sets anything.
    fn setting(&self) -> Option<&'static CaseParams> {
        setting(self.spec, self.case?)
    }

    /// Where it is tried.
    fn stage(&self) -> &'static Stage {
        self.spec.stage_of(self.case)
    }

    /// Its name, which is that of its scenario and file.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = format!("{}-{}-{}", self.protocol.name(), self.variant, self.spec.id);
        if let Some(case) = self.case {
            let _ = write!(name, "-{}", case.to_ascii_lowercase().replace('_', "-"));
        }
        if self.control && self.variant != super::BROKEN {
            // The control is a variant that the attack also runs against for its own sake.
            name.push_str("-control");
        }
        name
    }

    /// The scenario file, with the parameters of the attack's stage or without them.
    #[must_use]
    pub fn text(&self, with_params: bool) -> String {
        let stage = self.stage();
        let mut text = format!(
            "# {} on {} {}: written by `badlink matrix`, runs by itself.\nschema = 1\n\n\
             [scenario]\nname = \"{}\"\ndescription = \"attack {} on {}, variant {}\"\n\n\
             [run]\nduration = \"{}\"\nsettle = \"{}\"\nseed = {FIRST_SEED}\n\n\
             [protocol]\nname = \"{}\"\nvariant = \"{}\"\n",
            self.spec.id,
            self.protocol.name(),
            self.variant,
            self.name(),
            self.spec.id,
            self.protocol.name(),
            self.variant,
            stage.duration,
            stage.settle,
            self.protocol.name(),
            self.variant,
        );
        self.params(with_params, &mut text);
        for (role, count) in stage.nodes {
            let _ = write!(
                text,
                "\n[nodes.{role}]\nrole = \"{role}\"\ncount = {count}\n"
            );
            // Who only answers is there from the beginning.
            if stage.errands.iter().any(|errand| errand.from == *role) {
                text.push_str("start = \"uniform(0s, 1min)\"\n");
            }
            let own = stage.node_keys.iter().filter(|(name, _)| name == role);
            own.for_each(|(_, line)| {
                let _ = writeln!(text, "{line}");
            });
            if with_params {
                self.node_params(role, &mut text);
            }
        }
        self.links(stage, &mut text);
        for (number, errand) in (1..).zip(stage.errands) {
            let commands: Vec<String> = errand
                .commands
                .iter()
                .map(|command| format!("\"{command}\""))
                .collect();
            let _ = write!(
                text,
                "\n[workload.errand-{number}]\nfrom = \"{}\"\n",
                errand.from
            );
            if !errand.to.is_empty() {
                let _ = writeln!(text, "to = \"{}\"", errand.to);
            }
            let _ = writeln!(text, "do = [{}]", commands.join(", "));
            if !errand.first.is_empty() {
                let _ = writeln!(text, "first = \"{}\"", errand.first);
            }
            if !errand.every.is_empty() {
                let _ = writeln!(text, "every = \"{}\"", errand.every);
            }
        }
        self.adversary(stage, &mut text);
        if !stage.tables.is_empty() {
            let _ = write!(text, "\n{}\n", stage.tables);
        }
        text.push_str("\n[output]\ntraces = [\"sessions\", \"messages\", \"desync\", \"steps\"]\n");
        text
    }

    fn params(&self, staged: bool, text: &mut String) {
        let mut params: Vec<(&str, String)> = Vec::new();
        let own = self.setting().map_or(&[][..], |setting| setting.params);
        if staged {
            let given = self.stage().params.iter();
            let given = given.filter(|(name, _)| !name.contains('.'));
            let given = given.filter(|(name, _)| own.iter().all(|(other, _)| other != name));
            params.extend(given.map(|(name, value)| (*name, (*value).to_owned())));
        }
        params.extend(own.iter().map(|(name, value)| (*name, (*value).to_owned())));
        if self.control {
            let further = self.spec.control.params.iter();
            params.extend(further.map(|(name, value)| (*name, (*value).to_owned())));
            if !self.spec.control.without.is_empty() {
                params.push(("without", format!("\"{}\"", self.spec.control.without)));
            }
        }
        if !params.is_empty() {
            let pairs: Vec<String> = params
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            let _ = writeln!(text, "params = {{ {} }}", pairs.join(", "));
        }
    }

    /// Parameters of the stage that belong to the nodes of a role: `role.name`.
    fn node_params(&self, role: &str, text: &mut String) {
        let given = self.stage().params.iter();
        let own = given.filter_map(|(name, value)| {
            let name = name.strip_prefix(role)?.strip_prefix('.')?;
            Some(format!("{name} = {value}"))
        });
        let pairs: Vec<String> = own.collect();
        if !pairs.is_empty() {
            let _ = writeln!(text, "params = {{ {} }}", pairs.join(", "));
        }
    }

    /// One public link for each pair of roles that commands join, and the secure ones asked for.
    fn links(&self, stage: &Stage, text: &mut String) {
        let roles = self.protocol.roles();
        let name = |role: u8| roles.get(usize::from(role)).map(|role| role.name);
        let staged = |role: &str| stage.nodes.iter().any(|(name, _)| *name == role);
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for command in self.protocol.commands() {
            let Some((from, to)) = name(command.role).zip(command.peer.and_then(name)) else {
                continue;
            };
            let there = pairs.contains(&(from, to)) || pairs.contains(&(to, from));
            if staged(from) && staged(to) && !there {
                pairs.push((from, to));
            }
        }
        for (from, to) in pairs {
            let _ = write!(
                text,
                "\n[links.{from}-{to}]\nbetween = [\"{from}\", \"{to}\"]\ndelay = \"{}\"\n",
                stage.delay
            );
            if !stage.link_keys.is_empty() {
                let _ = writeln!(text, "{}", stage.link_keys);
            }
        }
        for (from, to) in stage.secure {
            let _ = write!(
                text,
                "\n[links.{from}-{to}-secure]\nbetween = [\"{from}\", \"{to}\"]\n\
                 channel = \"secure\"\ndelay = \"1ms\"\n"
            );
        }
    }

    /// The link on which the attacker stands: a public one, or the secure one of two roles of which
    /// the second is named with `-secure` behind it.
    fn link(&self, stage: &Stage) -> String {
        let (one, other) = if stage.on.0.is_empty() {
            let first = stage.errands.first();
            first.map_or(("", ""), |errand| {
                let named = !errand.to.is_empty();
                (errand.from, if named { errand.to } else { errand.from })
            })
        } else {
            stage.on
        };
        if let Some(open) = other.strip_suffix(SECURE) {
            return format!("{one}-{open}{SECURE}");
        }
        let roles = self.protocol.roles();
        let joins = |from: &str, to: &str| {
            self.protocol.commands().iter().any(|command| {
                let name = |role: u8| roles.get(usize::from(role)).map(|role| role.name);
                name(command.role) == Some(from) && command.peer.and_then(name) == Some(to)
            })
        };
        if joins(one, other) {
            format!("{one}-{other}")
        } else {
            format!("{other}-{one}")
        }
    }

    fn adversary(&self, stage: &Stage, text: &mut String) {
        let spec = self.spec;
        let _ = writeln!(text, "\n[adversaries.eve]\nattack = \"{}\"", spec.id);
        match spec.positions.first() {
            Some(Position::Insider) => {
                let _ = writeln!(text, "as = \"{}\"", stage.seat);
            }
            Some(Position::OffPath) => {
                let _ = writeln!(text, "at = \"{}\"", self.link(stage));
            }
            _ => {
                let _ = writeln!(text, "on = \"{}\"", self.link(stage));
            }
        }
        let mut powers: Vec<String> = spec
            .powers
            .iter()
            .map(|power| format!("\"{}\"", power.as_str()))
            .collect();
        if stage.on.1.ends_with(SECURE) && spec.positions.first() == Some(&Position::OnPath) {
            // There is nothing to see on a secure link for anybody else.
            powers.push("\"break-channel\"".to_owned());
        }
        let _ = writeln!(text, "powers = [{}]", powers.join(", "));
        // In the place of now this party, now that one, it knows what that party knows.
        let insider = spec.positions.first() == Some(&Position::Insider);
        let roles = insider && !spec.stages.is_empty();
        let knows = spec.knows.iter();
        let knows: Vec<_> = knows
            .filter(|need| !roles || stage.plays(need.of))
            .collect();
        if !knows.is_empty() {
            let knows: Vec<String> = knows
                .into_iter()
                .map(|need| {
                    // An insider is told what it holds itself; everybody else the first of the role.
                    let of = if insider && stage.plays(need.of) {
                        stage.seat.to_owned()
                    } else {
                        format!("{}[0]", need.of)
                    };
                    format!(
                        "{{ secret = \"{}\", of = \"{of}\", at = \"{}\" }}",
                        need.secret, need.at
                    )
                })
                .collect();
            let _ = writeln!(text, "knows = [{}]", knows.join(", "));
        }
        if let Some(case) = self.case {
            let _ = writeln!(text, "params = {{ case = \"{case}\" }}");
        }
    }

    /// The scenario of one trial and its text. Parameters of the stage that the variant refuses are
    /// left out.
    ///
    /// # Errors
    ///
    /// What is wrong with it either way.
    pub fn scenario(&self, trial: u64) -> Result<(Scenario, String), Diagnostics> {
        let file = format!("{}.toml", self.name());
        let seed = [(String::from("run.seed"), (FIRST_SEED + trial).to_string())];
        let text = self.text(true);
        match read_text(file.as_ref(), &text, &seed) {
            Ok(scenario) => Ok((scenario, text)),
            Err(error) => {
                let text = self.text(false);
                match read_text(file.as_ref(), &text, &seed) {
                    Ok(scenario) => Ok((scenario, text)),
                    Err(_) => Err(error),
                }
            }
        }
    }
}
