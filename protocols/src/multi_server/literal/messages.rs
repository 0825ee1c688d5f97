//! Frames of the prototype: JSON for phase 3, the frames of the parent module for the rest.

use crate::multi_server::equations::Hash;
use crate::multi_server::messages::{
    self as frames, PaddedId, PaddedLoc, SregReq, check_text, padded, unpadded,
};
use crate::multi_server::params::Params;
use crate::multi_server::{phase, role};
use crate::output::Place;
use crate::wire::{Field, FieldKind, Layout, Width};

/// Bytes of the list text of UREG_ACK at most: every server with the longest names.
const LIST_ENTRY_MAX: u32 = 16 + 1 + 64 + 1 + 24 + 1;

/// One frame of the prototype, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    SregReq(SregReq),
    SregAck {
        ssk: Hash,
    },
    UregReq {
        uid: Hash,
        a: Hash,
    },
    UregAck {
        c: Hash,
        d: Hash,
        list_version: u32,
        list: String,
    },
    AuthReq(AuthReq),
    AuthRep(AuthRep),
    /// An HTTP status.
    Reject {
        status: u16,
    },
    DbReq {
        id: PaddedId,
        t: u64,
    },
    /// 44 zero bytes behind the tag.
    DbRep,
    InfoReq,
    Info {
        id: PaddedId,
        loc: PaddedLoc,
    },
}

/// The members of the request object, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthReq {
    /// 64 hex digits.
    pub(crate) alpha: String,
    /// 64 hex digits.
    pub(crate) beta: String,
    /// Decimal seconds.
    pub(crate) t1: String,
    /// 64 hex digits.
    pub(crate) c: String,
    /// 64 hex digits.
    pub(crate) uid: String,
    pub(crate) id: String,
}

/// The members of the answer object, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthRep {
    /// Decimal seconds.
    pub(crate) t2: String,
    /// At least 64 hex digits.
    pub(crate) gamma: String,
    /// 64 hex digits.
    pub(crate) sigma: String,
}

/// What stands around the members of the request object.
const REQUEST: [&str; 7] = [
    "{\"alpha_i\": \"",
    "\", \"beta_i\": \"",
    "\", \"T1\": \"",
    "\", \"C_i\": \"",
    "\", \"UID_i\": \"",
    "\", \"ID_j\": \"",
    "\"}",
];

/// What stands around the members of the answer object.
const ANSWER: [&str; 4] = [
    "{\n  \"T2\": \"",
    "\",\n  \"gamma_i\": \"",
    "\",\n  \"sigma_i\": \"",
    "\"\n}\n",
];

const INFO_REQ: u8 = 0x10;
const INFO: u8 = 0x11;

fn field(name: &'static str, width: Width, kind: FieldKind) -> Field {
    Field { name, width, kind }
}

fn fixed(name: &'static str, width: u32, kind: FieldKind) -> Field {
    field(name, Width::Fixed(width), kind)
}

