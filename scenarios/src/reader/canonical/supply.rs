//! The lines of a node group about its clock, radio, battery and storage, where it has them.

use super::Lines;
use crate::scenario::Clock;
use crate::supply::Supply;

pub(super) fn write(out: &mut Lines, clock: &Clock, supply: &Supply) {
    if let Some((sd, every)) = clock.walk {
        out.put("clock.walk.sd_ns", sd);
        out.put("clock.walk.every_ns", every);
    }
    for (number, (at, by)) in clock.steps.iter().enumerate() {
        out.put(&format!("clock.step.{number}"), format!("{by} at {at}"));
    }
    if clock.granularity_ns > 1 {
        out.put("clock.granularity_ns", clock.granularity_ns);
    }
    if let Some(radio) = &supply.radio {
        out.put("radio.model", &radio.name);
        out.put("radio.listen", supply.listen);
    }
    if supply.sleep_nw > 0 {
        out.put("sleep_power_nw", supply.sleep_nw);
    }
    if let Some(battery) = supply.battery_nj {
        out.put("battery_nj", battery);
    }
    if let Some(wear) = supply.wear {
        out.put("storage.endurance", wear.endurance);
        out.put("storage.worn", wear.worn.as_str());
    }
}
