//! Sessions computed by an independent program from fixed keys and fixed random octets.

/// What both ends must send and name.
pub(super) struct Answers {
    /// (trace name, frame) in the order in which they are sent.
    pub(super) frames: &'static [(&'static str, &'static str)],
    /// S.
    pub(super) first: u32,
    pub(super) session: &'static str,
    pub(super) run: &'static str,
    pub(super) key_id: &'static str,
    /// Fingerprints of the shared state after the login and after each line.
    pub(super) states: [&'static str; 3],
}

/// The password of `user1`.
pub(super) const PASSWORD: &[u8] = b"correct horse";
/// The lines sent.
pub(super) const LINES: [&[u8]; 2] = [b"light on", b""];
/// RSA pair of the client.
pub(super) const CLIENT_PAIR: &str =
    "00008000010001a8b3b284af8eb50b387034a860f146c4919f318763cd6c5598c8ae4811a1e0abc4
    c7e0b082d693a5e7fced675cf4668512772c0cbc64a742c6c630f533c8cc72f62ae833c40bf25842
    e984bb78bdbf97c0107d55bdb662f5c4e0fab9845cb5148ef7392dd3aaff93ae1e6b667bb3d42476
    16d4f5ba10d4cfd226de88d39f16fb53339cfdb79fc8466a655c7316aca85c55fd8f6dd898fdaf11
    9517ef4f52e8fd8e258df93fee180fa0e4ab29693cd83b152a553d4ac4d1812b8b9fa5af0e7f55fe
    7304df41570926f3311f15c4d65a732c483116ee3d3d2d0af3549ad9bf7cbfb78ad884f84d5beb04
    724dc7369b31def37d0cf539e9cfcdd3de653729ead5d1d32737e7267ffe1341b2d5c0d150a81b58
    6fb3132bed2f8d5262864a9cb9f30af38be448598d413a172efb802c21acf1c11c520c2f26a471dc
    ad212eac7ca39dcc8853d1d54da630fac004f471f281c7b8982d8224a490edbeb33d3e3d5cc93c47
    65703d1dd791642f1f116a0dd852be2419b2af72bfe9a030e860b0288b5d77";
/// RSA pair of the device.
pub(super) const DEVICE_PAIR: &str =
    "00008000010001d93c1901a537748d146778daed9e8d469fdb26f3d5a0cc191d23c7c3270e6b6f57
    fb5039430ff188dfd460027b8d991004b2f556a4e32b241b723e2f784cfb2a6bcfbeebc807873136
    ac60133e61004f5e5e33b233d64f72723508e486dea51162abce5b44208b84a4d9a250554d90f7f2
    a192201b8e4a5297cf5b9edc60daa76e67d8ddb9368209e1c0e4ef7fad01684f7e76419ee56655ad
    35ae2545085319f7c1467893d8da8d121541e6811cea19f6096e1f6715fdab1037f3daf46d4b88c7
    8c16f3b9db981f09e0f2d664841d31debfac0a6149d9a54533dd202978bcc570efc0d8ba1723d814
    819414d533b80c0b1678edbe249e3c06bc22e585e4da01fd13bda665785ab7681d8277400d679281
    c4b19bcf45da386e60448d2337fadb030615be15322e553ca11520d63af44f35e2dbc8f24ade2b22
    7bcf71b760fae7dbbe623cadaba859f0fda0e571bfa57b22019d4f713a91b3a50286a3a4c23196e5
    089bdd81b17a2ea2c63660e41f35066b4176b336c5b5bfb126d58c4a06ea41";
/// What the device draws: salt, exponent, two OAEP seeds, the salt after the end.
pub(super) const DEVICE_DRAWS: &str =
    "101112131415161718191a1b1c1d1e1f012345a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a2
    a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2303132333435363738393a3b3c3d3e3f";
/// What the client draws: salt, exponent (the first draw is out of range), three OAEP seeds.
pub(super) const CLIENT_DRAWS: &str =
    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffffffff065432c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0
    c0c0c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2
    c2c2";
/// The session as published.
pub(super) const AS_PUBLISHED: Answers = Answers {
    frames: &[
        (
            "CONNECT",
            "01101112131415461798191a1b1c1d1e1f000000010464657631",
        ),
        (
            "PASS",
            "0200000001a88b2ce9e3e7f12b582e8c3535d7894afb54726b2461ae84051a2f8b473f9829f0f1f2
            f3f4f546f7b8f9fafbfcfdfeff000058e000800001000105a8b3b284af8eb50b387034a860f146c4
            919f318763cd6c5598c8ae4811a1e0abc4c7e0b082d693a5e7fced675cf4668512772c0cbc64a742
            c6c630f533c8cc72f62ae833c40bf25842e984bb78bdbf97c0107d55bdb662f5c4e0fab9845cb514
            8ef7392dd3aaff93ae1e6b667bb3d4247616d4f5ba10d4cfd226de88d39f16fb7573657231",
        ),
        (
            "ENCRYPT",
            "03d7289a114442cbe84c5e38f40741aa59f16e93a465029097bf66fa38e34c5b5c0001041b008000
            010001d93c1901a537748d146778daed9e8d469fdb26f3d5a0cc191d23c7c3270e6b6f57fb503943
            0ff188dfd460027b8d991004b2f556a4e32b241b723e2f784cfb2a6bcfbeebc807873136ac60133e
            61004f5e5e33b233d64f72723508e486dea51162abce5b44208b84a4d9a250554d90f7f2a192201b
            8e4a5297cf5b9edc60daa7",
        ),
        (
            "DATA",
            "06931c1aca2ad02d7e11e9b5bd5e3288e9d65ed55070e570df520fa49c6d2128e7aea002de76b0f1
            d7bb892d0908a6f5160cf12fd882e313e0925be0415a039dc285f03af4b7e0ea690be3327dd19b44
            9f0cced32cd675a3a1b2fa9d1aa4a98ca0c5d124c42dad68e953fea96951b463c5b9d1a07db1f8d7
            70225109b8017a6c36",
        ),
        (
            "ECHO",
            "0664b6900ff225bc364f7780c2d1ed7c7ae64140ef93df18714e7480311719946855429d431a71a3
            88bc0be8d2caa83a8308ece2a02cb1f5a45396f00b7afc30906039c3b246961f17993ac567682985
            ea57093d14bc782c4a8c057bf5d05d05b902e2bf771b5d6c9fffef27e394a829ee134eda58469870
            b718c2a03a9faf6d7c",
        ),
        (
            "DATA",
            "0610033384c5b21044c9b348c3ee458129fc23db574643b87be3d1fc29f1b3f92825329cb36e6f4c
            26e4f7047bba16ecbd54cc62791f8649e5d8da9259ab8a262036ac0593a3351ae4ef3edb94568a1c
            16a99120043d159e7c8ae73019aca0a5689792f48768b7994145e99b70b1e8df053ea28bb1eec92b
            ecbd6dd161fed3d097",
        ),
        (
            "ECHO",
            "0672498e009e12907f82d0ae46b7eef421b0c2b875a12ef1c798a61d7f7d852f0f699de46c90a0db
            b418a30e520719bbf0715579f42a961d2120c8e1a774ef9646e4d6490cfcdbcb9d923b2174b3147f
            953c0931a8a053c03790d36baa769c5151f01d2aeb5c6b00d61acffe708ab92f08480e0d81965918
            d8c5793b9051bf5f64",
        ),
        (
            "FIN",
            "0631b4f960291c30ee73adf7c4e6dac71ca99b69a5a84bf3714935f763d904d091e3e65cabb45f06
            50360ca5127cda2bde5562549472883422f663718b8c151d9c544aa314d14442acf0a4d04201233a
            bd929a9a25565051f30b4bbd188bd6606a34381317e4b17ffb226087540111513b3cc596240b242d
            2de2e20d8bf1b1f2b1",
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
/// The session of the hardened variant.
pub(super) const HARDENED: Answers = Answers {
    frames: &[
        (
            "CONNECT",
            "01101112131415461798191a1b1c1d1e1f000000010464657631",
        ),
        (
            "PASS",
            "02000000010c056efae5d0bd43780d06e423bce367d72c732f9d442afca293e07fd1e99e96f0f1f2
            f3f4f546f7b8f9fafbfcfdfeff000058e000800001000105a8b3b284af8eb50b387034a860f146c4
            919f318763cd6c5598c8ae4811a1e0abc4c7e0b082d693a5e7fced675cf4668512772c0cbc64a742
            c6c630f533c8cc72f62ae833c40bf25842e984bb78bdbf97c0107d55bdb662f5c4e0fab9845cb514
            8ef7392dd3aaff93ae1e6b667bb3d4247616d4f5ba10d4cfd226de88d39f16fb7573657231",
        ),
        (
            "ENCRYPT",
            "03e220b069479fa84f3545636922befed3be012591def7e815c8fe9ab87a76969d0001041b008000
            010001d93c1901a537748d146778daed9e8d469fdb26f3d5a0cc191d23c7c3270e6b6f57fb503943
            0ff188dfd460027b8d991004b2f556a4e32b241b723e2f784cfb2a6bcfbeebc807873136ac60133e
            61004f5e5e33b233d64f72723508e486dea51162abce5b44208b84a4d9a250554d90f7f2a192201b
            8e4a5297cf5b9edc60daa7",
        ),
        (
            "DATA",
            "0608c30c7bb20b3d1f97473264ed15e76a1578d4c0be7eb0318a434939f467a7d5db84640ac5f29f
            f2b5db1c501a7857b9136974676c26b0e68d2e27b0196b667a0058337bbf2bc5ccbd6cfa848640f0
            58c787c1f30b725fc5ee711da3c006cce75c34255542f9a0004696d7c97272c4b1e51457eaa1179a
            8d283e46a095e8980c",
        ),
        (
            "ECHO",
            "065faab507cbef31d455a66c7f3858fa866e2890600312ac3d1ca92c543c0caa67c7dbf9c7a9331a
            0b268808b732cb38c2b70304b0f2140f590c98ce6361f83f701aa9e017977b89945c6c0cd7e0e670
            bb56a5afb8fc3967244b28ad22494f4446f1e2d5a24b626108fb1efe82e7f33361f50a98aafbb68f
            ff421a84a15c3ef1b1",
        ),
        (
            "DATA",
            "069202bb7e9d376ff81f6713960d89e5d0ff6c041f1785debf3239475f2b29656e98772362c9d88c
            5011e2bbdea520c5750691d50f404de7740a4d8e004a70eb10e069ec022379986e134fc9e286a310
            e6a8b303dd199c99754a8c686d796b96b0c84e5e017c7d57aa5d829a0e30c0a91cf6035eeb01fdbf
            c55f2dc9c3d0873062",
        ),
        (
            "ECHO",
            "06612c87a7978fa79b4549d5df7dff7b8d927b8a3267d5861915d625edd162a61e331498e32184cd
            23fe4e5c572aa8a1d947302634a8c6145f6d75c6a7f138fec35b351a122742aa2a2248fc4725a6ca
            f942bf7615b6e894a9484bee63373fcfd70a6fb1117676afafc089c890f5eae700f8cd7b398b5fc7
            d6d0e76b91c0dee764",
        ),
        (
            "FIN",
            "062ff61f096ee3874d9c6d59c3382181230ad72d48d9b2da7b900ee272f2aafdbe14c4ee8bd364b4
            d3e662431bc86c7c2806a8660f304679a081fe8f0251d5ea287509bab4c7a2092f8c30419eba428f
            f6c2324e11428c7c83a8a259aa0855b6e8f54dd0476bd248df8882e5528b371f75ecafc88ef6ed8c
            99dc6576d5318da078",
        ),
    ],
    first: 69829,
    session: "e2a639dd86f97a2d",
    run: "5e5284f24c40a2c3",
    key_id: "6e86147feabee580",
    states: [
        "09d1bff6c06e96b9c1eb91f1ebb682e2",
        "5aee58fed71ec00e8b1e25b0f6bd540c",
        "b087a616706f5c9b0ff0d259c3a1e623",
    ],
};
