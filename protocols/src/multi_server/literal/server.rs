//! The hospital server of the prototype: it believes the C that the user sends.

use std::sync::Arc;

use super::centre::refuse;
use super::messages::{self, AuthRep, AuthReq, Message, plain};
use super::text::{digest, filled_hex, hex, number, seconds, xor};
use crate::multi_server::directory::Directory;
use crate::multi_server::equations::{Hash, state, tag, xor as xor_hashes};
use crate::multi_server::exchange::{Way, accept_answer, drop_unexpected};
use crate::multi_server::messages::{SregReq, padded};
use crate::multi_server::params::{Params, Without};
use crate::multi_server::rc::user_principal;
use crate::multi_server::records::{self, Identity, ServerKeys};
use crate::multi_server::{PORT, command, phase, relation, timer};
use crate::output::{Fingerprints, Output, Principal, Scope, Tag};
use crate::time::Span;
use crate::{Channel, Command, Context, Incoming, Machine, Timer};

/// The hospital server of the prototype.
#[derive(Clone, Debug)]
pub struct LiteralServer {
    params: Arc<Params>,
    directory: Arc<Directory>,
    awaited: Awaited,
}

/// The request to the centre that is not answered yet, as a frame.
#[derive(Clone, Debug)]
enum Awaited {
    Nothing,
    Key(Vec<u8>),
    Table(Vec<u8>),
}

const REPLY: Timer = Timer::only(timer::REPLY);
const DB_UPDATE: Timer = Timer::only(timer::DB_UPDATE);

/// Names of a login for observers.
pub(crate) fn login_tags(request: &AuthReq, reply: &AuthRep) -> (Tag, Tag, Tag) {
    let parts = [
        &request.alpha,
        &request.beta,
        &request.t1,
        &reply.gamma,
        &reply.sigma,
        &reply.t2,
    ]
    .map(|text| text.as_bytes());
    (
        tag("run", &parts[..3]),
        tag("run", &parts),
        tag("session", &parts),
    )
}

impl LiteralServer {
    pub(crate) const fn new(params: Arc<Params>, directory: Arc<Directory>) -> Self {
        Self {
            params,
            directory,
            awaited: Awaited::Nothing,
        }
    }

    fn centre(&self) -> Principal {
        self.directory.centre_principal()
    }

    fn share(&self, cx: &mut Context<'_>, ssk: Option<&Hash>) {
        let fingerprints = ssk.map_or(Fingerprints::NONE, |ssk| Fingerprints::one(state(ssk)));
        cx.output(Output::SharedState {
            peer: self.centre(),
            relation: relation::SERVER_KEY,
            epoch: 0,
            fingerprints,
            durable: true,
        });
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        let keys = ServerKeys::read(cx);
        self.share(cx, keys.as_ref().map(|keys| &keys.ssk));
        if keys.is_none() {
            self.ask_for_key(cx);
        } else {
            self.arm_update(cx);
        }
    }

    fn arm_update(&self, cx: &mut Context<'_>) {
        if self.params.db_update_every > Span::ZERO {
            cx.arm(DB_UPDATE, self.params.db_update_every);
        }
    }

    fn request(&self, cx: &mut Context<'_>, channel: Channel, message: &Message) -> Vec<u8> {
        let mut frame = cx.buffers.take();
        message.encode(&self.params, &mut frame);
        let way = Way {
            port: PORT,
            to: self.directory.centre(),
            channel,
        };
        way.request_frame(cx, self.centre(), &frame);
        cx.arm(REPLY, self.params.reply_timeout);
        frame
    }

