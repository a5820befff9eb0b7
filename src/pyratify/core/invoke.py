"""How verifiers are asked: what they return is checked, what they raise is contained, and their names are stamped."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pyratify.core.details import MAX_DETAIL, spoken
from pyratify.core.errors import (
    ConfigurationError,
    Failure,
    InconclusiveError,
    RatifyError,
    StoreError,
)
from pyratify.core.isolation import describe, is_ours
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.report import Outcome, VerifierResult
from pyratify.core.verifier import Details, Evidence, Verifier


async def ask(name: str, verifier: Verifier, evidence: Evidence) -> VerifierResult | None:
    """Return what the verifier makes of the evidence; None when it does not verify this kind.

    Args:
        name: The name under which the verifier is configured; a verifier cannot answer for another one.
        verifier: Whom to ask.
        evidence: What is to be verified.
    """
    try:
        accepted = verifier.accepts(evidence.manifest)
        details = await verifier.verify(evidence) if accepted is True else None
    except (InconclusiveError, StoreError, ConfigurationError) as error:
        return VerifierResult(name, Outcome.INCONCLUSIVE, failure=error.failure)
    except RatifyError as error:
        return VerifierResult(name, Outcome.FAILED, failure=error.failure)
    except BaseException as error:  # nothing that a plugin raises may pass
        if is_ours(error):
            raise
        return _broken(name, f"it raised {describe(error)}")
    if accepted is False:
        return None
    return _checked(name, accepted, details)


def accepts(verifier: Verifier, manifest: Manifest) -> bool:
    """Tell whether a verifier would accept a manifest of which only the announced type is known; a failure means no."""
    try:
        return verifier.accepts(manifest) is True
    except (
        BaseException
    ) as error:  # it is asked again with the whole manifest, and its failure is reported then
        if is_ours(error):
            raise
        return False


def _checked(name: str, accepted: object, details: object) -> VerifierResult:
    if accepted is not True:
        return _broken(name, f"asked whether it accepts, it returned {type(accepted).__name__}")
    if not isinstance(details, Details):
        return _broken(name, f"it returned {type(details).__name__} instead of details")
    if not _says_something(details):
        return _broken(name, "its details say nothing, or have fields of other types than they must")
    if (size := spoken(details)) > MAX_DETAIL:
        return _broken(name, f"its details have {size} characters outside of data, more than {MAX_DETAIL}")
    return VerifierResult(name, Outcome.PASSED, details=details)


def _says_something(details: Details) -> bool:
    """Tell whether details are whole; a verifier that verified nothing has to raise and not to say nothing."""
    return (
        _is_text(details.description)
        and _all_are(details.signers, _is_text)
        and _all_are(details.warnings, lambda warning: isinstance(warning, Failure))
        and _is_mapping(details.data)
        and _is_moment(details.valid_until)
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_moment(value: object) -> bool:
    return value is None or (isinstance(value, datetime) and value.tzinfo is not None)


def _all_are(values: object, test: Callable[[object], bool]) -> bool:
    return isinstance(values, tuple) and all(test(value) for value in values)


def _broken(name: str, what: str) -> VerifierResult:
    reason = Reason.VERIFIER_ERROR
    failure = Failure(reason, f"the verifier {name!r} failed: {what}", reason.remedy)
    return VerifierResult(name, Outcome.INCONCLUSIVE, failure=failure)
