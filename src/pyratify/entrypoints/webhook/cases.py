"""From a review to the images that are to be judged, and the rules to judge them by."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.reason import Reason
from pyratify.entrypoints.webhook.decide import Case
from pyratify.entrypoints.webhook.pod_images import Image, Kind, Refused, changed, images, labels
from pyratify.entrypoints.webhook.review import Review
from pyratify.entrypoints.webhook.rules.match import Asked, Rules


def case_of(review: Review, rules: Rules, namespace_labels: Mapping[str, str]) -> Case:
    """Return what is to be judged; a case without images is one that brings none into the cluster.

    Args:
        review: What the API server asks.
        rules: The rules of the moment.
        namespace_labels: The labels of the object's namespace; empty where no rule asks for them.

    Raises:
        Refused: `BAD_REQUEST` for an object that is not shaped as it must be, `KIND_UNKNOWN` for one of a kind whose images
            nobody knows, `POLICY_NOT_FOUND` where no rule is for it, `PARSE_LIMIT` for too many images.
    """
    if not review.operation.brings_images:
        return Case("")
    where = rules.pod_specs.get(review.kind)
    if where is None:
        if rules.admits_unknown_kinds:
            return Case("")
        raise _unknown(review.kind)
    namespace, document, old = review.namespace, review.object, review.old
    found = images(document, where)
    if old is not None and not rules.config.verify_unchanged:
        found = changed(found, _before(old, where))
    if not found:
        return Case(namespace)
    most = rules.config.max_images
    if len({image.text for image in found}) > most:
        raise Refused(Reason.PARSE_LIMIT, f"there are more than {most} different images")
    asked = Asked(
        namespace=namespace,
        kind=review.kind,
        labels=_labels(document, old),
        namespace_labels=namespace_labels,
    )
    matching = rules.matching(asked)
    if not matching:
        raise Refused(
            Reason.POLICY_NOT_FOUND,
            f"no rule is for {review.kind} in the namespace {namespace}",
            remedy="Add a rule for it to the webhook's rules.",
        )
    return Case(namespace, found, matching)


def _before(old: Mapping[str, Any], where: tuple[str, ...]) -> tuple[Image, ...]:
    """Return the images before an update; none where they cannot be read, so that all are judged."""
    try:
        return images(old, where)
    except Refused:
        return ()


def _labels(document: Mapping[str, Any], old: Mapping[str, Any] | None) -> tuple[Mapping[str, str], ...]:
    return (labels(document),) if old is None else (labels(document), labels(old))


def _unknown(kind: Kind) -> Refused:
    return Refused(
        Reason.KIND_UNKNOWN,
        f"where {kind.name} ({kind.group[:80]!a}) has its images is not known",
        remedy="Add the kind to podTemplates in the webhook's rules, or do not send it to the webhook.",
    )
