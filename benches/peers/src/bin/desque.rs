//! PHOLD on desque: boxed events in a binary heap.

use desque::serial::{Event, Simulation};
use desque::{SimState, SimTime};
use peers::{Delays, arguments, draw, report};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Time(u64);

impl SimTime for Time {}

struct World {
    states: Vec<u64>,
    delays: Delays,
    handled: u64,
    until: u64,
}

impl SimState<Time> for World {
    fn is_complete(&self, _: &Time) -> bool {
        self.handled >= self.until
    }
}

#[derive(Debug)]
struct Due(u32);

impl Event<World, Time> for Due {
    fn execute(&mut self, sim: &mut Simulation<World, Time>) -> desque::Result {
        let world = sim.state_mut();
        world.handled += 1;
        let delay = world.delays.of(draw(&mut world.states[self.0 as usize]));
        let at = Time(sim.current_time().0 + delay);
        sim.schedule(Due(self.0), at)
    }
}

fn main() {
    let (pending, events) = arguments();
    let world = World {
        states: (0..u64::from(pending)).collect(),
        delays: Delays::default(),
        handled: 0,
        until: 0,
    };
    let mut sim = Simulation::new(world, Time(0));
    for process in 0..pending {
        let world = sim.state_mut();
        let delay = world.delays.of(draw(&mut world.states[process as usize]));
        sim.schedule(Due(process), Time(delay))
            .expect("it lies in the future");
    }
    report(|| {
        sim.state_mut().until += events;
        sim.run().expect("the run goes on");
        events
    });
}
