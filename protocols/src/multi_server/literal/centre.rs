//! The registration centre of the prototype.

use std::sync::Arc;

use super::WINDOW_S;
use super::messages::{self, Message, plain};
use super::text::{digest, fractional_seconds, hex, seconds};
use crate::crypto::Crypto;
use crate::multi_server::equations::{Hash, xor};
use crate::multi_server::exchange::{Way, drop_unexpected};
use crate::multi_server::messages::{PaddedId, SregReq};
use crate::multi_server::params::Params;
use crate::multi_server::phase;
use crate::multi_server::rc::{server_principal, share_server, share_user, user_principal};
use crate::multi_server::records::{self, Reader, ServerRow, UserRow};
use crate::output::{Principal, Scope};
use crate::{Channel, Command, Context, Incoming, Machine, Record, Timer};

/// The registration centre of the prototype. K_rc and r3 are values of its process.
#[derive(Clone, Debug)]
pub struct LiteralCentre {
    params: Arc<Params>,
    secrets: Option<Secrets>,
    list_version: u32,
}

/// What the process of the centre draws when it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secrets {
    pub(crate) k_rc: [u8; 32],
    pub(crate) r3: [u8; 16],
}

impl Secrets {
    /// SSK_j = H(K_rc, P_j, SRT_j).
    pub(crate) fn server_key(&self, crypto: &mut Crypto, p: &Hash, registered_ns: u64) -> Hash {
        let registered = fractional_seconds(registered_ns);
        digest(crypto, &[&hex(&self.k_rc), &hex(p), &registered])
    }

    /// C and D: USK = H(K_rc, UID, r3), C = H(K_rc, r3, A) XOR USK XOR H(UID, A), D = A XOR USK.
    pub(crate) fn issue(&self, crypto: &mut Crypto, uid: &Hash, a: &Hash) -> (Hash, Hash) {
        let (k_rc, r3) = (hex(&self.k_rc), hex(&self.r3));
        let usk = digest(crypto, &[&k_rc, &hex(uid), &r3]);
        let bound = digest(crypto, &[&k_rc, &r3, &hex(a)]);
        let own = digest(crypto, &[&hex(uid), &hex(a)]);
        let half = xor(crypto, &bound, &usk);
        (xor(crypto, &half, &own), xor(crypto, a, &usk))
    }
}

/// The list text: `ID.SSK.Loc` entries joined by `;`.
pub(crate) fn list_text<'a>(rows: impl Iterator<Item = &'a ServerRow>) -> String {
    let entries: Vec<_> = rows
        .map(|row| format!("{}.{}.{}", plain(&row.id), hex(&row.ssk), plain(&row.loc)))
        .collect();
    entries.join(";")
}

