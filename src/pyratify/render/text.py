"""Renders a result as lines: the verdict, the evidence, then what to do."""

from collections.abc import Iterator

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, ValidationResult, VerifierResult, flatten
from pyratify.render.plain import MAX_REPORT, clean
from pyratify.render.words import because, explained, headline, judgement, signer_names

_OTHER_KINDS = frozenset({Reason.PREDICATE_TYPE, Reason.PAYLOAD_TYPE})


def render(result: ValidationResult, *, color: bool = False) -> str:
    """Return the result as lines of text, without a line break at the end.

    Args:
        result: What to show.
        color: Whether the verdict is printed in color; for terminals.
    """
    # Text and JSON must not differ: what JSON cannot hold is an error here too.
    result = result.checked()
    return cut((headline(result, color=color), *_lines(result)))


def cut(lines: tuple[str, ...]) -> str:
    """Join lines up to `MAX_REPORT` characters, and count those left out."""
    left, kept = MAX_REPORT, 0
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept += 1
    rest = len(lines) - kept
    return "\n".join((*lines[:kept], *((f"... {rest} lines left out",) if rest else ())))


def warnings(item: VerifierResult) -> Iterator[str]:
    """Iterate over a verifier's warnings."""
    for warning in item.details.warnings if item.details else ():
        yield f"warning: {because(warning)[0]}"


def _lines(result: ValidationResult) -> Iterator[str]:
    why = result.error or result.failure
    if why is not None:
        yield f"  why:  {because(why)[0]}"
    reports = tuple(flatten(result.artifacts))
    items = tuple(item for report in reports for item in report.results)
    cause = why.message if why is not None and explained(why, items) else ""
    for report in reports:
        shown = tuple(item for item in report.results if not _is_noise(item, cause))
        yield from _report(report, shown, passed=result.succeeded)
    count = sum(_is_noise(item, cause) for item in items)
    if count:
        one = "1 result about a statement of another type; -o tree shows it"
        more = f"{count} results about statements of other types; -o tree shows them"
        yield f"  left out: {one if count == 1 else more}"
    for limit in result.limits:
        yield f"  limit: {because(limit)[0]}"
    if why is not None:
        yield f"  what to do: {_remedy(result, why)}"


def _is_noise(item: VerifierResult, cause: str) -> bool:
    """Return whether a result only says what a statement is not, where the cause of the denial is known (else empty)."""
    failure = item.failure
    return (
        bool(cause)
        and failure is not None
        and failure.reason in _OTHER_KINDS
        and failure.message not in cause
    )


def _report(report: ArtifactReport, shown: tuple[VerifierResult, ...], *, passed: bool) -> Iterator[str]:
    if report.platform is not None:
        why = f": {because(report.failure)[0]}" if report.failure is not None else ""
        yield f"  platform {clean(report.platform)}: {judgement(report)}{why}; {report.artifact.digest[:19]}"
        return
    where = f"{report.artifact.digest[:19]} ({report.discovery})"
    if report.failure is not None:
        yield f"  {_word(report.outcome)}: {where}: {because(report.failure)[0]}"
    # Where the image is allowed, other kinds and failures are noise; -o tree shows them.
    elif not report.results and not passed:
        kind = clean(report.artifact.artifact_type or report.artifact.media_type, 120)
        yield f"  attached: {kind}, which no configured verifier reads; {where}"
    for item in shown:
        if item.details is not None:
            names = signer_names(item.details)
            by = f", signed by {', '.join(names)}" if names else ""
            yield f"  verified: {clean(item.verifier)}: {clean(item.details.description)}{by}; {where}"
            yield from (f"    {line}" for line in warnings(item))
        elif item.failure is not None and not passed:
            yield f"  {_word(item.outcome)}: {clean(item.verifier)}: {because(item.failure)[0]}; {where}"


def _word(outcome: object) -> str:
    return "failed" if str(outcome) == "FAILED" else "undecided"


def _remedy(result: ValidationResult, why: Failure) -> str:
    """Return the most specific remedy: that of the signatures, where all failed for the same reason."""
    failures = {
        item.failure.reason: item.failure
        for report in flatten(result.artifacts)
        for item in report.results
        if item.failure is not None
    }
    # Beside other evidence, a statement of another type is not what is wrong.
    meant = {reason: each for reason, each in failures.items() if reason not in _OTHER_KINDS}
    if meant or any(item.passed for report in flatten(result.artifacts) for item in report.results):
        failures = meant
    # Several reasons have no common remedy; the policy's own is then true for all.
    only = next(iter(failures.values())) if len(failures) == 1 and result.error is None else why
    return because(only)[1]
