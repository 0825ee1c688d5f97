//! The scenarios that come with the program.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct LibraryScenario {
    /// Its name.
    pub name: &'static str,
    /// The text of its file.
    pub text: &'static str,
}

/// Every scenario of the library, in the order of lists: the first one to run stands first.
pub const LIBRARY: &[LibraryScenario] = &[
    LibraryScenario {
        name: "first-look",
        text: include_str!("../library/first-look.toml"),
    },
    LibraryScenario {
        name: "reliable",
        text: include_str!("../library/reliable.toml"),
    },
    LibraryScenario {
        name: "last-message",
        text: include_str!("../library/last-message.toml"),
    },
    LibraryScenario {
        name: "study-desync",
        text: include_str!("../library/study-desync.toml"),
    },
    LibraryScenario {
        name: "study-timer",
        text: include_str!("../library/study-timer.toml"),
    },
    LibraryScenario {
        name: "study-hardened",
        text: include_str!("../library/study-hardened.toml"),
    },
    LibraryScenario {
        name: "secure-vault-normal",
        text: include_str!("../library/secure-vault-normal.toml"),
    },
    LibraryScenario {
        name: "secure-vault-lossy",
        text: include_str!("../library/secure-vault-lossy.toml"),
    },
    LibraryScenario {
        name: "secure-vault-recovery",
        text: include_str!("../library/secure-vault-recovery.toml"),
    },
    LibraryScenario {
        name: "secure-vault-scale",
        text: include_str!("../library/secure-vault-scale.toml"),
    },
    LibraryScenario {
        name: "eight-servers",
        text: include_str!("../library/eight-servers.toml"),
    },
    LibraryScenario {
        name: "scale-1m",
        text: include_str!("../library/scale-1m.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-normal",
        text: include_str!("../library/vault-exchange-normal.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-lossy",
        text: include_str!("../library/vault-exchange-lossy.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-scale",
        text: include_str!("../library/vault-exchange-scale.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-predict-next",
        text: include_str!("../library/vault-exchange-predict-next.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-stay-unnoticed",
        text: include_str!("../library/vault-exchange-stay-unnoticed.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-mitm",
        text: include_str!("../library/vault-exchange-mitm.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-drop-key",
        text: include_str!("../library/vault-exchange-drop-key.toml"),
    },
    LibraryScenario {
        name: "vault-exchange-flood-requests",
        text: include_str!("../library/vault-exchange-flood-requests.toml"),
    },
    LibraryScenario {
        name: "ratchet-normal",
        text: include_str!("../library/ratchet-normal.toml"),
    },
    LibraryScenario {
        name: "ratchet-lossy",
        text: include_str!("../library/ratchet-lossy.toml"),
    },
    LibraryScenario {
        name: "ratchet-scale",
        text: include_str!("../library/ratchet-scale.toml"),
    },
    LibraryScenario {
        name: "ratchet-eavesdrop",
        text: include_str!("../library/ratchet-eavesdrop.toml"),
    },
    LibraryScenario {
        name: "ratchet-flip-c2s",
        text: include_str!("../library/ratchet-flip-c2s.toml"),
    },
    LibraryScenario {
        name: "ratchet-replay-data",
        text: include_str!("../library/ratchet-replay-data.toml"),
    },
    LibraryScenario {
        name: "ratchet-reorder",
        text: include_str!("../library/ratchet-reorder.toml"),
    },
    LibraryScenario {
        name: "ratchet-reflect-to-client",
        text: include_str!("../library/ratchet-reflect-to-client.toml"),
    },
    LibraryScenario {
        name: "secure-vault-drop-one",
        text: include_str!("../library/secure-vault-drop-one.toml"),
    },
    LibraryScenario {
        name: "secure-vault-flip-m3",
        text: include_str!("../library/secure-vault-flip-m3.toml"),
    },
    LibraryScenario {
        name: "secure-vault-choose-c1",
        text: include_str!("../library/secure-vault-choose-c1.toml"),
    },
    LibraryScenario {
        name: "secure-vault-passive-leak",
        text: include_str!("../library/secure-vault-passive-leak.toml"),
    },
    LibraryScenario {
        name: "secure-vault-clone",
        text: include_str!("../library/secure-vault-clone.toml"),
    },
    LibraryScenario {
        name: "multi-server-insider-track",
        text: include_str!("../library/multi-server-insider-track.toml"),
    },
    LibraryScenario {
        name: "multi-server-own-server-passive",
        text: include_str!("../library/multi-server-own-server-passive.toml"),
    },
    LibraryScenario {
        name: "multi-server-skewed-clock",
        text: include_str!("../library/multi-server-skewed-clock.toml"),
    },
    LibraryScenario {
        name: "multi-server-own-server-and-user",
        text: include_str!("../library/multi-server-own-server-and-user.toml"),
    },
    LibraryScenario {
        name: "multi-server-later-theft",
        text: include_str!("../library/multi-server-later-theft.toml"),
    },
    LibraryScenario {
        name: "multi-server-flood-db",
        text: include_str!("../library/multi-server-flood-db.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-solve-dh",
        text: include_str!("../library/rsa-udp-solve-dh.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-mitm-keys",
        text: include_str!("../library/rsa-udp-mitm-keys.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-pass-the-hash",
        text: include_str!("../library/rsa-udp-pass-the-hash.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-dictionary",
        text: include_str!("../library/rsa-udp-dictionary.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-replay-pass",
        text: include_str!("../library/rsa-udp-replay-pass.toml"),
    },
    LibraryScenario {
        name: "ratchet-drop-one",
        text: include_str!("../library/ratchet-drop-one.toml"),
    },
    LibraryScenario {
        name: "ratchet-old-challenge",
        text: include_str!("../library/ratchet-old-challenge.toml"),
    },
    LibraryScenario {
        name: "ratchet-unknown-client",
        text: include_str!("../library/ratchet-unknown-client.toml"),
    },
    LibraryScenario {
        name: "ratchet-data-before-hello",
        text: include_str!("../library/ratchet-data-before-hello.toml"),
    },
    LibraryScenario {
        name: "ratchet-wrong-enc-key",
        text: include_str!("../library/ratchet-wrong-enc-key.toml"),
    },
    LibraryScenario {
        name: "ratchet-replay-session",
        text: include_str!("../library/ratchet-replay-session.toml"),
    },
    LibraryScenario {
        name: "ratchet-pose-as-server",
        text: include_str!("../library/ratchet-pose-as-server.toml"),
    },
    LibraryScenario {
        name: "ratchet-old-response",
        text: include_str!("../library/ratchet-old-response.toml"),
    },
    LibraryScenario {
        name: "multi-server-normal",
        text: include_str!("../library/multi-server-normal.toml"),
    },
    LibraryScenario {
        name: "multi-server-lossy",
        text: include_str!("../library/multi-server-lossy.toml"),
    },
    LibraryScenario {
        name: "multi-server-scale",
        text: include_str!("../library/multi-server-scale.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-normal",
        text: include_str!("../library/rsa-udp-normal.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-lossy",
        text: include_str!("../library/rsa-udp-lossy.toml"),
    },
    LibraryScenario {
        name: "rsa-udp-scale",
        text: include_str!("../library/rsa-udp-scale.toml"),
    },
    LibraryScenario {
        name: "vault-power-loss",
        text: include_str!("../library/vault-power-loss.toml"),
    },
    LibraryScenario {
        name: "skewed-clocks",
        text: include_str!("../library/skewed-clocks.toml"),
    },
    LibraryScenario {
        name: "reauth-storm",
        text: include_str!("../library/reauth-storm.toml"),
    },
    LibraryScenario {
        name: "lorawan-fleet",
        text: include_str!("../library/lorawan-fleet.toml"),
    },
    LibraryScenario {
        name: "ieee802154-edge",
        text: include_str!("../library/ieee802154-edge.toml"),
    },
    LibraryScenario {
        name: "gateway-tree",
        text: include_str!("../library/gateway-tree.toml"),
    },
];

/// The scenario of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static LibraryScenario> {
    LIBRARY.iter().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_scenario_is_read_without_a_message_and_bears_the_name_of_its_file() {
        for entry in LIBRARY {
            let name = format!("{}.toml", entry.name);
            let scenario = crate::read_text(&name, entry.text, &[]).unwrap();
            assert_eq!(scenario.name, entry.name);
        }
    }

    #[test]
    fn every_scenario_says_what_it_shows_and_what_to_look_at() {
        for entry in LIBRARY {
            let header: Vec<&str> = entry
                .text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .collect();
            let header = header.join(" ");
            assert!(header.contains("What it shows:"), "{}", entry.name);
            assert!(header.contains("What to look at:"), "{}", entry.name);
        }
    }
}
