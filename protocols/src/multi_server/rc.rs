//! The registration centre: issues keys and cards, hands out lists and tables. No session state.

use std::sync::Arc;

use crate::output::{Fingerprints, Output, Principal, Scope};
use crate::storage::Record;
use crate::{Channel, Command, Context, Incoming, Machine, Timer};

use super::equations::login::verifier;
use super::equations::update::{Bond, TableBond, acknowledgement, table_proof};
use super::equations::{Hash, issue, server_key, state};
use super::exchange::{Refusal, Way, drop_unexpected};
use super::messages::{
    self, DbRep, DbReq, ListRep, ListReq, Message, PaddedId, PwdAck, PwdRep, PwdReq, SregReq,
    TABLE_RECORD, UregAck, unpadded,
};
use super::params::{Params, Without};
use super::records::{self, Change, ServerRow, UserRow};
use super::{phase, relation, role};

/// The registration centre.
#[derive(Clone, Debug)]
pub struct RegistrationCentre {
    params: Arc<Params>,
    /// How often a server was registered: a number for readers of traces.
    list_version: u32,
    /// Number of users: counting a large table at every registration would be quadratic.
    users: usize,
}

impl RegistrationCentre {
    pub(crate) const fn new(params: Arc<Params>) -> Self {
        Self {
            params,
            list_version: 0,
            users: 0,
        }
    }

    /// Names everything shared. Effects: `SharedState` per server, then per user.
    fn wake(&mut self, cx: &mut Context<'_>) {
        let storage = cx.storage;
        self.list_version = 0;
        self.users = 0;
        for (_, row) in records::servers(storage) {
            self.list_version = self.list_version.saturating_add(1);
            share_server(cx, &row);
        }
        for (_, bytes) in records::rows(storage, records::CENTRE_USERS) {
            self.users += 1;
            if let Some(row) = UserRow::read(bytes) {
                share_user(cx, &row);
            }
        }
    }

    fn find_server(cx: &mut Context<'_>, id: &PaddedId) -> Option<(Record, ServerRow)> {
        cx.crypto.db_read();
        records::servers(cx.storage).find(|(_, row)| row.id == *id)
    }

