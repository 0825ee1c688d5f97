//! Phase 3 at the user.

use crate::output::{Output, Principal};
use crate::{Address, Arg, Channel, Command, Context};

use super::cards::{Entry, clear_attempts, observe, open_any, write_cleared};
use super::{REPLY, State, User};
use crate::multi_server::equations::login::{Transcript, alpha, beta, verifier};
use crate::multi_server::equations::{Hash, tag};
use crate::multi_server::messages::{AuthRep, AuthReq, Message, PaddedId, padded, unpadded};
use crate::multi_server::params::{VtMode, Without};
use crate::multi_server::rc::server_principal;
use crate::multi_server::records::{self, Reader};
use crate::multi_server::server::{LoginTags, asked_run, backoff};
use crate::multi_server::{PORT, phase};
use crate::storage::Record;
use crate::time::{LocalTime, Span};

/// An AUTH_REQ that is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct AuthWait {
    /// [`Secrets`], then the values of the last request.
    buffer: Vec<u8>,
    server: Address,
    /// The card that was opened.
    card: Record,
    pub(super) rejects_left: u8,
    repeats: u8,
    /// Between a REJECT and the next request.
    pub(super) pausing: bool,
}

impl AuthWait {
    /// The server that is asked.
    pub(super) fn peer(&self) -> Principal {
        server_principal(&padded(self.buffer.get(..16).unwrap_or_default()))
    }

    pub(super) fn give_back(self, cx: &mut Context<'_>) {
        cx.buffers.give(self.buffer);
    }
}

/// What an attempt needs of the open card.
#[derive(Clone, Copy)]
struct Secrets {
    id: PaddedId,
    uid: Hash,
    /// The verifier: C, or C_ij.
    c: Hash,
    entry: Entry,
}

impl Secrets {
    /// Bytes in the buffer.
    const SIZE: usize = 16 + 32 + 32 + 32 + 24;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.uid);
        out.extend_from_slice(&self.c);
        out.extend_from_slice(&self.entry.ssk);
        out.extend_from_slice(&self.entry.loc);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            id: reader.take()?,
            uid: reader.take()?,
            c: reader.take()?,
            entry: Entry {
                ssk: reader.take()?,
                loc: reader.take()?,
            },
        })
    }
}

fn write_asked(request: &AuthReq, out: &mut Vec<u8>) {
    out.extend_from_slice(&request.alpha);
    out.extend_from_slice(&request.beta);
    out.extend_from_slice(&request.t1.to_be_bytes());
    out.extend_from_slice(request.nonce.as_ref().map_or(&[], |nonce| nonce));
}

fn read_asked(reader: &mut Reader<'_>) -> Option<AuthReq> {
    Some(AuthReq {
        alpha: reader.take()?,
        beta: reader.take()?,
        t1: u64::from_be_bytes(reader.take()?),
        nonce: reader.take(),
    })
}

impl User {
    /// U1, U2.
    pub(super) fn authenticate(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let named: Option<PaddedId> = match command.arg(0) {
            Arg::Bytes(id) => (id.len() <= 16).then(|| padded(id)),
            _ => command
                .peer
                .and_then(|peer| self.directory.id_at(peer.host).copied()),
        };
        let peer = named.map_or_else(|| self.centre(), |id| server_principal(&id));
        if !matches!(self.state, State::Idle) {
            self.refuse_command(cx, "busy", peer);
            return;
        }
        let card = self
            .head(cx.storage, command.arg(1))
            .and_then(|head| open_any(&self.params, cx, &head));
        let Some(card) = card else {
            self.refuse_command(cx, "card", peer);
            return;
        };
        let found = named.and_then(|id| {
            let address = command
                .peer
                .or_else(|| self.directory.address_of(unpadded(&id)))?;
            let entry = card.find(&self.params, cx, unpadded(&id))?;
            Some((id, Address::new(address.host, PORT), entry))
        });
        let Some((id, server, entry)) = found else {
            self.refuse_command(cx, "unknown-server", peer);
            return;
        };
        let secrets = Secrets {
            id,
            uid: card.opened.uid,
            c: verifier(&self.params, cx.crypto, &card.opened.c, unpadded(&id)),
            entry,
        };
        let mut buffer = cx.buffers.take();
        secrets.write(&mut buffer);
        self.state = State::Auth(AuthWait {
            buffer,
            server,
            card: card.record,
            rejects_left: self.params.reject_retry,
            repeats: 0,
            pausing: false,
        });
        self.request(cx);
    }