/// Fields of a JSON object: punctuation and members in turn. Times have ten digits.
fn json(punctuation: &[&str], members: &[(&'static str, Width)]) -> Vec<Field> {
    let width = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut fields = Vec::new();
    for (index, text) in punctuation.iter().enumerate() {
        fields.push(fixed("json", width(text), FieldKind::Text));
        if let Some((name, width)) = members.get(index) {
            fields.push(field(name, *width, FieldKind::Text));
        }
    }
    fields
}

/// The layouts of all frames; the JSON ones have no tag.
pub(crate) fn layouts(params: &Params) -> Vec<Layout> {
    let rest = |min, max| Width::Rest {
        min,
        max,
        multiple_of: 1,
    };
    let hex = Width::Fixed(64);
    let mut layouts = frames::published_layouts(params);
    // LIST_REQ to PWD_ACK do not exist here.
    layouts.retain(|layout| !matches!(layout.tag, Some(8..=12)));
    for layout in &mut layouts {
        match layout.tag {
            Some(4) => {
                let most = LIST_ENTRY_MAX * u32::from(params.servers_max);
                layout.fields[4] = field("list", rest(0, most), FieldKind::Text);
            }
            Some(5) => {
                layout.tag = None;
                layout.fields = json(
                    &REQUEST,
                    &[
                        ("alpha_i", hex),
                        ("beta_i", hex),
                        ("T1", Width::Fixed(10)),
                        ("C_i", hex),
                        ("UID_i", hex),
                        ("ID_j", rest(1, 16)),
                    ],
                );
            }
            Some(6) => {
                layout.tag = None;
                let gamma = rest(64, 64 + 48);
                let members = [
                    ("T2", Width::Fixed(10)),
                    ("gamma_i", gamma),
                    ("sigma_i", hex),
                ];
                layout.fields = json(&ANSWER, &members);
            }
            Some(7) => layout.fields[1] = fixed("status", 2, FieldKind::Integer),
            Some(13) => {
                layout.fields = vec![
                    fixed("tag", 1, FieldKind::Tag),
                    fixed("id_j", 16, FieldKind::Text),
                    fixed("t", 8, FieldKind::Integer),
                ];
            }
            _ => {}
        }
    }
    let ask = |name, tag, sender, fields: Vec<Field>| Layout {
        name,
        tag: Some(tag),
        phase: phase::AUTHENTICATE,
        sender: Some(sender),
        fields,
    };
    let tag = || fixed("tag", 1, FieldKind::Tag);
    layouts.push(ask("INFO_REQ", INFO_REQ, role::USER, vec![tag()]));
    let info = vec![
        tag(),
        fixed("id_j", 16, FieldKind::Text),
        fixed("loc_j", 24, FieldKind::Text),
    ];
    layouts.push(ask("INFO", INFO, role::SERVER, info));
    layouts
}

/// The message that `bytes` is: JSON objects by their first member, others by their tag.
pub(crate) fn classify(layouts: &[Layout], bytes: &[u8]) -> Option<usize> {
    let named = |name: &str| layouts.iter().position(|layout| layout.name == name);
    if bytes.starts_with(REQUEST[0].as_bytes()) {
        return named("AUTH_REQ");
    }
    if bytes.starts_with(ANSWER[0].as_bytes()) {
        return named("AUTH_REP");
    }
    let tag = *bytes.first()?;
    layouts.iter().position(|layout| layout.tag == Some(tag))
}

fn put_json(punctuation: &[&str], members: &[&str], out: &mut Vec<u8>) {
    for (index, text) in punctuation.iter().enumerate() {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(members.get(index).map_or(&[], |member| member.as_bytes()));
    }
}

impl Message {
    /// Appends the frame.
    pub(crate) fn encode(&self, params: &Params, out: &mut Vec<u8>) {
        match self {
            Self::SregReq(request) => frames::Message::SregReq(*request).encode(params, out),
            Self::SregAck { ssk } => frames::Message::SregAck { ssk: *ssk }.encode(params, out),
            Self::UregReq { uid, a } => {
                frames::Message::UregReq { uid: *uid, a: *a }.encode(params, out);
            }
            Self::UregAck {
                c,
                d,
                list_version,
                list,
            } => {
                out.push(4);
                out.extend_from_slice(c);
                out.extend_from_slice(d);
                out.extend_from_slice(&list_version.to_be_bytes());
                out.extend_from_slice(list.as_bytes());
            }
            Self::AuthReq(m) => {
                put_json(
                    &REQUEST,
                    &[&m.alpha, &m.beta, &m.t1, &m.c, &m.uid, &m.id],
                    out,
                );
            }
            Self::AuthRep(m) => put_json(&ANSWER, &[&m.t2, &m.gamma, &m.sigma], out),
            Self::Reject { status } => {
                out.push(7);
                out.extend_from_slice(&status.to_be_bytes());
            }
            Self::DbReq { id, t } => {
                out.push(13);
                out.extend_from_slice(id);
                out.extend_from_slice(&t.to_be_bytes());
            }
            Self::DbRep => {
                out.push(14);
                out.extend_from_slice(&[0; 44]);
            }
            Self::InfoReq => out.push(INFO_REQ),
            Self::Info { id, loc } => {
                out.push(INFO);
                out.extend_from_slice(id);
                out.extend_from_slice(loc);
            }
        }
    }
}

const fn place(field: &'static str, offset: usize) -> Place {
    Place {
        field,
        index: None,
        offset: offset as u32,
    }
}

/// Reads members and punctuation of a JSON object in turn.
struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Json<'a> {
    fn punctuation(&mut self, expected: &str) -> Result<(), Place> {
        let rest = &self.text[self.at..];
        if rest.starts_with(expected.as_bytes()) {
            self.at += expected.len();
            Ok(())
        } else {
            Err(place("json", self.at))
        }
    }

    fn member(
        &mut self,
        name: &'static str,
        good: impl Fn(&str) -> bool,
    ) -> Result<&'a str, Place> {
        let wrong = place(name, self.at);
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|byte| *byte == b'"').ok_or(wrong)?;
        let text = core::str::from_utf8(&rest[..length]).map_err(|_| wrong)?;
        if !good(text) {
            return Err(wrong);
        }
        self.at += length;
        Ok(text)
    }

    fn hex(&mut self, name: &'static str, most: usize) -> Result<String, Place> {
        let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let good = |text: &str| (64..=most).contains(&text.len()) && digits(text);
        self.member(name, good).map(str::to_owned)
    }

    fn time(&mut self, name: &'static str) -> Result<String, Place> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let good = |text: &str| digits(text) && text.parse::<u64>().is_ok();
        self.member(name, good).map(str::to_owned)
    }

    fn end(&self) -> Result<(), Place> {
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(place("end", self.at))
        }
    }
}

