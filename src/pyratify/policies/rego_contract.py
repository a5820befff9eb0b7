"""What a policy in Rego is asked, and how: Ratify v1's contract, and pyratify's."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.policy import Image, Reports, Subject
from pyratify.core.report import ArtifactReport, VerifierResult
from pyratify.policies.artifact_kind import artifact_type
from pyratify.policies.policy_values import artifact_values, plain_facts, plain_json


class Contract(StrEnum):
    """Whose contract a policy follows.

    - `ratify`: Ratify v1's, to the letter: `data.ratify.policy.valid` over `input.verifierReports`.
    - `pyratify`: ours: `data.pyratify.allow` and `data.pyratify.deny` over `input.subject`, `input.artifacts` and `input.now`.
    """

    RATIFY = "ratify"
    PYRATIFY = "pyratify"

    @property
    def query(self) -> str:
        """What is asked."""
        return "data.ratify.policy.valid" if self is Contract.RATIFY else "data.pyratify"

    @property
    def only_bool(self) -> bool:
        """Whether the answer is a bool, and never an object with `allow` and `deny`."""
        return self is Contract.RATIFY

    @property
    def reads_more(self) -> bool:
        """Whether its input has the subject's tag, the image and the time, and not the reports alone."""
        return self is Contract.PYRATIFY


@dataclass(frozen=True, slots=True)
class RegoInput:
    """Makes inputs.

    Attributes:
        contract: Their shape.
        types: The plugins of the verifiers, by their names.
        with_nested: Whether what is attached to artifacts was looked at.
        with_time: Whether verdicts are kept for the present second only, so that the policy may see the time.
    """

    contract: Contract
    types: Mapping[str, str]
    with_nested: bool = True
    with_time: bool = True

    def make(self, subject: Subject, reports: Reports, image: Image | None = None) -> dict[str, Any]:
        """Return the input for one decision, of JSON values.

        Raises:
            TypeError: The facts of a result are no JSON values.
        """
        if self.contract is Contract.RATIFY:
            return {"verifierReports": [self._report(report) for report in reports]}
        reference = subject.reference
        described = {
            "registry": reference.registry,
            "repository": reference.repository,
            "tag": reference.tag or "",
            "digest": str(subject.descriptor.digest),
            "mediaType": subject.descriptor.media_type,
            "namespace": subject.namespace,
        }
        if image is not None:
            described["image"] = plain_json(image)
        artifacts = artifact_values(reports, self.types, with_nested=self.with_nested)
        # In whole seconds: a verdict holds until this one is over.
        time = {"now": subject.now.strftime("%Y-%m-%dT%H:%M:%SZ")} if self.with_time else {}
        return {"subject": described, "artifacts": artifacts, **time}

    def _report(self, report: ArtifactReport) -> dict[str, Any]:
        results = [self._result(result) for result in report.results]
        # What could not be read, or not be listed, is a failure that every policy over results sees.
        if report.failure is not None:
            results.append(_unreadable(report.failure.message, report.failure.remedy))
        return {
            "subject": str(report.subject),
            "referenceDigest": str(report.artifact.digest),
            "artifactType": artifact_type(report),
            "verifierReports": results,
            "nestedReports": [self._report(each) for each in report.nested],
        }

    def _result(self, result: VerifierResult) -> dict[str, Any]:
        details, failure = result.details, result.failure
        kind = self.types.get(result.verifier, "")
        return {
            "isSuccess": result.passed,
            "message": details.description if details else failure.message if failure else "",
            "errorReason": failure.message if failure else "",
            "remediation": failure.remedy if failure else "",
            # Ratify v1 has name and type under two keys each, and policies read either.
            "name": result.verifier,
            "verifierName": result.verifier,
            "type": kind,
            "verifierType": kind,
            "extensions": plain_facts(details.data if details else result.facts),
        }


def _unreadable(message: str, remedy: str) -> dict[str, Any]:
    # With every key: in Rego an expression over a missing one is undefined, and its negation true.
    return {
        "isSuccess": False,
        "message": message,
        "errorReason": message,
        "remediation": remedy,
        "name": "",
        "verifierName": "",
        "type": "",
        "verifierType": "",
        "extensions": {},
    }
