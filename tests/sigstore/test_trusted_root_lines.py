"""Files with several trusted roots, one in each line."""

import json

import pytest

from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from support.cosign_setting import KEY
from support.file_bundles import FILE, GITHUB, LOGGED, SIGSTORE, identity, judge


def lines(*roots: KeyMaterial, joint: bytes = b"\n") -> KeyMaterial:
    """Return a file with one root a line."""
    return KeyMaterial(joint.join(root.data for root in roots), "trusted_root.jsonl")


class TestRoots:
    """A file with one trusted root in each line."""

    @pytest.mark.parametrize("joint", [b"\n", b"\r\n", b"\n\n"])
    def test_each_root_verifies_its_own_signatures(self, joint: bytes) -> None:
        """As `gh attestation trusted-root` prints them: the public instance and GitHub's own."""
        both = lines(SIGSTORE.root, GITHUB.root, joint=joint)
        for sigstore in (SIGSTORE, GITHUB):
            bundle = sigstore.sign_message(FILE, LOGGED)
            assert judge(bundle, identity(both)) is None
        stranger = PrivateSigstore("stranger").sign_message(FILE, LOGGED)
        assert judge(stranger, identity(both)) is Reason.CHAIN_UNTRUSTED

    def test_parts_of_several_roots_make_none(self) -> None:
        """A certificate of one instance with the log of another is no signature of either."""
        one = SIGSTORE.root_with(tlogs=GITHUB.root_document()["tlogs"])
        two = GITHUB.root_with(tlogs=SIGSTORE.root_document()["tlogs"])
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(lines(one, two))) not in (None, Reason.CHAIN_UNTRUSTED)
        assert judge(bundle, identity(lines(one, two, SIGSTORE.root))) is None

    def test_a_key_is_held_against_each_root_too(self) -> None:
        """The proofs of its signature may be of any of the instances."""
        bundle = GITHUB.sign_message(FILE, Signing(log=1, key=KEY))
        policy = CosignTrustPolicy(
            keys=(KEY.material,), trusted_root=lines(SIGSTORE.root, GITHUB.root), certificate_logs=0
        )
        assert judge(bundle, policy) is None

    @pytest.mark.parametrize(
        "data",
        [
            SIGSTORE.root.data + b"\n{}",
            SIGSTORE.root.data + b"\nx",
            b"\n".join([SIGSTORE.root.data] * 17),
            SIGSTORE.root.data + SIGSTORE.root.data,
        ],
    )
    def test_atk_268_one_line_that_is_no_root_makes_the_file_unusable(self, data: bytes) -> None:
        """Never a smaller set of roots; and more than sixteen are refused."""
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(KeyMaterial(data, "roots.jsonl"))) is Reason.TRUST_ROOT

    def test_a_root_in_several_lines_is_one_root(self) -> None:
        """As people print it."""
        pretty = json.dumps(SIGSTORE.root_document(), indent=2).encode()
        bundle = SIGSTORE.sign_message(FILE, LOGGED)
        assert judge(bundle, identity(KeyMaterial(pretty, "root.json"))) is None
