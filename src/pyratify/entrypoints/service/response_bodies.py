"""What is answered: the structs that the API's description is generated from."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from pyratify.core.report import Decision, Outcome


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something was refused or could not be decided.

    Attributes:
        code: The stable reason code.
        message: One sentence that says what is wrong.
        remedy: One sentence that says what to do.
    """

    code: str
    message: str
    remedy: str


class Judgement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What one verifier made of one artifact.

    Attributes:
        verifier_name: The name under which the verifier is configured.
        outcome: Only PASSED counts.
        description: One sentence for people.
        detail: Facts for machines: the text of a JSON object, or empty.
        error_reason: What is wrong; absent when it passed.
        reason: The stable reason code; absent when it passed.
        remedy: What to do; absent when it passed.
        warnings: What was not as it should be and was only to be reported.
    """

    verifier_name: str
    outcome: Outcome
    description: str
    detail: str
    error_reason: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    remedy: str | UnsetType = UNSET
    warnings: tuple[Fault, ...] | UnsetType = UNSET


class Attached(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One artifact that is attached to a subject.

    Attributes:
        subject: The repository and digest that it is attached to.
        artifact: Its digest.
        artifact_type: Its type, as its own manifest says.
        discovery: How it was found.
        outcome: Present when it could not even be offered to a verifier, or what is attached to it not be listed.
        error_reason: Why not.
        reason: The stable reason code.
        remedy: What to do.
        platform: For a manifest that an image index lists, what it runs on; its evidence is in `artifactReports`.
        decision: What the policy says of that manifest; absent where it was not judged.
        results: One entry for each verifier that was asked.
        artifact_reports: What is attached to the artifact itself.
    """

    subject: str
    artifact: str
    discovery: str
    results: tuple[Judgement, ...]
    artifact_reports: tuple["Attached", ...]
    artifact_type: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    decision: Decision | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET
    error_reason: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    remedy: str | UnsetType = UNSET


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The whole evidence, as `ratify verify --output json` prints it.

    Attributes:
        reference: What was asked.
        digest: What it stands for.
        succeeded: Whether it may be trusted.
        decision: What the policy says; NONE where there is no policy.
        decided: Whether there is a verdict; where there is none, asking again may help.
        failure: Why it is denied.
        limits: The limits that were hit.
        artifact_reports: What is attached to it.
        left_out: How many artifacts are not in the report because it would be too long.
    """

    reference: str
    digest: str
    succeeded: bool
    decision: Decision
    decided: bool
    artifact_reports: tuple[Attached, ...]
    failure: Fault | UnsetType = UNSET
    limits: tuple[Fault, ...] | UnsetType = UNSET
    left_out: int | UnsetType = UNSET


class Summary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A decision without its evidence.

    Attributes:
        id: Its name in `/v1/decisions/{id}`.
        time: When it was answered (RFC 3339).
        milliseconds: How long that took.
        reference: What was asked, made safe to show.
        namespace: The tenant that asked; empty for none.
        digest: What the reference stands for; null where that is not known.
        decision: What the policy says; DENY where nothing could be decided.
        succeeded: Whether it may be trusted; the one thing to look at.
        decided: Whether there is a verdict; where there is none, asking again may help.
        code: Why not, as a stable reason code; empty where it is allowed.
        why: Why not, in a few words; empty where it is allowed.
    """

    id: str
    time: str
    milliseconds: float
    reference: str
    namespace: str
    digest: str | None
    decision: Decision
    succeeded: bool
    decided: bool
    code: str
    why: str


class Verdict(Summary, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The answer for one reference: a decision with its evidence, or an error.

    Attributes:
        error: Why nothing could be decided; never beside a report.
        report: The evidence.
    """

    error: Fault | UnsetType = UNSET
    # Rendered by the core; here only its schema is needed.
    report: Annotated[Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/Report"})] | UnsetType = (
        UNSET
    )


class Verified(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a verification.

    Attributes:
        trace: What the log calls the request.
        succeeded: Whether all of them may be trusted.
        answers: One for each reference, in order.
    """

    trace: str
    succeeded: bool
    answers: tuple[Verdict, ...]


class Pin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one reference stands for now, or why that is not known.

    Attributes:
        reference: What was asked, made safe to show.
        digest: What it stands for; null where that is not known.
        pinned: The reference by digest; null where that is not known.
        error: Why that is not known.
    """

    reference: str
    digest: str | None
    pinned: str | None
    error: Fault | UnsetType = UNSET


class Resolved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to the question what references stand for.

    Attributes:
        trace: What the log calls the request.
        answers: One for each reference, in order.
    """

    trace: str
    answers: tuple[Pin, ...]


class Recent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last decisions of this process.

    Attributes:
        decisions: The newest first.
    """

    decisions: tuple[Summary, ...]


class Problem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a request was refused as a whole (RFC 9457).

    Attributes:
        type: Always about:blank: the status and the code say it all.
        title: The status in words.
        status: The HTTP status.
        detail: One sentence that says what is wrong.
        code: A stable code.
        remedy: One sentence that says what to do; may be empty.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    remedy: str = ""