fn read_request(frame: &[u8]) -> Result<AuthReq, Place> {
    let mut json = Json { text: frame, at: 0 };
    json.punctuation(REQUEST[0])?;
    let alpha = json.hex("alpha_i", 64)?;
    json.punctuation(REQUEST[1])?;
    let beta = json.hex("beta_i", 64)?;
    json.punctuation(REQUEST[2])?;
    let t1 = json.time("T1")?;
    json.punctuation(REQUEST[3])?;
    let c = json.hex("C_i", 64)?;
    json.punctuation(REQUEST[4])?;
    let uid = json.hex("UID_i", 64)?;
    json.punctuation(REQUEST[5])?;
    let plain = |text: &str| (1..=16).contains(&text.len()) && !text.contains('\\');
    let id = json.member("ID_j", plain)?.to_owned();
    json.punctuation(REQUEST[6])?;
    json.end()?;
    Ok(AuthReq {
        alpha,
        beta,
        t1,
        c,
        uid,
        id,
    })
}

fn read_answer(frame: &[u8]) -> Result<AuthRep, Place> {
    let mut json = Json { text: frame, at: 0 };
    json.punctuation(ANSWER[0])?;
    let t2 = json.time("T2")?;
    json.punctuation(ANSWER[1])?;
    let gamma = json.hex("gamma_i", 64 + 48)?;
    json.punctuation(ANSWER[2])?;
    let sigma = json.hex("sigma_i", 64)?;
    json.punctuation(ANSWER[3])?;
    json.end()?;
    Ok(AuthRep { t2, gamma, sigma })
}

/// Decodes one frame.
///
/// # Errors
///
/// The first place that does not fit, as in the parent module; in JSON the member, or `json` for
/// what stands between members.
pub(crate) fn decode(params: &Params, frame: &[u8]) -> Result<Message, Place> {
    if frame.starts_with(b"{\n") {
        return read_answer(frame).map(Message::AuthRep);
    }
    if frame.first() == Some(&b'{') {
        return read_request(frame).map(Message::AuthReq);
    }
    let index = classify(&params.layouts, frame).ok_or(place("tag", 0))?;
    let at = params.layouts[index].locate(frame)?;
    let text = |field: usize, name| check_text(at.field(field), place(name, at.offset(field)));
    Ok(match frame[0] {
        1 => {
            text(1, "id_j")?;
            text(4, "loc_j")?;
            Message::SregReq(SregReq {
                id: padded(at.field(1)),
                p: padded(at.field(2)),
                q: padded(at.field(3)),
                loc: padded(at.field(4)),
            })
        }
        2 => Message::SregAck {
            ssk: padded(at.field(1)),
        },
        3 => Message::UregReq {
            uid: padded(at.field(1)),
            a: padded(at.field(2)),
        },
        4 => Message::UregAck {
            c: padded(at.field(1)),
            d: padded(at.field(2)),
            list_version: u32::from_be_bytes(padded(at.field(3))),
            list: core::str::from_utf8(at.field(4))
                .map_err(|_| place("list", at.offset(4)))?
                .to_owned(),
        },
        7 => Message::Reject {
            status: u16::from_be_bytes(padded(at.field(1))),
        },
        13 => {
            text(1, "id_j")?;
            Message::DbReq {
                id: padded(at.field(1)),
                t: at.integer(2),
            }
        }
        14 if frame.len() > 45 => return Err(place("end", 45)),
        14 => Message::DbRep,
        INFO_REQ => Message::InfoReq,
        _ => {
            text(1, "id_j")?;
            text(2, "loc_j")?;
            Message::Info {
                id: padded(at.field(1)),
                loc: padded(at.field(2)),
            }
        }
    })
}

/// A padded text as a text; decoded frames hold nothing else.
pub(crate) fn plain(padded: &[u8]) -> &str {
    core::str::from_utf8(unpadded(padded)).unwrap_or_default()
}
