use super::tamper::changed;
use super::*;
use crate::address::{Address, Channel};
use crate::attack::{Action, AttackContext, Attacker, Setup, Verdict, View};
use crate::crypto::Crypto;
use crate::parameter::Values;
use crate::protocol::Instance;
use crate::roster::Roster;
use crate::time::{LocalTime, Span};
use std::sync::Arc;

struct Zeros;

impl crate::entropy::Entropy for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn instance() -> Arc<dyn Instance> {
    crate::registry::find("secure-vault")
        .expect("it is registered")
        .configure("as-published", &Values::default())
        .expect("the defaults fit")
}

/// An attacker with what it is called with.
struct Stand<A> {
    attacker: A,
    instance: Arc<dyn Instance>,
    actions: Vec<Action>,
}

const DEVICE: Address = Address::new(0, 7701);
const SERVER: Address = Address::new(1, 7701);

fn stand<A: Attacker>(case: Option<&str>, build: impl FnOnce(&Setup<'_>) -> A) -> Stand<A> {
    let instance = instance();
    let attacker = build(&Setup {
        instance: &*instance,
        roster: &Roster::default(),
        near: &[],
        seat: None,
        own_host: crate::attack::OWN_HOSTS,
        case,
        params: &Values::default(),
        lacks: &[],
    });
    Stand {
        attacker,
        instance,
        actions: Vec::new(),
    }
}

impl<A: Attacker> Stand<A> {
    fn call<T>(&mut self, run: impl FnOnce(&mut A, &mut AttackContext<'_>) -> T) -> T {
        self.actions.clear();
        run(
            &mut self.attacker,
            &mut AttackContext {
                now: LocalTime(0),
                entropy: &mut Zeros,
                crypto: &mut Crypto::default(),
                actions: &mut self.actions,
            },
        )
    }

    fn sees(&mut self, from: Address, to: Address, bytes: &[u8]) -> Verdict {
        let message = self.instance.classify(bytes);
        let view = View {
            frame: 1,
            from,
            to,
            from_role: None,
            to_role: None,
            channel: Channel::Public,
            message,
            bytes,
        };
        self.call(|attacker, cx| attacker.on_packet(&view, cx))
    }
}

const M1: [u8; 9] = [1, 0, 0, 0, 1, 0, 0, 0, 7];

#[test]
fn the_nth_frame_is_suppressed_once_and_each_case_once() {
    let mut stand = stand(None, |setup| Suppress::new(setup, &["M1", "M4"]));
    let verdicts: Vec<Verdict> = (0..4).map(|_| stand.sees(DEVICE, SERVER, &M1)).collect();
    assert_eq!(
        verdicts,
        [Verdict::Pass, Verdict::Drop, Verdict::Pass, Verdict::Pass]
    );
}

#[test]
fn a_change_touches_the_field_it_names_and_nothing_else() {
    let layout = instance().layouts()[0].clone();
    let change = |part| changed(&layout, &M1, part, 1).expect("M1 has it");
    assert_eq!(change(Part::EachBit("device_id"))[1..5], [0x40, 0, 0, 1]);
    assert_eq!(change(Part::Add("session_id", -8))[5..], [0xFF; 4]);
    assert_eq!(change(Part::Set("device_id", &[9]))[1..5], [0, 0, 0, 9]);
    assert_eq!(change(Part::Truncate(3)).len(), 3);
    assert_eq!(changed(&layout, &M1, Part::Invert("no such"), 0), None);
}

#[test]
fn an_answer_is_kept_and_played_in_the_place_of_its_sender() {
    let mut stand = stand(None, |setup| Answer::new(setup, "M1", "M2"));
    assert_eq!(stand.sees(DEVICE, SERVER, &M1), Verdict::Pass);
    let m2: Vec<u8> = std::iter::once(2)
        .chain([0, 0, 0, 1, 0, 2, 0, 3])
        .chain([5; 16])
        .collect();
    assert_eq!(stand.sees(SERVER, DEVICE, &m2), Verdict::Pass);
    assert_eq!(stand.sees(DEVICE, SERVER, &M1), Verdict::Drop);
    assert_eq!(
        stand.actions,
        [Action::Inject {
            from: SERVER,
            to: DEVICE,
            channel: Channel::Public,
            bytes: m2,
        }]
    );
}

#[test]
fn a_flood_goes_on_until_it_is_stopped() {
    let mut stand = stand(None, |_| {
        Flood::new(DEVICE, SERVER, vec![M1.to_vec()], Span::from_millis(1))
    });
    stand.call(|attacker, cx| attacker.on_timer(0, cx));
    assert!(matches!(
        stand.actions[0],
        Action::Inject { from: DEVICE, .. }
    ));
    assert!(matches!(stand.actions[1], Action::Arm { .. }));
}
