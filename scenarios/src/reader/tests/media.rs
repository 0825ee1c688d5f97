//! Shared media: what is read, and what is refused.

use sim_engine::medium::{Access, Capture};

use super::{changed, says};
use crate::Scenario;

const LINK: &str = "delay = \"20ms\"";

fn with(medium: &str) -> Result<Scenario, crate::Diagnostics> {
    changed(LINK, &format!("rate = \"100kbps\"\nmedium = {medium}"))
}

fn lora(more: &str) -> Result<Scenario, crate::Diagnostics> {
    changed(
        LINK,
        &format!("medium = {{ model = \"lora\", sf = 9{more} }}"),
    )
}

#[test]
fn a_link_may_have_a_channel_of_its_own() {
    let scenario = with("{ model = \"slotted-aloha\", slot = \"10ms\" }").unwrap();
    assert_eq!(scenario.media.len(), 1);
    assert_eq!(scenario.media[0].name, "access");
    assert!(matches!(
        scenario.media[0].params.access,
        Access::Slotted { .. }
    ));
    let link = &scenario.links[0];
    assert_eq!(link.up.medium.unwrap().medium.0, 0);
    assert_eq!(link.up.medium, link.down.medium);
    assert!(
        scenario
            .canonical
            .contains("media.access.model = slotted-aloha")
    );
}

#[test]
fn ieee802154_has_the_rate_of_the_standard() {
    let scenario = changed(LINK, "medium = { model = \"ieee802154\" }").unwrap();
    assert_eq!(scenario.links[0].up.rate_bps, Some(250_000));
}

#[test]
fn links_share_a_named_medium_and_may_change_its_modulation() {
    let text = super::GOOD
        .replace(LINK, "medium = { use = \"air\", sf = 7 }")
        .replace(
            "[links.access]",
            "[media.air]\nmodel = \"lora\"\nsf = 12\n[links.access]",
        );
    let scenario = crate::read_text("s.toml", &text, &[]).unwrap();
    let modulation = |side: &sim_engine::LinkParams| side.medium.unwrap().modulation.unwrap();
    assert_eq!(modulation(&scenario.links[0].up).spreading_factor, 7);
    assert_eq!(scenario.media[0].modulation.unwrap().spreading_factor, 12);
    says(
        crate::read_text(
            "s.toml",
            &text.replace("use = \"air\"", "use = \"aire\""),
            &[],
        ),
        &["there is no medium `aire`", "did you mean `air`?"],
    );
    let unused = text.replace("medium = { use = \"air\", sf = 7 }", "");
    says(
        crate::read_text("s.toml", &unused, &[]),
        &["no link uses the medium `air`"],
    );
}

#[test]
fn capture_needs_powers_and_powers_need_capture() {
    let scenario = lora(", capture = \"sir\", power = \"normal(-110dBm, 8dBm)\"").unwrap();
    assert!(matches!(
        scenario.media[0].params.capture,
        Capture::Thresholds(_)
    ));
    says(
        lora(", capture = \"same-sf\""),
        &["which frame is stronger follows from received powers"],
    );
    says(
        lora(", power = \"-100dBm\""),
        &["received powers decide nothing without `capture`"],
    );
}

#[test]
fn keys_of_another_model_and_values_out_of_range_are_refused() {
    says(with("{ model = \"alhoa\" }"), &["did you mean `aloha`?"]);
    says(
        with("{ model = \"aloha\", slot = \"1ms\" }"),
        &["there is no key `slot` in `links.access.medium`"],
    );
    says(
        with("{ model = \"lora\", sf = 9 }"),
        &["the time on the air of LoRa follows from its modulation"],
    );
    says(
        changed(LINK, "medium = { model = \"aloha\" }"),
        &["frames on this medium have no length without a rate"],
    );
    says(
        changed(LINK, "medium = { model = \"lora\" }"),
        &["`links.access.medium` lacks `sf`"],
    );
    says(
        lora(", over_duty = \"refuse\""),
        &["there is no duty cycle to keep"],
    );
    says(
        lora(", duty_cycle = \"0%\""),
        &["under a duty cycle of zero nothing is ever sent"],
    );
    says(lora(", bandwidth = 125"), &["did you mean `\"125kHz\"`?"]);
    says(
        lora(", receive_windows = { rx1 = \"2s\", rx2 = \"1s\" }"),
        &["the second window opens after the first"],
    );
    says(
        with("{ model = \"csma\", attempts = 3 }"),
        &["without `backoff` a frame that finds the channel busy is given up"],
    );
    says(
        with("{ model = \"ieee802154\", min_be = 6 }"),
        &["`min_be` is 6, above `max_be`, which is 5"],
    );
    says(
        with("{ model = \"ieee802154\", ack = false, retries = 2 }"),
        &["without acknowledgements nobody knows what to repeat"],
    );
    says(
        changed(
            LINK,
            "rate = \"1kbps\"\nmedium = { model = \"aloha\" }\nloss = 0.1\nloss_at = \"ingress\"",
        ),
        &["on a shared medium frames are lost on the air"],
    );
    says(
        changed(LINK, "medium = { model = \"lora\", sf = 6 }"),
        &["spreading factor 6 has no explicit header"],
    );
    says(with("3"), &["a medium is a table or a name"]);
}