    /// R1.
    fn register_server(
        &mut self,
        request: &SregReq,
        incoming: &Incoming<'_>,
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::REGISTER);
        let peer = server_principal(&request.id);
        let way = Way::back(incoming);
        let known = Self::find_server(cx, &request.id);
        let record = match &known {
            Some((record, row)) => {
                if !cx.crypto.equal(&row.q, &request.q) {
                    way.refuse(&self.params, cx, Refusal::EXISTS, Some(peer));
                    return;
                }
                *record
            }
            None => {
                let count = records::rows(cx.storage, records::CENTRE_SERVERS).count();
                if count >= usize::from(self.params.servers_max) {
                    way.refuse(&self.params, cx, Refusal::FULL, Some(peer));
                    return;
                }
                // The count is below 65536.
                let key = u32::try_from(count).unwrap_or(u32::MAX);
                Record::new(records::CENTRE_SERVERS, key)
            }
        };
        let Some(k_rc) = cx.storage.read(records::CENTRE_KEY) else {
            way.refuse(&self.params, cx, Refusal::INTERNAL, Some(peer));
            return;
        };
        let row = ServerRow {
            id: request.id,
            ssk: server_key(cx.crypto, k_rc, &request.p, cx.now.0),
            loc: request.loc,
            q: request.q,
            last_t: known.and_then(|(_, row)| row.last_t),
        };
        self.list_version = self.list_version.saturating_add(1);
        cx.store(|batch| batch.put(record, |out| row.write(out)));
        share_server(cx, &row);
        let reply = Message::SregAck { ssk: row.ssk };
        way.answer(&self.params, cx, peer, incoming.bytes, &reply);
    }

    /// R2.
    fn register_user(
        &mut self,
        uid: &Hash,
        a: &Hash,
        incoming: &Incoming<'_>,
        cx: &mut Context<'_>,
    ) {
        cx.phase(phase::REGISTER);
        let peer = user_principal(uid);
        let way = Way::back(incoming);
        cx.crypto.db_read();
        let Err(record) = records::find_user(cx.storage, uid) else {
            way.refuse(&self.params, cx, Refusal::EXISTS, Some(peer));
            return;
        };
        if self.users >= usize::from(self.params.users_max) {
            way.refuse(&self.params, cx, Refusal::FULL, Some(peer));
            return;
        }
        let Some(k_rc) = cx.storage.read(records::CENTRE_KEY) else {
            way.refuse(&self.params, cx, Refusal::INTERNAL, Some(peer));
            return;
        };
        let mut r3 = [0; 32];
        cx.random(&mut r3);
        self.users += 1;
        let issued = issue(cx.crypto, k_rc, &r3, uid, a);
        let row = UserRow {
            uid: *uid,
            c: issued.c,
            version: 0,
            change: None,
        };
        cx.store(|batch| batch.put(record, |out| row.write(out)));
        share_user(cx, &row);
        let list = self.list(cx);
        let reply = Message::UregAck(UregAck {
            c: issued.c,
            d: issued.d,
            list_version: self.list_version,
            list: &list,
        });
        way.answer(&self.params, cx, peer, incoming.bytes, &reply);
        cx.buffers.give(list);
    }

    /// The current list in clear, in a pooled buffer.
    fn list(&self, cx: &mut Context<'_>) -> Vec<u8> {
        let mut list = cx.buffers.take();
        for (_, row) in records::servers(cx.storage) {
            row.write_list(&self.params, &mut list);
        }
        list
    }

    /// R3.
    fn update_list(&self, request: &ListReq, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::UPDATE_LIST);
        let peer = user_principal(&request.uid);
        let way = Way::back(incoming);
        if !self.params.fresh(cx.now, request.t) {
            way.refuse(&self.params, cx, Refusal::STALE, Some(peer));
            return;
        }
        cx.crypto.db_read();
        let Ok((_, row)) = records::find_user(cx.storage, &request.uid) else {
            way.refuse(&self.params, cx, Refusal::UNKNOWN, Some(peer));
            return;
        };
        let proven = row.candidates().find(|c| {
            let bond = Bond {
                c,
                uid: &request.uid,
                t: request.t,
            };
            let tau = bond.list_proof(cx.crypto);
            cx.crypto.equal(&tau, &request.tau) || self.params.lacks(Without::Proof)
        });
        let Some(c) = proven else {
            way.refuse(&self.params, cx, Refusal::PROOF, Some(peer));
            return;
        };
        let bond = Bond {
            c: &c,
            uid: &request.uid,
            t: request.t,
        };
        let answered = cx.now.0;
        let mut list = self.list(cx);
        let mu = bond.list_mac(cx.crypto, answered, &list);
        bond.mask_list(&self.params, cx.crypto, answered, &mut list);
        let reply = Message::ListRep(ListRep {
            t: answered,
            list_version: self.list_version,
            mu,
            list: &list,
        });
        way.answer(&self.params, cx, peer, incoming.bytes, &reply);
        cx.buffers.give(list);
    }

    /// R4.
    fn change_password(&self, request: &PwdReq, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        let peer = user_principal(&request.uid);
        let way = Way::back(incoming);
        cx.crypto.db_read();
        let known = records::find_user(cx.storage, &request.uid).ok();
        let digest = cx.crypto.sha256(&[incoming.bytes]);
        if let Some((_, row)) = &known
            && let Some(change) = &row.change
            && change.request == digest
        {
            way.answer_frame(cx, peer, incoming.bytes, change.reply);
            return;
        }
        if !self.params.fresh(cx.now, request.t) {
            way.refuse(&self.params, cx, Refusal::STALE, Some(peer));
            return;
        }
        let Some((record, row)) = known else {
            way.refuse(&self.params, cx, Refusal::UNKNOWN, Some(peer));
            return;
        };
        let proven = row.candidates().find_map(|c| {
            let bond = Bond {
                c: &c,
                uid: &request.uid,
                t: request.t,
            };
            let a = bond.mask_secret(cx.crypto, &request.pa);
            let tau = bond.secret_proof(cx.crypto, &a);
            let fits = cx.crypto.equal(&tau, &request.tau) || self.params.lacks(Without::Proof);
            fits.then_some((c, a))
        });
        let Some((c, a)) = proven else {
            way.refuse(&self.params, cx, Refusal::PROOF, Some(peer));
            return;
        };
        let Some(version) = row.version.checked_add(1) else {
            way.refuse(&self.params, cx, Refusal::OVERFLOW, Some(peer));
            return;
        };
        let Some(k_rc) = cx.storage.read(records::CENTRE_KEY) else {
            way.refuse(&self.params, cx, Refusal::INTERNAL, Some(peer));
            return;
        };
        let mut r3 = [0; 32];
        cx.random(&mut r3);
        let issued = issue(cx.crypto, k_rc, &r3, &request.uid, &a);
        let bond = Bond {
            c: &c,
            uid: &request.uid,
            t: request.t,
        };
        let answered = cx.now.0;
        let message = Message::PwdRep(PwdRep {
            cx: bond.mask_c(&self.params, cx.crypto, answered, &issued.c),
            dx: bond.mask_d(&self.params, cx.crypto, answered, &issued.d),
            version,
            t: answered,
            mu: bond.issue_mac(cx.crypto, answered, version, (&issued.c, &issued.d)),
        });
        let mut reply = cx.buffers.take();
        message.encode(&self.params, &mut reply);
        let change = (!self.params.lacks(Without::TwoSlot)).then_some(Change {
            c_prev: c,
            request: digest,
            reply: &reply,
        });
        let row = UserRow {
            uid: request.uid,
            c: issued.c,
            version,
            change,
        };
        cx.store(|batch| batch.put(record, |out| row.write(out)));
        share_user(cx, &row);
        way.answer_frame(cx, peer, incoming.bytes, &reply);
        cx.buffers.give(reply);
    }

    /// R5.
    fn acknowledge(&self, ack: &PwdAck, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::CHANGE_PASSWORD);
        let peer = user_principal(&ack.uid);
        let way = Way::back(incoming);
        cx.crypto.db_read();
        let Ok((record, row)) = records::find_user(cx.storage, &ack.uid) else {
            way.refuse(&self.params, cx, Refusal::UNKNOWN, Some(peer));
            return;
        };
        let expected = acknowledgement(cx.crypto, &row.c, &ack.uid, ack.version);
        let fits = cx.crypto.equal(&expected, &ack.ack) || self.params.lacks(Without::Proof);
        if row.version != ack.version || !fits {
            way.refuse(&self.params, cx, Refusal::PROOF, Some(peer));
            return;
        }
        if row.change.is_some() {
            let row = UserRow {
                change: None,
                ..row
            };
            cx.store(|batch| batch.put(record, |out| row.write(out)));
            share_user(cx, &row);
        }
    }

    /// R6.
    fn update_table(&self, request: &DbReq, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::DB_UPDATE);
        let peer = server_principal(&request.id);
        let way = Way::back(incoming);
        let known = Self::find_server(cx, &request.id);
        let answered = cx.now.0;
        // The twin without limits answers whatever comes, even for a server that does not exist.
        let (ssk, q) = if self.params.lacks(Without::Limits) {
            known.map_or(([0; 32], [0; 32]), |(_, row)| (row.ssk, row.q))
        } else {
            let Some((record, mut row)) = known else {
                way.refuse(&self.params, cx, Refusal::UNKNOWN, Some(peer));
                return;
            };
            let timed = !self.params.lacks(Without::Freshness);
            let repeated = row.last_t.is_some_and(|last| request.t <= last);
            if !self.params.fresh(cx.now, request.t) || (timed && repeated) {
                way.refuse(&self.params, cx, Refusal::STALE, Some(peer));
                return;
            }
            if self.params.db_proof && !self.params.lacks(Without::Proof) {
                let omega = table_proof(cx.crypto, &row.q, request.t, &row.ssk);
                if !cx.crypto.equal(&omega, &request.omega) {
                    way.refuse(&self.params, cx, Refusal::PROOF, Some(peer));
                    return;
                }
            }
            row.last_t = Some(request.t);
            cx.store(|batch| batch.put(record, |out| row.write(out)));
            (row.ssk, row.q)
        };
        let bond = TableBond {
            ssk: &ssk,
            q: &q,
            t: request.t,
            answered,
        };
        let mut table = cx.buffers.take();
        self.table(cx, unpadded(&request.id), &mut table);
        let mu = bond.mac(cx.crypto, &table);
        bond.mask(&self.params, cx.crypto, &mut table);
        let reply = Message::DbRep(DbRep {
            t: answered,
            mu,
            records: &table,
        });
        way.answer(&self.params, cx, peer, incoming.bytes, &reply);
        cx.buffers.give(table);
    }

    /// Appends the table of server `id`: one record per user, in ascending order of UID.
    fn table(&self, cx: &mut Context<'_>, id: &[u8], out: &mut Vec<u8>) {
        cx.crypto.db_read();
        for (_, bytes) in records::rows(cx.storage, records::CENTRE_USERS) {
            if let Some(row) = UserRow::read(bytes) {
                out.extend_from_slice(&row.uid);
                out.extend_from_slice(&verifier(&self.params, cx.crypto, &row.c, id));
                out.extend_from_slice(&row.version.to_be_bytes());
            }
        }
        sort_table(out);
    }
}

