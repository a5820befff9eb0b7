"""From a review to the images to judge, and from their verdicts to problems; pure, and nothing is allowed that no rule allows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pyratify.config.exemption import Exemption
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import Failure, InvalidReference
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.webhook.pod_images import Image, InadmissibleObject, Kind, changed, images, labels
from pyratify.entrypoints.webhook.review import Review
from pyratify.entrypoints.webhook.rules.match import ObjectAttributes, Rule, Rules
from pyratify.entrypoints.webhook.rules.rules_document import Mode


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged.

    Attributes:
        namespace: Where the images are to run.
        images: The images.
        matching: The rules for their object, the strictest first; at least one where there are images.
    """

    namespace: str
    images: tuple[Image, ...] = ()
    matching: tuple[Rule, ...] = ()


def case_of(review: Review, rules: Rules, namespace_labels: Mapping[str, str]) -> Case:
    """Return what is to be judged; a case without images is one that brings none into the cluster.

    Args:
        review: What the API server asks.
        rules: The rules in use.
        namespace_labels: The labels of the object's namespace; empty where no rule asks for them.

    Raises:
        InadmissibleObject: `BAD_REQUEST` for an object that is not shaped as it must be, `KIND_UNKNOWN` for one of a kind whose images
            are unknown, `POLICY_NOT_FOUND` where no rule is for it, `PARSE_LIMIT` for too many images.
    """
    # Before everything that could refuse: a DELETE that is denied would lock an object in.
    if not review.operation.brings_images:
        return Case("")
    where = rules.pod_specs.get(review.kind)
    # An unknown kind may well hold images, so it is refused unless the rules say otherwise.
    if where is None:
        if rules.admits_unknown_kinds:
            return Case("")
        raise _unknown(review.kind)
    namespace, document, old = review.namespace, review.object, review.old
    found = images(document, where)
    # Only changes: objects whose evidence has expired must still be scaled and finalized.
    if old is not None and not rules.config.verify_unchanged:
        found = changed(found, _before(old, where))
    if not found:
        return Case(namespace)
    most = rules.config.max_images
    # Each different text is work at a registry; equal ones are evaluated once.
    if len({image.text for image in found}) > most:
        raise InadmissibleObject(Reason.PARSE_LIMIT, f"there are more than {most} different images")
    attributes = ObjectAttributes(
        namespace=namespace,
        kind=review.kind,
        # Both: with the new ones alone, an update could remove the label that a strict rule asks for.
        labels=_labels(document, old),
        namespace_labels=namespace_labels,
    )
    matching = rules.matching(attributes)
    # No rule is no permission.
    if not matching:
        raise InadmissibleObject(
            Reason.POLICY_NOT_FOUND,
            f"no rule is for {review.kind} in the namespace {namespace}",
            remedy="Add a rule for it to the webhook's rules.",
        )
    return Case(namespace, found, matching)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an image must not be run.

    Attributes:
        image: The image.
        failure: Why.
        rule: The strictest rule that says so.
        exemption: The exception that admits the image all the same.
    """

    image: Image
    failure: Failure
    rule: Rule
    exemption: Exemption | None = None

    @property
    def mode(self) -> Mode:
        """What follows."""
        denied = self.rule.mode is Mode.DENY
        return Mode.WARN if denied and self.exemption is not None else self.rule.mode


def problems(
    case: Case, found: Mapping[str, Failure | None], rules: Rules, now: datetime, *, pins: bool = True
) -> tuple[Problem, ...]:
    """Return everything that is said against the images of a case.

    Args:
        case: What is judged.
        found: By reference why it must not be run, None where nothing is said against it; what is missing is refused.
        rules: Where exceptions are.
        now: The time.
        pins: Whether references without a digest count.
    """
    return tuple(
        problem
        for image in case.images
        for problem in _excepted(tuple(_problems(case, image, found, pins=pins)), case, rules, now)
    )


def _problems(
    case: Case, image: Image, found: Mapping[str, Failure | None], *, pins: bool
) -> Iterator[Problem]:
    # What was not evaluated counts as refused, and not as nothing to say.
    failure = found.get(image.text, _UNDECIDED)
    if failure is not None:
        yield Problem(image, failure, case.matching[0])
    rule = next((rule for rule in case.matching if rule.config.require_digest), None)
    reference = _reference(image)
    # Not in mutation, which is there to pin: the webhook that validates comes after it.
    if pins and rule is not None and reference is not None and reference.digest is None:
        yield Problem(image, _NOT_PINNED, rule)


def _excepted(given: tuple[Problem, ...], case: Case, rules: Rules, now: datetime) -> tuple[Problem, ...]:
    """Put one exception beside all problems of an image, or none: two never add up."""
    # Warnings need no exception, so an exception need not name their codes.
    codes = tuple(problem.failure.reason for problem in given if problem.rule.mode is Mode.DENY)
    reference = _reference(given[0].image) if codes else None
    if reference is None:
        return given
    exemption = rules.exemption(case.namespace, reference, codes, now)
    return tuple(Problem(each.image, each.failure, each.rule, exemption) for each in given)


def _reference(image: Image) -> Reference | None:
    try:
        return Reference.parse(image.text)
    except InvalidReference:
        return None


def _before(old: Mapping[str, Any], where: tuple[str, ...]) -> tuple[Image, ...]:
    """Return the images before an update; none where they cannot be read, so that all are judged."""
    try:
        return images(old, where)
    except InadmissibleObject:
        return ()


def _labels(document: Mapping[str, Any], old: Mapping[str, Any] | None) -> tuple[Mapping[str, str], ...]:
    return (labels(document),) if old is None else (labels(document), labels(old))


def _unknown(kind: Kind) -> InadmissibleObject:
    return InadmissibleObject(
        Reason.KIND_UNKNOWN,
        f"where {kind.name} ({kind.group[:80]!a}) has its images is not known",
        remedy="Add the kind to podTemplates in the webhook's rules, or do not send it to the webhook.",
    )


_UNDECIDED = Failure(Reason.INTERNAL, "nothing was found out", Reason.INTERNAL.remedy)
_NOT_PINNED = Failure(
    Reason.TAG_NOT_PINNED,
    "a tag can be moved after this decision",
    "Refer to the image by digest, or let the webhook's mutation pin it.",
)
