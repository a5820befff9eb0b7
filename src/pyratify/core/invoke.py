"""Runs verifiers: checks what they return, contains what they raise, and sets the verifier's name on the result."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pyratify.core.details import MAX_DETAIL, text_length
from pyratify.core.errors import (
    NO_FACTS,
    ConfigurationError,
    Failure,
    InconclusiveError,
    RatifyError,
    StoreError,
    VerificationError,
)
from pyratify.core.isolation import as_failure, describe, is_caller_cancellation, release
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.report import Outcome, VerifierResult
from pyratify.core.verifier import Details, Evidence, Verifier

_MAX_FACT = 2_000


async def invoke(name: str, verifier: Verifier, evidence: Evidence) -> VerifierResult | None:
    """Run a verifier on evidence; None when it does not accept this kind.

    Args:
        name: The name under which the verifier is configured; its own `name` is not used, so it cannot satisfy another's rule.
        verifier: The verifier.
        evidence: The evidence.
    """
    try:
        # Compared with True below: a coroutine, which an `async def accepts` returns, is truthy.
        accepted = verifier.accepts(evidence.manifest)
        details = await verifier.verify(evidence) if accepted is True else None
    # Not the artifact's fault: inconclusive, so that a DENY can be reported as undecided.
    except (InconclusiveError, StoreError, ConfigurationError) as error:
        return VerifierResult(name, Outcome.INCONCLUSIVE, failure=as_failure(error))
    except VerificationError as error:
        facts = _texts(error.facts)
        return VerifierResult(name, Outcome.FAILED, failure=as_failure(error), facts=facts)
    except RatifyError as error:
        return VerifierResult(name, Outcome.FAILED, failure=as_failure(error))
    # Also SystemExit and native panics, which are no `Exception`.
    except BaseException as error:  # nothing that a plugin raises may pass
        if is_caller_cancellation(error):
            raise
        release(error)
        return _broken(name, f"it raised {describe(error)}")
    if accepted is False:
        return None
    return _checked(name, accepted, details)


def accepts(verifier: Verifier, manifest: Manifest) -> bool:
    """Return whether a verifier accepts a manifest of which only the announced type is known; False where it raises."""
    try:
        return verifier.accepts(manifest) is True
    except BaseException as error:  # `invoke` calls it again with the whole manifest and reports the failure
        if is_caller_cancellation(error):
            raise
        return False


def _checked(name: str, accepted: object, details: object) -> VerifierResult:
    if accepted is not True:
        return _broken(name, f"accepts() returned {type(accepted).__name__} instead of a bool")
    if not isinstance(details, Details):
        return _broken(name, f"verify() returned {type(details).__name__} instead of Details")
    # A frozen dataclass checks no types at run time, and plugins are not always type-checked.
    if not _is_complete(details):
        return _broken(name, "its details say nothing, or have fields of other types than they must")
    # Reports and cached verdicts hold these texts; certificates and payloads bring them.
    if (size := text_length(details)) > MAX_DETAIL:
        return _broken(name, f"its details have {size} characters outside of data, more than {MAX_DETAIL}")
    return VerifierResult(name, Outcome.PASSED, details=details)


def _is_complete(details: Details) -> bool:
    """Return whether details are complete: empty ones are no evidence, as a verifier that verified nothing must raise."""
    return (
        _is_text(details.description)
        and _all_are(details.signers, _is_text)
        and _all_are(details.warnings, lambda warning: isinstance(warning, Failure))
        and _is_mapping(details.data)
        and is_moment(details.valid_until)
    )


def _texts(facts: object) -> Mapping[str, str]:
    """Return the facts where they are texts: nothing else of a plugin's error is passed on."""
    if not isinstance(facts, Mapping):
        return NO_FACTS
    return {
        name: value[:_MAX_FACT]
        for name, value in facts.items()
        if isinstance(name, str) and isinstance(value, str) and (name + value).isprintable()
    }


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def is_moment(value: object) -> bool:
    """Return whether a value of a plugin says until when something holds: an aware moment, or None."""
    # A naive moment cannot be compared with the clock: it would fail later, where verdicts are cached.
    return value is None or (isinstance(value, datetime) and value.tzinfo is not None)


def _all_are(values: object, test: Callable[[object], bool]) -> bool:
    return isinstance(values, tuple) and all(test(value) for value in values)


def _broken(name: str, what: str) -> VerifierResult:
    reason = Reason.VERIFIER_ERROR
    failure = Failure(reason, f"the verifier {name!r} failed: {what}", reason.remedy)
    return VerifierResult(name, Outcome.INCONCLUSIVE, failure=failure)
