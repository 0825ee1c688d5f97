//! Frozen output of the independent program: (name, hex of the value or of its SHA-256).

pub(super) const AS_PUBLISHED: &[(&str, &str)] = &[
    (
        "server0 identity",
        "686f73706974616c31000000000000004c310000000000000000000000000000 \
         0000000000000000802b376da88d3611701409c770fb8e54c3e6a15bf02b5076 \
         a32b2b3d6059e11a659902acf8622da2b8983354b0cb9efd6867717661736c63 \
         747a7a69",
    ),
    (
        "server0 table",
        "e8053dc8ed411717f12578d9eca6a5963b553e0ec2063451421ac996c91b3c90",
    ),
    (
        "server0 row",
        "69891727c688dcef1285c895107d5bc6d9458a3c8be339b54340c155a86fd26e",
    ),
    (
        "server1 identity",
        "686f73706974616c32000000000000004c320000000000000000000000000000 \
         0000000000000000a084fba9081077625b6f6a99632efb848d396b5fc0b5f3a3 \
         7132bf2cd80978e88832dedde39eb5aad0a56fe9bb52f00a6a677a7272787561 \
         6e637661",
    ),
    (
        "server1 table",
        "e8053dc8ed411717f12578d9eca6a5963b553e0ec2063451421ac996c91b3c90",
    ),
    (
        "server1 row",
        "1a1b4b2261453fab140a04326157d65af99675c7de0b23fd27502939e2a7889b",
    ),
    (
        "server2 identity",
        "686f73706974616c2d6e756d626572337477656e74792d666f75722062797465 \
         73206f66204c6f63e971fc534aad78457739022ea05f3a308443890d60b30e12 \
         9284950b31b2600b35202e7340fc1287959763c02f0f8a9d6b6e66746b69656e \
         67716f6e",
    ),
    (
        "server2 table",
        "e8053dc8ed411717f12578d9eca6a5963b553e0ec2063451421ac996c91b3c90",
    ),
    (
        "server2 row",
        "a9ed3f698219aef15cc2a64f60d30b130bbb924d8ed29e82a10dd8c04cae95ff",
    ),
    (
        "user0 card",
        "b1ce703670d7c3dc137aeea0710ff98e8f4c5b10790d78d2d5e37f39813d8962",
    ),
    (
        "user0 UID",
        "53bd2623fd2e990936359b5a82b1420ca903ecdc60278c4cab6a8f2be6aabe55",
    ),
    (
        "user0 C",
        "52e7272ae9fbc69f9602dad21983b6d44394c63cb2371300c2b532a58fed8383",
    ),
    (
        "user1 card",
        "b45568f188f79c316e8e503719340e21f4c65222f6cb6bb96a665114e4103c8d",
    ),
    (
        "user1 UID",
        "3edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b4d",
    ),
    (
        "user1 C",
        "63b9310cc57716fc1556dca126750954a64f742c338e704bb1903c19e8a846fd",
    ),
    (
        "AUTH_REQ",
        "05e8d282083e289751783c85b31bde2e65b6968da497c832fbdb60f783ae3b45 \
         fd75e295f64746936f7ebeaa453b792b9f9912315223034a6692b16b92a43a60 \
         8017979cfe362a0000",
    ),
    (
        "AUTH_REP",
        "0641a592dbba2408ca19d0338da79fec4b35a6a1d542295c69e23c2c223003a2 \
         d24f779dbc7a35e7e659042e4c139e91a8e4bce38ee02ac3794eeff6401ed611 \
         ae17979cfdfa8f3600",
    ),
    (
        "SK",
        "6d8d6c775817aaac64db12203f90fc6b6af615b34adf4957494625c738fa2ac6",
    ),
    ("key_id", "4c76f09b63481fba"),
    ("session", "3b2614f169d88769"),
    ("run asked", "fd2e8912ba77195f"),
    ("run answered", "c1bd840fae10c0a8"),
    (
        "LIST_REQ",
        "083edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4d17979cfe362a0000870c6d29f4a1b11ea8126def913a34e62f9d746655c579 \
         800d1cd5e96783bb6e",
    ),
    (
        "LIST_REP",
        "36606e4c9aa8340ec93e5571a9f2fe737a359a640e47cb254e2ee658b98df960",
    ),
    (
        "card after list",
        "ce6e6b59774e74c7a2128020885c2d76c1a9b4ddb9f49a36c57a17a26cbd760c",
    ),
    (
        "PWD_REQ",
        "0a3edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4d28b95308215993c0257f5f6c1d27bf9121dc2224fd922f1a26f242f9e87800 \
         43c3363a4a3d748415a560505991d45604e3b8d449f41078d7c6f90749ddf5d6 \
         f317979cfe362a0000",
    ),
    (
        "PWD_REP",
        "0bab28c3954d514ba575483d99ff0928383c2e7ce11d70a0bc78e98e56060b14 \
         5d55e06b038ff15165323d79cd96b9febfbf5176af71f55556cf448c4fbd90af \
         bd0000000117979cfe362a00053305886318b425e617603f41d71bfe46baf985 \
         530b972b97b5bff53b53e3ef51",
    ),
    (
        "rc user row",
        "78b2d1b5ecbafdc854e6e8350b8af41f1bbc239545490efd097f057ce6f2b48f",
    ),
    (
        "new card",
        "1eedd39bd4f172cdbfa8f8e08b13fcfb5258b06897c7e9cf9625e4363835c186",
    ),
    (
        "PWD_ACK",
        "0cbc0983da169c8ba77ef1ca18fa7ece062070524b7630472c72a53982de6919 \
         743edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4d00000001",
    ),
    (
        "DB_REQ",
        "0d686f73706974616c31000000000000001a6006454eb73a754427e5bf61b603 \
         8a421516f5d0eec10dcb415f149fd4a27717979cfe362a0000",
    ),
    (
        "DB_REP",
        "ff23bb8e0e8ce618b4e48316952dc5dedb0f7471f03b927142ef3df3475edb5f",
    ),
    (
        "table after",
        "19d2c37aebbf8fc49f0a7798e086194c59c38e4a2916c68fa3cc3dfa08ea938c",
    ),
    (
        "empty card",
        "9072334b2debc5775656833977a3dbdeddc72119ba5f359d7288078f50e6ef25",
    ),
];

