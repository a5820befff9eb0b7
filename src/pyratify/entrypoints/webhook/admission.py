"""The webhook: all images of an object together, every answer within the deadline."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from functools import partial
from typing import TypeVar

from pyratify.caches.verdicts import Verdicts
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import Failure, RatifyError
from pyratify.core.isolation import as_failure, internal
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.webhook.decide import Case, case_of, problems
from pyratify.entrypoints.webhook.messages import answered, refused
from pyratify.entrypoints.webhook.namespaces import NamespaceLabels
from pyratify.entrypoints.webhook.patch import pinned, replacing
from pyratify.entrypoints.webhook.pod_images import InadmissibleObject, pull_spec
from pyratify.entrypoints.webhook.review import Answer, Review
from pyratify.entrypoints.webhook.rules.match import Rules
from pyratify.entrypoints.webhook.rules.rules_document import Mode
from pyratify.entrypoints.webhook.rules.watch_rules import FollowedRules
from pyratify.kubernetes.secrets.pod_secrets import (
    NO_CREDENTIALS,
    NO_SECRETS,
    PodCredentials,
    PodSecrets,
    PullSpec,
)
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.serving.configuration_source import Source
from pyratify.serving.deadline_group import DeadlineGroup, late_after
from pyratify.serving.verdict_source import Answers, refusal

T = TypeVar("T")
_LOG = logging.getLogger("pyratify.webhook")


@dataclass(slots=True)
class Webhook:
    """Answers for reviews.

    Attributes:
        source: The current configuration.
        verdicts: Remembers verdicts.
        rules: The rules in use.
        clock: The clock of durations and deadlines.
        namespaces: Knows the labels of namespaces; None where no rule may ask for them.
        secrets: Reads the Secrets that Pods name; None where only the configuration's credentials count.
    """

    source: Source
    verdicts: Verdicts
    rules: FollowedRules
    clock: Clock = field(default_factory=SystemClock)
    namespaces: NamespaceLabels | None = None
    secrets: PodSecrets | None = None
    _answers: Answers = field(init=False)
    _group: DeadlineGroup = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.source, self.verdicts, self.clock)
        self._group = DeadlineGroup(self.clock)

    async def validate(self, review: Review, seconds: float) -> Answer:
        """Return whether an object is admitted.

        Args:
            review: The object.
            seconds: In how many seconds there is an answer, whatever it is.
        """
        return await self._safely("validate", review, partial(self._validate, review, seconds))

    async def mutate(self, review: Review, seconds: float) -> Answer:
        """Pin the images of an object; arguments as in `validate`."""
        return await self._safely("mutate", review, partial(self._mutate, review, seconds))

    async def aclose(self) -> None:
        """Wait for the end of what was left when a deadline was over."""
        await self._group.aclose()

    async def _validate(self, review: Review, seconds: float) -> Answer:
        # Read once: the rules may be exchanged while the images are evaluated.
        rules, end = self.rules.current, self.clock.monotonic() + seconds
        case = case_of(review, rules, await self._labels(review, rules, seconds))
        found = await self._each(
            case, partial(self._verified, case.namespace, self._pulls(case, review, rules)), end
        )
        self._note(review, found)
        return answered(problems(case, found, rules, self.clock.now()))

    async def _mutate(self, review: Review, seconds: float) -> Answer:
        rules, end = self.rules.current, self.clock.monotonic() + seconds
        case = case_of(review, rules, await self._labels(review, rules, seconds))
        # Audit only records: it must not change the object, not even for the better.
        if all(rule.mode is Mode.AUDIT for rule in case.matching):
            return Answer(allowed=True)
        found = await self._each(
            case, partial(self._pinned, case.namespace, self._pulls(case, review, rules)), end
        )
        # What could not be pinned is a reason to refuse, judged by the same rules and exceptions.
        failed = {text: each if isinstance(each, Failure) else None for text, each in found.items()}
        self._note(review, failed)
        answer = answered(problems(case, failed, rules, self.clock.now(), pins=False))
        patch = tuple(
            replacing(image, text)
            for image in case.images
            # No operation for what stays: the object would look changed in the API server's audit log.
            if isinstance(text := found.get(image.text), str) and text != image.text
        )
        return Answer(
            allowed=answer.allowed,
            message=answer.message,
            code=answer.code,
            warnings=answer.warnings,
            audit=answer.audit,
            patch=patch,
        )

    async def _safely(self, act: str, review: Review, answer: Callable[[], Awaitable[Answer]]) -> Answer:
        """Answer whatever happens; what was not expected is a refusal."""
        try:
            found = await answer()
        except RatifyError as error:
            found = refused(error)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            why = internal(error)
            _LOG.error("review failed", extra={**review.facts(), "error": why.message})
            # Denied with a reason: a broken connection would leave the decision to failurePolicy.
            found = refused(RatifyError(why.reason, why.message))
        extra = {**review.facts(), "act": act, "allowed": found.allowed, "code": found.code, **found.audit}
        _LOG.info("answered", extra=extra)
        return found

    async def _labels(self, review: Review, rules: Rules, seconds: float) -> Mapping[str, str]:
        """Return the labels of the namespace where a rule needs them; half of the time is left for the images."""
        if not rules.selects_namespaces or not review.operation.brings_images:
            return {}
        # Without labels the strictest rule might not match, so guessing could admit.
        if self.namespaces is None:
            raise InadmissibleObject(
                Reason.POLICY_ERROR,
                "a rule selects namespaces by labels, and there is no API server to ask for them",
            )
        name = review.namespace
        # In the group, as a request to an API server that hangs has to end at the deadline, too.
        ask = partial(_one, self.namespaces.of)
        found = (await self._group.each([name], ask, lambda _: late_after(seconds / 2), seconds / 2))[name]
        if isinstance(found, Failure):
            raise InadmissibleObject(found.reason, found.message, remedy=found.remedy)
        return found

    async def _each(
        self, case: Case, find: Callable[[str], Awaitable[T]], end: float
    ) -> dict[str, T | Failure]:
        """Evaluate the references of a case concurrently; those past the deadline fail."""
        # What the look-up of labels took is no longer there for the images.
        seconds = end - self.clock.monotonic()
        return await self._group.each(
            [image.text for image in case.images], partial(_one, find), lambda _: late_after(seconds), seconds
        )

    def _pulls(self, case: Case, review: Review, rules: Rules) -> PullSpec:
        """Return what the object says about its pull Secrets; nothing where they are not used."""
        if self.secrets is None or not case.images:
            return NO_SECRETS
        return pull_spec(review.object, rules.pod_specs[review.kind], review.kind)

    async def _verified(self, namespace: str, pulls: PullSpec, text: str) -> Failure | None:
        reference = Reference.parse(text)
        credentials = await self._credentials(namespace, pulls, reference)
        with credentials.explained():
            found = await self._answers.verdict(reference, namespace, credentials.scopes)
        return None if found.result.succeeded else refusal(found.result)

    async def _pinned(self, namespace: str, pulls: PullSpec, text: str) -> str:
        reference = Reference.parse(text)
        if reference.digest is not None:
            return text
        credentials = await self._credentials(namespace, pulls, reference)
        with credentials.explained():
            return pinned(text, await self._answers.pinned(reference, namespace, credentials.scopes))

    async def _credentials(self, namespace: str, pulls: PullSpec, reference: Reference) -> PodCredentials:
        if self.secrets is None or pulls == NO_SECRETS:
            return NO_CREDENTIALS
        return await self.secrets.credentials(namespace, pulls, reference)

    def _note(self, review: Review, found: Mapping[str, Failure | None]) -> None:
        """Log the whole reason of every failure; the answer holds less."""
        for text, failure in found.items():
            if failure is not None:
                extra = {"uid": review.uid, "image": clean(text, MAX_REFERENCE), "code": failure.reason.value}
                _LOG.warning("not accepted", extra={**extra, "error": clean(failure.message, MAX_REFERENCE)})


async def _one(find: Callable[[str], Awaitable[T]], text: str) -> T | Failure:
    try:
        return await find(text)
    except RatifyError as error:
        return as_failure(error)
    except Exception as error:  # noqa: BLE001 - the end is a refusal
        return internal(error)