    /// Sends AUTH_REQ with a new T1. Effects: `Running`, `Send`, `Arm`.
    fn request(&mut self, cx: &mut Context<'_>) {
        let State::Auth(wait) = &mut self.state else {
            return;
        };
        let Some(secrets) = Secrets::read(&mut Reader(&wait.buffer)) else {
            return;
        };
        let t1 = cx.now.0;
        let nonce = self.params.hardened().then(|| {
            let mut nonce = [0; 16];
            cx.random(&mut nonce);
            nonce
        });
        let sealed = (unpadded(&secrets.id), &secrets.entry.ssk);
        let (params, drawn) = (&self.params, nonce.as_ref());
        let request = AuthReq {
            alpha: alpha(params, cx.crypto, &secrets.uid, sealed, t1, drawn),
            beta: beta(cx.crypto, &secrets.uid, sealed.1, &secrets.c, t1, drawn),
            t1,
            nonce,
        };
        wait.buffer.truncate(Secrets::SIZE);
        write_asked(&request, &mut wait.buffer);
        wait.pausing = false;
        let (peer, server) = (wait.peer(), wait.server);
        let after = backoff(self.params.reply_timeout, wait.repeats);
        cx.output(Output::Running {
            peer,
            run: asked_run(&request),
        });
        cx.send(PORT, server, Channel::Public, |out| {
            Message::AuthReq(request).encode(params, out);
        });
        cx.arm(REPLY, after);
    }

    /// The pause after a REJECT is over.
    pub(super) fn request_again(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        self.request(cx);
    }

    pub(super) fn auth_timeout(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        match &mut self.state {
            State::Auth(wait) if self.params.resend && wait.repeats < self.params.resend_max => {
                wait.repeats += 1;
                self.request(cx);
            }
            _ => self.fail(cx, "timeout"),
        }
    }

    /// U3, U4.
    pub(super) fn take_grant(&mut self, reply: &AuthRep, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let State::Auth(wait) = &self.state else {
            return;
        };
        let mut reader = Reader(&wait.buffer);
        let secrets = Secrets::read(&mut reader);
        let Some((secrets, asked)) = secrets.zip(read_asked(&mut reader)) else {
            return;
        };
        match self.check_grant(&secrets, &asked, reply, cx) {
            Ok(keyed) => self.accept_grant(&asked, reply, keyed, cx),
            Err(reason) => self.fail(cx, reason),
        }
    }

    fn check_grant(
        &self,
        secrets: &Secrets,
        asked: &AuthReq,
        reply: &AuthRep,
        cx: &mut Context<'_>,
    ) -> Result<(Hash, Span), &'static str> {
        if !self.params.fresh(cx.now, reply.t2) {
            return Err("stale");
        }
        let transcript = Transcript {
            uid: &secrets.uid,
            id: unpadded(&secrets.id),
            c: &secrets.c,
            beta: &asked.beta,
            t1: asked.t1,
            t2: reply.t2,
            nonces: asked.nonce.as_ref().zip(reply.nonce.as_ref()),
        };
        let grant = transcript.grant(&self.params, cx.crypto, &reply.gamma);
        let sigma = transcript.sigma(cx.crypto, &grant).ok_or("overflow")?;
        if !self.params.lacks(Without::Sigma) {
            if !cx.crypto.equal(&sigma, &reply.sigma) {
                return Err("sigma");
            }
            let located = cx.crypto.equal(&grant.loc, &secrets.entry.loc);
            if self.params.check_location && !located {
                return Err("location");
            }
            if self.params.vt_mode == VtMode::Expiry && grant.vt <= cx.now.0 {
                return Err("expired");
            }
        }
        let lifetime = match self.params.vt_mode {
            VtMode::Expiry => LocalTime(grant.vt).since(cx.now),
            _ => self.params.session_lifetime,
        };
        Ok((
            transcript.session_key(&self.params, cx.crypto, &grant),
            lifetime,
        ))
    }

    /// U3. Effects: (`Store`, `SharedState`), `Arm`, `Accepted`, `Cancel`.
    fn accept_grant(
        &mut self,
        asked: &AuthReq,
        reply: &AuthRep,
        (key, lifetime): (Hash, Span),
        cx: &mut Context<'_>,
    ) {
        let State::Auth(wait) = &self.state else {
            return;
        };
        let (peer, card) = (wait.peer(), wait.card);
        if card == records::USER_NEW_CARD {
            self.erase_old_card(cx);
        } else {
            clear_attempts(&self.params, cx, &[]);
        }
        let whole = LoginTags::new(asked, reply);
        let ends = (peer, whole.session);
        self.sessions
            .get_or_insert_default()
            .open(cx, ends, key, lifetime);
        cx.output(Output::Accepted {
            peer,
            session: whole.session,
            run: whole.answered,
            key_id: Some(tag("key-id", &[&key])),
        });
        self.become_idle(cx);
    }

    /// The new card of a pair proved good: it takes the place of the old one.
    fn erase_old_card(&mut self, cx: &mut Context<'_>) {
        let Some(card) = cx.storage.read(records::USER_NEW_CARD) else {
            return;
        };
        let c = observe(self, cx, records::USER_NEW_CARD).map(|opened| opened.c);
        cx.store(|batch| {
            batch.put(records::USER_CARD, |out| {
                write_cleared(&self.params, card, out)
            });
            batch.delete(records::USER_NEW_CARD);
        });
        if let Some(memory) = &mut self.memory {
            memory.previous = None;
        }
        match &c {
            Some(c) => self.share_cards(cx, &[c]),
            None => self.share_cards(cx, &[]),
        }
    }
}