/// Puts table records into ascending order of UID.
pub(crate) fn sort_table(table: &mut [u8]) {
    // Rows are filed almost in this order, and what is sorted already costs one pass.
    table.as_chunks_mut::<TABLE_RECORD>().0.sort_unstable();
}

/// The principal of a user: others know it by its UID.
pub(crate) fn user_principal(uid: &Hash) -> Principal {
    Principal::name(role::USER, uid)
}

/// The principal of a server: others know it by its ID_j.
pub(crate) fn server_principal(id: &PaddedId) -> Principal {
    Principal::name(role::SERVER, unpadded(id))
}

/// Names what is shared with a user. Effect: `SharedState`.
pub(crate) fn share_user(cx: &mut Context<'_>, row: &UserRow<'_>) {
    let values = [
        state(&row.c),
        row.change.map_or([0; 16], |change| state(&change.c_prev)),
    ];
    cx.output(Output::SharedState {
        peer: user_principal(&row.uid),
        relation: relation::CARD,
        epoch: 0,
        fingerprints: Fingerprints::newest_first(&values[..row.candidates().count()]),
        durable: true,
    });
}

/// Names what is shared with a server. Effect: `SharedState`.
pub(crate) fn share_server(cx: &mut Context<'_>, row: &ServerRow) {
    cx.output(Output::SharedState {
        peer: server_principal(&row.id),
        relation: relation::SERVER_KEY,
        epoch: 0,
        fingerprints: Fingerprints::one(state(&row.ssk)),
        durable: true,
    });
}

impl Machine for RegistrationCentre {
    fn on_start(&mut self, cx: &mut Context<'_>) {
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
        // Phases 1 and 2 exist on the secure channel only.
        let registering = matches!(message, Message::SregReq(_) | Message::UregReq { .. });
        if registering && incoming.channel != Channel::Secure {
            cx.reject(Scope::Frame, "insecure-channel", None, None);
            return;
        }
        match &message {
            Message::SregReq(request) => self.register_server(request, &incoming, cx),
            Message::UregReq { uid, a } => self.register_user(uid, a, &incoming, cx),
            Message::ListReq(request) => self.update_list(request, &incoming, cx),
            Message::PwdReq(request) => self.change_password(request, &incoming, cx),
            Message::PwdAck(ack) => self.acknowledge(ack, &incoming, cx),
            Message::DbReq(request) => self.update_table(request, &incoming, cx),
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
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        "SERVING"
    }
}