pub(super) const HARDENED: &[(&str, &str)] = &[
    (
        "server0 identity",
        "686f73706974616c31000000000000004c310000000000000000000000000000 \
         0000000000000000802b376da88d3611701409c770fb8e54c3e6a15bf02b5076 \
         a32b2b3d6059e11a659902acf8622da2b8983354b0cb9efd6867717661736c63 \
         747a7a69",
    ),
    (
        "server0 table",
        "fcd3ad2180b27490f095638349e9f2cbd56810daef08fac3269e491ffa48f2d4",
    ),
    (
        "server0 row",
        "69891727c688dcef1285c895107d5bc6d9458a3c8be339b54340c155a86fd26e",
    ),
    (
        "server1 identity",
        "686f73706974616c32000000000000004c320000000000000000000000000000 \
         0000000000000000a084fba9081077625b6f6a99632efb848d396b5fc0b5f3a3 \
         7132bf2cd80978e88832dedde39eb5aad0a56fe9bb52f00a6a677a7272787561 \
         6e637661",
    ),
    (
        "server1 table",
        "f87efc755a4a6c0c9f436f16173376023fb9b0ee285beb6ebcd9312cb53677db",
    ),
    (
        "server1 row",
        "1a1b4b2261453fab140a04326157d65af99675c7de0b23fd27502939e2a7889b",
    ),
    (
        "server2 identity",
        "686f73706974616c2d6e756d626572337477656e74792d666f75722062797465 \
         73206f66204c6f63e971fc534aad78457739022ea05f3a308443890d60b30e12 \
         9284950b31b2600b35202e7340fc1287959763c02f0f8a9d6b6e66746b69656e \
         67716f6e",
    ),
    (
        "server2 table",
        "199ac82035a7e877faa75285b2c0d6977fe271676aac6988f08b27dce240816c",
    ),
    (
        "server2 row",
        "a9ed3f698219aef15cc2a64f60d30b130bbb924d8ed29e82a10dd8c04cae95ff",
    ),
    (
        "user0 card",
        "41b24a202fa7bf10dac5bfc4402ca46d42058d4f30cf0e9d11598bd0d60f1335",
    ),
    (
        "user0 UID",
        "53bd2623fd2e990936359b5a82b1420ca903ecdc60278c4cab6a8f2be6aabe55",
    ),
    (
        "user0 C",
        "532a99429c51a2d4f1c78b8aaefb6818c881c60f091aec8534b0d129930f00f0",
    ),
    (
        "user1 card",
        "2c20f60f92a94d997df99322ad22eb42b75ac18ceece8a2f9936177d3a73f925",
    ),
    (
        "user1 UID",
        "3edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b4d",
    ),
    (
        "user1 C",
        "59f8f86fbe0542fef744e3516590bd001898484e1e2ddb0964a541056ec2e619",
    ),
    (
        "AUTH_REQ",
        "05e1034d76a88531b2bc32718412889f7184a154b7d4346b44e0609097b13717 \
         72fe42fae6f2f8876c8c6216252b57c07fa44b03c455e5348a447a14685370ff \
         5617979cfe362a00008cad642d9f6ba606615ca921ea978261",
    ),
    (
        "AUTH_REP",
        "0644699a4138e6d8d13c8121ebe323ca78790003e0d51cebd032e95215670abb \
         11f9d074cdc79deef73a6b828a81405c53defffbd7f26a7cce32b1fb6464009e \
         6917979cfdfa8f3600129ffd24b342e868dbdab694512d3a7b",
    ),
    (
        "SK",
        "f6b1434390c27a982689411d89e01c77ba044979697878ae090d731ef8b861ed",
    ),
    ("key_id", "02951cf955910e93"),
    ("session", "e90c6461647e07b4"),
    ("run asked", "8a2eda608ecb13b6"),
    ("run answered", "876e1e54b4fc3b94"),
    (
        "LIST_REQ",
        "083edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4d17979cfe362a00009857bbfdc0612bb9da9cbd917d9e4010799066e49a694e \
         c84858ae694179398a",
    ),
    (
        "LIST_REP",
        "9e720585d09d8e0c9892d30229c53681dbe79f0160d88360a74c100c716b7fa0",
    ),
    (
        "card after list",
        "311d5f6ab33594255a46e6633be9085f16be8c3b8c59cbca332e4b11c1a45d3d",
    ),
    (
        "PWD_REQ",
        "0a3edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4db1db2d1ca989df53eb1eb11a38ec03eeeaf0089ed528f54d6e776b6a3dcda7 \
         3394488cd224104c5adfdead1fc45bd0508420cdd8984a40126451514d0eb091 \
         2517979cfe362a0000",
    ),
    (
        "PWD_REP",
        "0b4474725c18d6c62af4f96f02c09b6d6c25637c3f33aa1350968c2028b4d570 \
         f539ea2616a579ea57ca7baaacdabdd0f5fdc7520d8b8ee66e99b6f7184a03e5 \
         350000000117979cfe362a0005127ee99f6949d83845b3b0d4ba04fb45870f95 \
         a9f89ac9ef05eca2f76b5fffef",
    ),
    (
        "rc user row",
        "486465fcc917f62a67b595d7a2c0c55ae06d79aeff8ec22b3ac3eca564c383ab",
    ),
    (
        "new card",
        "067448d5eb8b0fa8a9cbe09daf535126aeeab0240a6b6f613399c760750d2290",
    ),
    (
        "PWD_ACK",
        "0c6e61e37e7077bce829e5b3575848e3025278082e759fbe8a640a869c6691ee \
         223edc160b0761442f05ad80b783443bc1d7a2b60eb5c3fdc6517949e6e1f62b \
         4d00000001",
    ),
    (
        "DB_REQ",
        "0d686f73706974616c31000000000000001a6006454eb73a754427e5bf61b603 \
         8a421516f5d0eec10dcb415f149fd4a27717979cfe362a0000",
    ),
    (
        "DB_REP",
        "380041f376cd23eb199239e270cb1ee0ee059e36fb18c384a753dc598110d259",
    ),
    (
        "table after",
        "616e4705c6aadbf013267f8fe5713563e2996449d814f3d47a454d3e76edde31",
    ),
    (
        "empty card",
        "2111d1ee7b85958abf08be769116a8b9cf9d8f46406995a63cb5a16c9b1feaaa \
         3475218f0cef8c80724dea2fbe4bf943cfd3292ae1d1ce9c193265d2800275e8 \
         7c04ffbe46be5ccd6655ed9ad3ff4f96b70d668e25b60d5dfec41cddfa38d1a9 \
         900000000100",
    ),
];
