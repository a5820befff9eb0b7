"""Renders a result as a tree: everything attached, and the result of each verifier."""

from collections.abc import Iterator

from pyratify.core.dataclass import dataclass
from pyratify.core.report import ArtifactReport, ValidationResult, VerifierResult, flatten
from pyratify.core.verifier import Details
from pyratify.render.plain import clean
from pyratify.render.text import cut, warnings
from pyratify.render.words import because, headline, judgement, signer_names


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a tree and what stands below it.

    Attributes:
        text: The line, already escaped.
        children: What stands below.
    """

    text: str
    children: tuple["Node", ...] = ()


def render(result: ValidationResult, *, color: bool = False) -> str:
    """Return the result as a tree, without a line break at the end.

    Args:
        result: What to show.
        color: Whether the verdict is printed in color; for terminals.
    """
    result = result.checked()
    children = tuple(_artifact(report) for report in result.artifacts)
    return cut((headline(result, color=color), *draw((*children, *_ending(result)))))


def draw(nodes: tuple[Node, ...], indent: str = "") -> Iterator[str]:
    """Iterate over the lines of a tree."""
    for index, node in enumerate(nodes):
        last = index == len(nodes) - 1
        yield f"{indent}{'└── ' if last else '├── '}{node.text}"
        yield from draw(node.children, indent + ("    " if last else "│   "))


def _artifact(report: ArtifactReport, parent: ArtifactReport | None = None) -> Node:
    if report.platform is not None:
        return _platform(report, report.platform)
    kind = clean(report.artifact.artifact_type or report.artifact.media_type, 120)
    text = f"{report.artifact.digest} {kind}, {report.artifact.size} bytes ({report.discovery})"
    if parent is not None and report.subject.digest != parent.artifact.digest:
        text = f"{text}, attached to the index {report.subject.digest}"
    failed = (Node(f"{report.outcome}: {because(report.failure)[0]}"),) if report.failure else ()
    results = tuple(_result(item) for item in report.results)
    return Node(text, (*failed, *results, *(_artifact(child, report) for child in report.nested)))


def _platform(report: ArtifactReport, name: str) -> Node:
    failed = (Node(because(report.failure)[0]),) if report.failure else ()
    nested = tuple(_artifact(child, report) for child in report.nested)
    return Node(f"{clean(name)} {report.artifact.digest}: {judgement(report)}", (*failed, *nested))


def _result(item: VerifierResult) -> Node:
    said = clean(item.details.description) if item.details else ""
    if item.failure is not None:
        said = because(item.failure)[0]
    signers = tuple(Node(f"signer: {each}") for each in _signers(item.details)) if item.details else ()
    return Node(
        f"{item.outcome} {clean(item.verifier)}: {said}",
        (*signers, *(Node(line) for line in warnings(item))),
    )


def _signers(details: Details) -> Iterator[str]:
    """Iterate over the signers: a subject with its key, else what each is known by."""
    names = signer_names(details)
    # A name without its key could be any certificate of that subject.
    if len(names) == len(details.signers) == 1 and names[0] != details.signers[0]:
        yield f"{names[0]} ({clean(details.signers[0])})"
        return
    yield from map(clean, details.signers)


def _ending(result: ValidationResult) -> Iterator[Node]:
    unread = sum(
        not report.results and report.failure is None and report.platform is None
        for report in flatten(result.artifacts)
    )
    if unread:
        yield Node(f"not looked at: {unread} of kinds that no verifier here reads")
    if result.passed_over:
        yield Node(f"not looked at: {result.passed_over}, because what came before was enough")
    for limit in result.limits:
        yield Node(f"limit: {because(limit)[0]}")
    why = result.error or result.failure
    if why is not None:
        yield Node(f"why: {because(why)[0]}", (Node(f"what to do: {because(why)[1]}"),))
