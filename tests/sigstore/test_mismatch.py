"""Signatures that nothing trusted made: the message names what was asked for and what the signature says."""

from dataclasses import replace

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.mismatch import keyed, named_key, unsigned
from pyratify.sigstore.verification_material import Signed, VerificationMaterial
from pyratify.testing.cosign import CosignKey

KEYS = tuple(CosignKey.generate() for _ in range(5))
OTHER = CosignKey.generate()
MATERIAL = VerificationMaterial(Signed(b"content"), b"signature")


def test_both_keys_are_named_where_the_bundle_has_a_hint() -> None:
    """The key that was tried and the one that signed, as `inspect` prints them."""
    error = unsigned(replace(MATERIAL, hint=OTHER.hint), (KEYS[0].fingerprint,))
    assert error.reason is Reason.SIG_INVALID
    assert KEYS[0].fingerprint in error.message
    assert OTHER.fingerprint in error.message
    assert "give that key" in error.remedy


def test_a_hint_at_the_trusted_key_means_that_something_was_changed() -> None:
    """No other key is looked for then."""
    error = unsigned(replace(MATERIAL, hint=KEYS[1].hint), tuple(key.fingerprint for key in KEYS))
    assert error.reason is Reason.SIG_INVALID
    assert KEYS[1].fingerprint in error.message
    assert "changed after signing" in error.remedy


def test_of_many_keys_three_are_named() -> None:
    """The message says how many there are."""
    message = unsigned(MATERIAL, tuple(key.fingerprint for key in KEYS)).message
    assert sum(key.fingerprint in message for key in KEYS) == 3
    assert "5 configured keys" in message
    assert "and 2 more" in message


@pytest.mark.parametrize("hint", ["", "my key", "AAAA", "\u00fc", "A" * 5000])
def test_a_hint_that_is_no_fingerprint_names_nothing(hint: str) -> None:
    """The signer chooses the hint; only cosign's form of it is shown."""
    assert named_key(hint) == ""
    assert "says" not in unsigned(replace(MATERIAL, hint=hint), ("spki:sha256:00",)).message


def test_a_key_where_identities_are_trusted_has_its_own_code() -> None:
    """Nothing was changed: another kind of signer is trusted."""
    error = keyed(replace(MATERIAL, hint=OTHER.hint))
    assert error.reason is Reason.SIGNER_KIND
    assert OTHER.fingerprint in error.message
    assert "--key" in error.remedy
    assert "changed" not in error.message + error.remedy


def test_a_certificate_where_keys_are_trusted_says_which_flags_it_needs() -> None:
    """Also for a classic signature, whose certificate stands beside it."""
    error = unsigned(replace(MATERIAL, certificate=b"der"), ("spki:sha256:00",))
    assert isinstance(error, VerificationError)
    assert "keyless" in error.message
    assert "--certificate-identity" in error.remedy
