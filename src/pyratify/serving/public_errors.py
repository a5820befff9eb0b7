"""What of a failure may be said to the client of a server."""

import logging
from dataclasses import replace

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, ValidationResult, VerifierResult, failures

_LOG = logging.getLogger(__name__)
# Reasons whose messages quote a registry, a plugin or an exception: its text is an attacker's to choose.
_FOREIGN = frozenset(
    {
        Reason.INTERNAL,
        Reason.REGISTRY_ERROR,
        Reason.REGISTRY_UNREACHABLE,
        Reason.REGISTRY_AUTH,
        Reason.VERIFIER_ERROR,
        Reason.POLICY_ERROR,
    }
)
_NO_ACCESS = "the registry lets nothing be read with the server's credential; the server's log says which"


def is_foreign(failure: Failure) -> bool:
    """Return whether the message may hold text of registries, plugins or exceptions, which belongs in the log alone."""
    return failure.reason in _FOREIGN


def for_clients(result: ValidationResult) -> ValidationResult:
    """Return a result whose report does not say where the server keeps credentials; what is left out is logged.

    Messages of `REGISTRY_AUTH` name the path of Docker's `config.json` and some of its keys: other registries,
    repositories and tenants.
    """
    hidden = [failure for _, failure in failures(result.artifacts) if _names_credentials(failure)]
    if not hidden:
        return result
    for message in dict.fromkeys(failure.message for failure in hidden):  # once each: evidence fails alike
        extra = {"reference": str(result.reference), "code": Reason.REGISTRY_AUTH.value, "error": message}
        _LOG.warning("evidence could not be read", extra=extra)
    return replace(result, artifacts=tuple(map(_without_credentials, result.artifacts)))


def _names_credentials(failure: Failure | None) -> bool:
    return failure is not None and failure.reason is Reason.REGISTRY_AUTH


def _without_credentials(report: ArtifactReport) -> ArtifactReport:
    return replace(
        report,
        failure=_public(report.failure),
        results=tuple(map(_public_result, report.results)),
        nested=tuple(map(_without_credentials, report.nested)),  # what is nested has messages too
    )


def _public_result(result: VerifierResult) -> VerifierResult:
    return replace(result, failure=_public(result.failure))


def _public(failure: Failure | None) -> Failure | None:
    if failure is None or not _names_credentials(failure):
        return failure
    return Failure(failure.reason, _NO_ACCESS, failure.reason.remedy)
