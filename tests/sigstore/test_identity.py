"""Identities of the policy: what is refused when it is written, and what a refusal of a signer says."""

import threading
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.fulcio import CertificateSigner
from pyratify.sigstore.identity import CertificateIdentity, check_signer
from verifiers.cosign.test_cosign_plugin import build

ISSUER = "https://token.actions.githubusercontent.com"
SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1"
SIGNER = CertificateSigner(SUBJECT, "uri", ISSUER, {})


def refusal(**wanted: Any) -> VerificationError:
    """Return why the signer is refused."""
    with pytest.raises(VerificationError) as caught:
        check_signer(SIGNER, (CertificateIdentity(**wanted),))
    assert caught.value.reason is Reason.IDENTITY_MISMATCH
    return caught.value


def test_a_prefix_as_cosign_takes_it_is_refused_with_the_expression_that_would_match() -> None:
    """The commonest expression of cosign's users; the one that is shown does match."""
    error = refusal(subject_regex=r"^https://github\.com/acme/", issuer=ISSUER)
    assert "matches only the beginning of the subject, and the whole has to match" in error.message
    shown = r"^https://github\.com/acme/.*"
    assert repr(shown) in error.message
    assert "whole" in error.remedy
    check_signer(SIGNER, (CertificateIdentity(subject_regex=shown, issuer=ISSUER),))


def test_the_issuer_is_held_against_its_expression_in_the_same_way() -> None:
    """It is the issuer that the message names."""
    error = refusal(subject=SUBJECT, issuer_regex=r"https://token\.actions")
    assert "matches only the beginning of the issuer" in error.message


def test_an_expression_that_fits_in_the_middle_is_not_widened() -> None:
    """The refusal says that a part matched; to trust what merely contains it would trust any stranger."""
    error = refusal(subject_regex=r"github\.com/acme/", issuer=ISSUER)
    assert "matches only a part of the subject" in error.message
    assert ".*" not in error.message


def test_an_expression_that_fits_nowhere_gets_no_advice() -> None:
    """Another signer is another signer."""
    error = refusal(subject_regex=r"https://gitlab\.com/.*", issuer=ISSUER)
    assert "part" not in error.message
    assert error.remedy == Reason.IDENTITY_MISMATCH.remedy


async def test_expressions_are_compiled_away_from_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes milliseconds, and every configuration has them compiled anew."""
    import re2

    seen: list[threading.Thread] = []

    def spy(*given: Any) -> Any:
        seen.append(threading.current_thread())
        return compile_expression(*given)

    compile_expression = re2.compile
    monkeypatch.setattr(re2, "compile", spy)
    wanted = {"certificateIdentityRegex": "a@b\\.test", "certificateOIDCIssuerRegex": "https://b\\.test"}
    await build({"identities": [wanted] * 2, **wanted})
    assert len(seen) >= 6
    assert threading.main_thread() not in seen
