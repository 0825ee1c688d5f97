//! A session of the printed program's own texts, computed by an independent program from the keys and
//! the random octets of the other known sessions: big-integer powers, OAEP and MGF1 with SHA-1, DER by
//! hand, and the texts put together from the grammar. The same routines gave the known session in
//! frames, byte for byte, before they were used for this one.

use super::known::Answers;

/// The session of the printed program.
pub(super) const LITERAL: Answers = Answers {
    frames: &[
        ("CONNECT", "CONNECT:101112131415461798191a1b1c1d1e1f,1,dev1"),
        (
            "PASS",
            "ACK:PASS,1,user1,a88b2ce9e3e7f12b582e8c3535d7894afb54726b2461ae84051a2f8b473\
             f9829,f0f1f2f3f4f546f7b8f9fafbfcfdfeff,22752,-----BEGIN PUBLIC KEY-----\nMIG\
             fMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCos7KEr461CzhwNKhg8UbEkZ8x\nh2PNbFWYyK5IE\
             aHgq8TH4LCC1pOl5/ztZ1z0ZoUSdywMvGSnQsbGMPUzyMxy9iro\nM8QL8lhC6YS7eL2/l8AQfVW\
             9tmL1xOD6uYRctRSO9zkt06r/k64ea2Z7s9QkdhbU\n9boQ1M/SJt6I058W+wIDAQAB\n-----EN\
             D PUBLIC KEY-----",
        ),
        (
            "ENCRYPT",
            "ACK:ENCRYPT,-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKB\
             gQDZPBkBpTd0jRRneNrtno1Gn9sm\n89WgzBkdI8fDJw5rb1f7UDlDD/GI39RgAnuNmRAEsvVWpO\
             MrJBtyPi94TPsqa8++\n68gHhzE2rGATPmEAT15eM7Iz1k9ycjUI5IbepRFiq85bRCCLhKTZolBV\
             TZD38qGS\nIBuOSlKXz1ue3GDapwIDAQAB\n-----END PUBLIC KEY-----,d7289a114442cbe\
             84c5e38f40741aa59f16e93a465029097bf66fa38e34c5b5c,66587",
        ),
        (
            "DATA",
            "DRYATrOpDWaSjVIy0uxGfT7wcZOp8YT2RxQ3hFZP4zauNYz+qgFgiYX9NOG9h1kotrY8pUg2qHAN\n\
             wnU/hC+JwmaW1NDEAy3Nx00o9obzxf6PJUtg6ib5rGFPMopwOFj5ocyXtXVnViVIIEu9ZRTMNy+3\n\
             kUz04MQJpgbPkE+jgis=\n",
        ),
        (
            "ECHO",
            "AAPGebBWGFRb8RTsvj+HEtNJA25m9TTM7ret8MUHjPOAq4yOd1/uCZiF5BjMpIbSxOWMNrUSBjf4\n\
             NzzVeOPaPACwuwJI2MzSJDleCF2aR7PsOhGWw45UyoMqLuH/vBNT+vGDyL9E4L2gI08WA063PE1M\n\
             f4w/NCz9QDGaDl3JaZk=\n",
        ),
        (
            "DATA",
            "qK+707BlPzq4cYPeYgYOGAg0qhrHorJltJfsv9VnslBhMzBq9ZePnJtUiBRCJMO8RWfUXR34oIIQ\n\
             RTOpkL5VBlCq6WPUuizDHfO9Sv0MPVg9knZHgDZgYqarIY5w4XGqlFYb1RBKF9WT82oCHFCRHdbk\n\
             uRIfl2H3G7PUhjBf18M=\n",
        ),
        (
            "ECHO",
            "gpmzqEYNMY2up1v/vDkFMYLPPGW73uhgh+vMHJCJKRVlsipRbOfe6UErlRqaUCOmTe9pX61LUMSY\n\
             wYftRUSR4FNkUPCKvL1QzMEAd3HY3XbRrGFftiQ3vnJZfH5Z3obOPBrGtPdq8Xu3iviJoUZ7jWir\n\
             BRMOmiSM1yyKNyQcZrM=\n",
        ),
        (
            "FIN",
            "L/jr4EbknHxXVf+wOWm5Py/HNP0WXoD900lpgSqAwn8tCdiubfkE3As+dNqdO301MrwsKPkVrcTh\n\
             U2VBDwDfFBHdjjFgRKo4LOYzCsmFaHtE9VHE3jTO8Qftq4MZtFRYapLHlLxQRpBtS0n21kP+I5oO\n\
             LxporG8ReIAQ7AUaEIs=\n",
        ),
    ],
    first: 69829,
    session: "e2a639dd86f97a2d",
    run: "5e5284f24c40a2c3",
    key_id: "fab279e1ed6e3a16",
    states: [
        "b1dbf87dd1baab4a255b2ba635981f34",
        "bf140da6e0d038f5fd6a5d7d38fc5eed",
        "ed677b864a06a10f41d8cebf3cc7e77d",
    ],
};