    /// Sends SREG_REQ. Effects: `Running`, `Send`, `Arm`.
    fn ask_for_key(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::REGISTER);
        let Some(identity) = Identity::read(cx) else {
            return;
        };
        let password = core::str::from_utf8(identity.password).unwrap_or_default();
        let id = plain(&identity.padded_id);
        let p = digest(cx.crypto, &[id, &hex(&identity.r_s), password]);
        let typed = digest(cx.crypto, &[id, password]);
        let message = Message::SregReq(SregReq {
            id: identity.padded_id,
            p,
            q: xor_hashes(cx.crypto, &typed, &p),
            loc: identity.loc,
        });
        self.awaited = Awaited::Key(self.request(cx, Channel::Secure, &message));
    }

    /// Sends DB_REQ. Effects: `Running`, `Send`, `Arm`.
    fn ask_for_table(&mut self, cx: &mut Context<'_>) {
        cx.phase(phase::DB_UPDATE);
        let Some(identity) = Identity::read(cx) else {
            return;
        };
        let message = Message::DbReq {
            id: identity.padded_id,
            t: seconds(cx.now.0),
        };
        self.awaited = Awaited::Table(self.request(cx, Channel::Public, &message));
    }

    /// The awaited answer came. Effects: `Cancel`, (`Store`, `SharedState`), `Accepted`, then those
    /// of the first phase 5.
    fn take_answer(&mut self, ssk: Option<&Hash>, frame: &[u8], cx: &mut Context<'_>) {
        let (Awaited::Key(request) | Awaited::Table(request)) =
            core::mem::replace(&mut self.awaited, Awaited::Nothing)
        else {
            return;
        };
        cx.cancel(REPLY);
        if let Some(ssk) = ssk {
            cx.phase(phase::REGISTER);
            let keys = ServerKeys {
                ssk: *ssk,
                old: None,
            };
            cx.store(|batch| batch.put(records::SERVER_KEYS, |out| keys.write(out)));
            self.share(cx, Some(ssk));
        }
        accept_answer(cx, self.centre(), &request, frame);
        cx.buffers.give(request);
        if ssk.is_some() {
            self.ask_for_table(cx);
            self.arm_update(cx);
        }
    }

    fn give_up(&mut self, cx: &mut Context<'_>) {
        if let Awaited::Key(request) | Awaited::Table(request) =
            core::mem::replace(&mut self.awaited, Awaited::Nothing)
        {
            cx.buffers.give(request);
        }
    }

    fn fail(&mut self, reason: &'static str, cx: &mut Context<'_>) {
        let centre = self.centre();
        cx.reject(Scope::Attempt, reason, Some(centre), None);
        self.give_up(cx);
    }

    /// Answers AUTH_REQ. Effects: `Running`, `Send`, `Accepted`; or `Send` REJECT, `Rejected`.
    fn authenticate(&self, request: &AuthReq, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let way = Way::back(incoming);
        match self.check(request, cx) {
            Ok((reply, uid)) => {
                let peer = user_principal(&uid);
                let (asked, answered, session) = login_tags(request, &reply);
                cx.output(Output::Running {
                    peer,
                    run: answered,
                });
                cx.send(way.port, way.to, way.channel, |out| {
                    Message::AuthRep(reply).encode(&self.params, out);
                });
                cx.output(Output::Accepted {
                    peer,
                    session,
                    run: asked,
                    key_id: None,
                });
            }
            Err((status, word, uid)) => {
                let peer = user_principal(&uid);
                refuse(&self.params, cx, way, (status, word), peer);
            }
        }
    }

    fn check(
        &self,
        request: &AuthReq,
        cx: &mut Context<'_>,
    ) -> Result<(AuthRep, Hash), (u16, &'static str, Hash)> {
        let nobody = [0; 32];
        let internal = (500, "internal", nobody);
        let identity = Identity::read(cx).ok_or(internal)?;
        let keys = ServerKeys::read(cx).ok_or(internal)?;
        let id = plain(&identity.padded_id);
        let trusting = self.params.lacks(Without::Beta);
        if request.id != id && !trusting {
            return Err((403, "unknown-server", nobody));
        }
        let ssk = hex(&keys.ssk);
        let stream = digest(cx.crypto, &[id, &ssk, &request.t1]);
        let alpha = number(&request.alpha).ok_or(internal)?;
        let uid: Hash = padded(&xor(cx.crypto, &alpha, &stream));
        let uid_text = hex(&uid);
        let beta = digest(cx.crypto, &[&uid_text, &ssk, &request.c, &request.t1]);
        if !cx
            .crypto
            .equal(hex(&beta).as_bytes(), request.beta.as_bytes())
            && !trusting
        {
            return Err((403, "beta", uid));
        }
        let t2 = seconds(cx.now.0);
        let t1: u64 = request.t1.parse().map_err(|_| internal)?;
        let vt = hex(&digest(cx.crypto, &[&uid_text, "location-verification"]));
        let stream = digest(cx.crypto, &[&request.c, &uid_text, id, &request.beta]);
        let clear = format!("{vt}{}", hex(plain(&identity.loc).as_bytes()));
        let clear = number(&clear).ok_or(internal)?;
        let difference = (i128::from(t2) - i128::from(t1)).to_string();
        let sigma = digest(cx.crypto, &[&vt, &request.c, &difference]);
        let reply = AuthRep {
            t2: t2.to_string(),
            gamma: filled_hex(&xor(cx.crypto, &clear, &stream)),
            sigma: hex(&sigma),
        };
        Ok((reply, uid))
    }

    fn inform(&self, incoming: &Incoming<'_>, cx: &mut Context<'_>) {
        cx.phase(phase::AUTHENTICATE);
        let way = Way::back(incoming);
        if let Some(identity) = Identity::read(cx) {
            let info = Message::Info {
                id: identity.padded_id,
                loc: identity.loc,
            };
            cx.send(way.port, way.to, way.channel, |out| {
                info.encode(&self.params, out)
            });
        }
    }
}

