//! PHOLD on nexosim, one thread: one model holds all processes and schedules itself, so that neither
//! mailboxes nor tasks per process are counted against it.

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use peers::{arguments, draw, report};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Processes {
    states: Vec<u64>,
    delays: Vec<u64>,
}

#[Model]
impl Processes {
    fn next(&mut self, process: u32) -> Duration {
        let drawn = draw(&mut self.states[process as usize]);
        Duration::from_nanos(self.delays[(drawn >> 52) as usize] + (drawn & 0xFFFF) + 1)
    }

    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        for process in 0..self.states.len() as u32 {
            let after = self.next(process);
            cx.schedule_event(after, schedulable!(Self::due), process)
                .expect("it lies in the future");
        }
    }

    #[nexosim(schedulable)]
    fn due(&mut self, process: u32, cx: &Context<Self>) {
        let after = self.next(process);
        cx.schedule_event(after, schedulable!(Self::due), process)
            .expect("it lies in the future");
    }
}

fn main() {
    let (pending, events) = arguments();
    let middle = |cell: u32| -1e9 * (1.0 - (f64::from(cell) + 0.5) / 4096.0).ln();
    let model = Processes {
        states: (0..u64::from(pending)).collect(),
        delays: (0..4096).map(|cell| middle(cell) as u64).collect(),
    };
    let mut simulation = SimInit::with_num_threads(1)
        .add_model(model, Mailbox::new(), "processes")
        .init(MonotonicTime::EPOCH)
        .expect("the bench is complete");
    report(|| {
        // Nearly every step is one event: few processes come due at the same nanosecond.
        for _ in 0..events {
            simulation.step().expect("the run goes on");
        }
        events
    });
}