impl LiteralCentre {
    pub(crate) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            secrets: None,
            list_version: 0,
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        let storage = cx.storage;
        self.list_version = 0;
        for (_, row) in records::servers(storage) {
            self.list_version = self.list_version.saturating_add(1);
            share_server(cx, &row);
        }
        for (_, bytes) in records::rows(storage, records::CENTRE_USERS) {
            if let Some(row) = UserRow::read(bytes) {
                share_user(cx, &row);
            }
        }
    }

    fn register_server(
        &mut self,
        request: &SregReq,
        incoming: &Incoming<'_>,
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::REGISTER);
        let peer = server_principal(&request.id);
        let way = Way::back(incoming);
        cx.crypto.db_read();
        let mut count = 0;
        for (_, row) in records::servers(cx.storage) {
            if row.id == request.id {
                refuse(&self.params, cx, way, (409, "exists"), peer);
                return;
            }
            count += 1;
        }
        let full = count >= u32::from(self.params.servers_max);
        let Some(secrets) = self.secrets.filter(|_| !full) else {
            refuse(&self.params, cx, way, (500, "internal"), peer);
            return;
        };
        let row = ServerRow {
            id: request.id,
            ssk: secrets.server_key(cx.crypto, &request.p, cx.now.0),
            loc: request.loc,
            q: request.q,
            last_t: None,
        };
        self.list_version = self.list_version.saturating_add(1);
        let record = Record::new(records::CENTRE_SERVERS, count);
        cx.store(|batch| batch.put(record, |out| row.write(out)));
        share_server(cx, &row);
        answer(
            &self.params,
            cx,
            way,
            peer,
            incoming,
            &Message::SregAck { ssk: row.ssk },
        );
    }

    fn register_user(&self, uid: &Hash, a: &Hash, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let peer = user_principal(uid);
        let way = Way::back(incoming);
        cx.crypto.db_read();
        let Err(record) = records::find_user(cx.storage, uid) else {
            refuse(&self.params, cx, way, (409, "exists"), peer);
            return;
        };
        let Some(secrets) = self.secrets else {
            refuse(&self.params, cx, way, (500, "internal"), peer);
            return;
        };
        let (c, d) = secrets.issue(cx.crypto, uid, a);
        let row = UserRow {
            uid: *uid,
            c,
            version: 0,
            change: None,
        };
        cx.store(|batch| batch.put(record, |out| row.write(out)));
        share_user(cx, &row);
        let rows: Vec<_> = records::servers(cx.storage).map(|(_, row)| row).collect();
        let reply = Message::UregAck {
            c,
            d,
            list_version: self.list_version,
            list: list_text(rows.iter()),
        };
        answer(&self.params, cx, way, peer, incoming, &reply);
    }

    fn update_table(&self, id: &PaddedId, t: u64, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::DB_UPDATE);
        let peer = server_principal(id);
        let way = Way::back(incoming);
        if t == 0 {
            refuse(&self.params, cx, way, (400, "missing"), peer);
            return;
        }
        if seconds(cx.now.0).abs_diff(t) > WINDOW_S {
            refuse(&self.params, cx, way, (403, "stale"), peer);
            return;
        }
        cx.crypto.db_read();
        if !records::servers(cx.storage).any(|(_, row)| row.id == *id) {
            refuse(&self.params, cx, way, (404, "unknown"), peer);
            return;
        }
        answer(&self.params, cx, way, peer, incoming, &Message::DbRep);
    }
}

/// Answers a request outside phase 3. Effects: `Running`, `Send`, `Accepted`.
fn answer(
    params: &Params,
    cx: &mut Context<'_>,
    way: Way,
    peer: Principal,
    incoming: &Incoming<'_>,
    reply: &Message,
) {
    let mut frame = cx.buffers.take();
    reply.encode(params, &mut frame);
    way.answer_frame(cx, peer, incoming.bytes, &frame);
    cx.buffers.give(frame);
}

/// Refuses with an HTTP status. Effects: `Send` REJECT, `Rejected`.
pub(crate) fn refuse(
    params: &Params,
    cx: &mut Context<'_>,
    way: Way,
    (status, word): (u16, &'static str),
    peer: Principal,
) {
    cx.send(way.port, way.to, way.channel, |out| {
        Message::Reject { status }.encode(params, out);
    });
    cx.reject(Scope::Frame, word, Some(peer), None);
}

impl Machine for LiteralCentre {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.secrets = cx.storage.read(records::CENTRE_KEY).and_then(|bytes| {
            let mut reader = Reader(bytes);
            Some(Secrets {
                k_rc: reader.take()?,
                r3: reader.take()?,
            })
        });
        self.wake(cx);
    }

    fn on_message(&mut self, incoming: Incoming<'_>, cx: &mut Context<'_>) {
        let message = match messages::decode(&self.params, incoming.bytes) {
            Ok(message) => message,
            Err(place) => {
                cx.reject(Scope::Frame, place, None, None);
                return;
            }
        };
        let registering = matches!(message, Message::SregReq(_) | Message::UregReq { .. });
        if registering && incoming.channel != Channel::Secure {
            cx.reject(Scope::Frame, "insecure-channel", None, None);
            return;
        }
        match &message {
            Message::SregReq(request) => self.register_server(request, &incoming, cx),
            Message::UregReq { uid, a } => self.register_user(uid, a, &incoming, cx),
            Message::DbReq { id, t } => self.update_table(id, *t, &incoming, cx),
            _ => drop_unexpected(cx),
        }
    }

    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {
        // The centre arms none.
    }

    fn on_command(&mut self, _command: &Command<'_>, cx: &mut Context<'_>) {
        cx.reject(Scope::Command, "unsupported", None, None);
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        let mut secrets = Secrets {
            k_rc: [0; 32],
            r3: [0; 16],
        };
        cx.random(&mut secrets.k_rc);
        cx.random(&mut secrets.r3);
        self.secrets = Some(secrets);
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        "SERVING"
    }
}
