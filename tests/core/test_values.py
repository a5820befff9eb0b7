"""Errors, reasons, credentials, the clock: what is small and everywhere."""

from datetime import UTC

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import ConfigurationError, RatifyError
from pyratify.core.isolation import describe
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from support.scenes import REFERENCE


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_remedy(reason: Reason) -> None:
    """A code without an instruction is of no help; it is one sentence."""
    assert reason.remedy.endswith(".")
    assert reason.value == reason.name


def test_an_error_is_its_sentence_with_a_reason_and_a_remedy() -> None:
    """The code's own remedy stands unless a better one is given."""
    assert str(RatifyError(Reason.TIMEOUT, "too late")) == "too late"
    assert RatifyError(Reason.TIMEOUT, "too late").failure.remedy == Reason.TIMEOUT.remedy
    assert RatifyError(Reason.TIMEOUT, "too late", remedy="Hurry.").failure.remedy == "Hurry."


def test_a_configuration_error_says_where() -> None:
    """The path leads the message; without one the message stands alone."""
    error = ConfigurationError("wrong", path="a[0].b")
    assert (error.message, error.path, error.detail) == ("a[0].b: wrong", "a[0].b", "wrong")
    assert ConfigurationError("wrong").message == "wrong"


def test_secrets_are_not_shown() -> None:
    """The representation of a credential has the user's name at most."""
    shown = repr(Credential("user", "hunter2", "refresh", "bearer"))
    assert "user" in shown
    assert not any(secret in shown for secret in ("hunter2", "refresh", "bearer"))


def test_a_credential_with_anything_to_show_is_not_anonymous() -> None:
    """One field is enough."""
    assert ANONYMOUS.is_anonymous
    for credential in (Credential("a"), Credential(password="a"), Credential(identity_token="a")):
        assert not credential.is_anonymous
    assert not Credential(registry_token="a").is_anonymous


async def test_the_machines_clock_is_aware_and_goes_on() -> None:
    """Wall-clock time is in UTC; monotonic time does not go back, also over a sleep."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before


def test_an_exception_that_cannot_speak_is_described_all_the_same() -> None:
    """The type says enough; and a long text is cut."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert describe(Mute()) == "Mute: ?"
    assert len(describe(ValueError("x" * 10_000))) < 400


@pytest.mark.parametrize("decision", list(Decision))
def test_only_allow_without_an_error_succeeds(decision: Decision) -> None:
    """An error beside an ALLOW, which the executor never makes, would not succeed either."""
    result = ValidationResult(REFERENCE, None, decision)
    assert result.succeeded is (decision is Decision.ALLOW)
    error = RatifyError(Reason.TIMEOUT, "x").failure
    assert not ValidationResult(REFERENCE, None, decision, error=error).succeeded