impl Machine for LiteralServer {
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
        match (&self.awaited, &message) {
            (Awaited::Key(_), Message::SregAck { ssk }) if incoming.channel == Channel::Secure => {
                self.take_answer(Some(ssk), incoming.bytes, cx);
            }
            (Awaited::Key(_), Message::SregAck { .. }) => {
                cx.reject(Scope::Frame, "insecure-channel", None, None);
            }
            (Awaited::Table(_), Message::DbRep) => {
                cx.phase(phase::DB_UPDATE);
                self.take_answer(None, incoming.bytes, cx);
            }
            (Awaited::Key(_) | Awaited::Table(_), Message::Reject { .. }) => {
                cx.cancel(REPLY);
                self.fail("refused", cx);
            }
            (_, Message::AuthReq(request)) => self.authenticate(request, &incoming, cx),
            (_, Message::InfoReq) => self.inform(&incoming, cx),
            _ => drop_unexpected(cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_>) {
        let idle = matches!(self.awaited, Awaited::Nothing);
        match timer.kind {
            timer::REPLY if !idle => self.fail("timeout", cx),
            timer::DB_UPDATE => {
                self.arm_update(cx);
                if idle && ServerKeys::read(cx).is_some() {
                    self.ask_for_table(cx);
                }
            }
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command<'_>, cx: &mut Context<'_>) {
        let busy = !matches!(self.awaited, Awaited::Nothing);
        let centre = Some(self.centre());
        match command.id {
            command::DB_UPDATE | command::REISSUE if busy => {
                cx.reject(Scope::Command, "busy", centre, None);
            }
            command::DB_UPDATE if ServerKeys::read(cx).is_none() => {
                cx.reject(Scope::Command, "unregistered", centre, None);
            }
            command::DB_UPDATE => self.ask_for_table(cx),
            command::REISSUE => self.ask_for_key(cx),
            _ => cx.reject(Scope::Command, "unsupported", None, None),
        }
    }

    fn on_restart(&mut self, cx: &mut Context<'_>) {
        self.give_up(cx);
        self.wake(cx);
    }

    fn state(&self) -> &'static str {
        match self.awaited {
            Awaited::Nothing => "SERVING",
            Awaited::Key(_) => "WAIT_KEY",
            Awaited::Table(_) => "WAIT_TABLE",
        }
    }
}
