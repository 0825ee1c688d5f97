//! The layouts of the frames, written once; encoder, decoder, tables and selectors read them.

use crate::multi_server::params::Params;
use crate::multi_server::{literal, phase, role};
use crate::wire::{Field, FieldKind, Layout, Width};

use super::TABLE_RECORD;

const fn field(name: &'static str, width: u32, kind: FieldKind) -> Field {
    Field {
        name,
        width: Width::Fixed(width),
        kind,
    }
}

const fn bytes(name: &'static str, width: u32) -> Field {
    field(name, width, FieldKind::Bytes)
}

const fn integer(name: &'static str, width: u32) -> Field {
    field(name, width, FieldKind::Integer)
}

const fn list(name: &'static str, unit: usize, most: u16) -> Field {
    let unit = unit as u32;
    Field {
        name,
        width: Width::Rest {
            min: 0,
            max: unit * most as u32,
            multiple_of: unit,
        },
        kind: FieldKind::Bytes,
    }
}

/// The layouts of all messages of a variant.
pub(crate) fn layouts(params: &Params) -> Vec<Layout> {
    if params.literal() {
        literal::messages::layouts(params)
    } else {
        published_layouts(params)
    }
}

/// The layouts of all messages but those of `literal`, tag 01 first.
pub(crate) fn published_layouts(params: &Params) -> Vec<Layout> {
    let id = field("id_j", 16, FieldKind::Text);
    let loc = field("loc_j", 24, FieldKind::Text);
    let servers = list("list", params.list_record(), params.servers_max);
    let nonce = |name| params.hardened().then(|| bytes(name, 16));
    let (rc, server, user) = (Some(role::RC), Some(role::SERVER), Some(role::USER));
    let mut layouts = Vec::with_capacity(14);
    let mut add = |name, phase, sender, fields: Vec<Field>| {
        // Tags count from 1 in the order of this table.
        let tag = u8::try_from(layouts.len() + 1).unwrap_or(u8::MAX);
        let mut all = vec![field("tag", 1, FieldKind::Tag)];
        all.extend(fields);
        layouts.push(Layout {
            name,
            tag: Some(tag),
            phase,
            sender,
            fields: all,
        });
    };
    let request = vec![id.clone(), bytes("p_j", 32), bytes("q_j", 32), loc];
    add("SREG_REQ", phase::REGISTER, server, request);
    add("SREG_ACK", phase::REGISTER, rc, vec![bytes("ssk_j", 32)]);
    let request = vec![bytes("uid", 32), bytes("a", 32)];
    add("UREG_REQ", phase::REGISTER, user, request);
    let answer = vec![
        bytes("c", 32),
        bytes("d", 32),
        integer("list_version", 4),
        servers.clone(),
    ];
    add("UREG_ACK", phase::REGISTER, rc, answer);
    let mut request = vec![bytes("alpha", 32), bytes("beta", 32), integer("t1", 8)];
    request.extend(nonce("nonce_u"));
    add("AUTH_REQ", phase::AUTHENTICATE, user, request);
    let mut answer = vec![bytes("gamma", 32), bytes("sigma", 32), integer("t2", 8)];
    answer.extend(nonce("nonce_s"));
    add("AUTH_REP", phase::AUTHENTICATE, server, answer);
    add(
        "REJECT",
        phase::AUTHENTICATE,
        None,
        vec![integer("code", 1)],
    );
    let request = vec![bytes("uid", 32), integer("t", 8), bytes("tau", 32)];
    add("LIST_REQ", phase::UPDATE_LIST, user, request);
    let answer = vec![
        integer("t'", 8),
        integer("list_version", 4),
        bytes("mu", 32),
        servers,
    ];
    add("LIST_REP", phase::UPDATE_LIST, rc, answer);
    let request = vec![
        bytes("uid", 32),
        bytes("pa", 32),
        bytes("tau", 32),
        integer("t", 8),
    ];
    add("PWD_REQ", phase::CHANGE_PASSWORD, user, request);
    let answer = vec![
        bytes("cx", 32),
        bytes("dx", 32),
        integer("version", 4),
        integer("t'", 8),
        bytes("mu", 32),
    ];
    add("PWD_REP", phase::CHANGE_PASSWORD, rc, answer);
    let ack = vec![bytes("ack", 32), bytes("uid", 32), integer("version", 4)];
    add("PWD_ACK", phase::CHANGE_PASSWORD, user, ack);
    let request = vec![id, bytes("omega", 32), integer("t", 8)];
    add("DB_REQ", phase::DB_UPDATE, server, request);
    let records = Field {
        name: "records",
        width: Width::Counted {
            field: 2,
            unit: TABLE_RECORD as u32,
        },
        kind: FieldKind::Bytes,
    };
    let answer = vec![
        integer("t'", 8),
        integer("count", 4),
        bytes("mu", 32),
        records,
    ];
    add("DB_REP", phase::DB_UPDATE, rc, answer);
    layouts
}
