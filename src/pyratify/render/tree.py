"""Results for people who want to see everything: what is attached to what, and what each verifier said."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyratify.core.report import ArtifactReport, ValidationResult, VerifierResult
from pyratify.render.plain import clean
from pyratify.render.soundness import sound
from pyratify.render.text import cut, warnings
from pyratify.render.words import because, leading, name, painted, summary, verdict


@dataclass(frozen=True, slots=True)
class _Node:
    text: str
    children: tuple["_Node", ...] = ()


def render(result: ValidationResult, *, color: bool = False) -> str:
    """Return the result as a tree, without a line break at the end.

    Args:
        result: What to show.
        color: Whether the verdict is printed in color; for terminals.
    """
    result = sound(result)
    why = summary(result)
    head = f"{painted(verdict(result), color=color)} {name(result)}{f': {why}' if why else ''}"
    children = tuple(_artifact(report) for report in result.artifacts)
    return cut((head, *draw((*children, *_ending(result)))))


def render_attached(result: ValidationResult) -> str:
    """Return what is attached to a reference as a tree, without any verdict."""
    head = f"{name(result)}: {leading(result.artifacts).partition(',')[0]}"
    limits = tuple(_Node(f"limit: {because(limit)[0]}") for limit in result.limits)
    return cut((head, *draw((*(_artifact(report) for report in result.artifacts), *limits))))


def draw(nodes: tuple[_Node, ...], indent: str = "") -> Iterator[str]:
    """Iterate over the lines of a tree."""
    for index, node in enumerate(nodes):
        last = index == len(nodes) - 1
        yield f"{indent}{'└── ' if last else '├── '}{node.text}"
        yield from draw(node.children, indent + ("    " if last else "│   "))


def _artifact(report: ArtifactReport) -> _Node:
    kind = clean(report.artifact.artifact_type or report.artifact.media_type, 120)
    text = f"{report.artifact.digest} {kind}, {report.artifact.size} bytes ({report.discovery})"
    failed = (_Node(f"{report.outcome}: {because(report.failure)[0]}"),) if report.failure else ()
    results = tuple(_result(item) for item in report.results)
    return _Node(text, (*failed, *results, *(_artifact(child) for child in report.nested)))


def _result(item: VerifierResult) -> _Node:
    said = clean(item.details.description) if item.details else ""
    if item.failure is not None:
        said = because(item.failure)[0]
    signers = tuple(
        _Node(f"signer: {clean(signer)}") for signer in (item.details.signers if item.details else ())
    )
    return _Node(
        f"{item.outcome} {clean(item.verifier)}: {said}",
        (*signers, *(_Node(line) for line in warnings(item))),
    )


def _ending(result: ValidationResult) -> Iterator[_Node]:
    for limit in result.limits:
        yield _Node(f"limit: {because(limit)[0]}")
    why = result.error or result.failure
    if why is not None:
        yield _Node(f"why: {because(why)[0]}", (_Node(f"what to do: {because(why)[1]}"),))
