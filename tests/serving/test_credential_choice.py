"""Which of several credentials a reference is read with."""

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Store
from pyratify.serving import credential_choice
from pyratify.serving.credential_choice import CredentialChoice
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore

APP = Reference.parse("example.com/app:v1")
ONE, TWO = CredentialScope("one"), CredentialScope("two")


class Scoped(MemoryStore):
    """A store that answers each scope with its own error, or with the image.

    Args:
        asked: Collects which scopes asked.
        errors: By the scope's identity.
    """

    def __init__(self, asked: list[str], errors: dict[str, Reason], identity: str = "") -> None:
        super().__init__()
        self.asked, self.errors, self.identity = asked, errors, identity
        self.image = self.add_image()

    def with_credentials(self, scope: CredentialScope) -> Store:
        """Return the store of a scope."""
        return Scoped(self.asked, self.errors, scope.identity)

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return the image, or raise."""
        self.asked.append(self.identity)
        reason = self.errors.get(self.identity)
        if reason is not None:
            raise StoreError(reason, f"not for {self.identity or 'the configuration'} here")
        return await super().resolve(reference)


class Setting:
    """An engine over such a store, and the choice.

    Args:
        errors: By the scope's identity.
        generation: Of the engine.
    """

    def __init__(self, errors: dict[str, Reason], generation: str = "g") -> None:
        self.asked: list[str] = []
        self.clock = FakeClock()
        executor = Executor(store=Scoped(self.asked, errors), verifiers=(FakeVerifier(),))
        self.engine = Engine(ScopeMap([("*", executor)]), generation)
        self.choice = CredentialChoice(Verdicts(self.clock), self.clock)

    def reload(self, generation: str) -> None:
        """Change the configuration; the executor stays as it is."""
        self.engine = Engine(self.engine.executors, generation)

    async def chosen(
        self, *scopes: CredentialScope, namespace: str = "team", reference: Reference = APP
    ) -> CredentialScope:
        """Return what is chosen."""
        return await self.choice.choose(self.engine, reference, namespace, scopes)

    async def refused(
        self, *scopes: CredentialScope, namespace: str = "team", reference: Reference = APP
    ) -> list[str]:
        """Return which scopes are asked where none is accepted, the first of them a wrong one."""
        self.asked.clear()
        with pytest.raises(StoreError, match=r"not for \w+ ") as caught:
            await self.chosen(*scopes, namespace=namespace, reference=reference)
        assert caught.value.reason is Reason.REGISTRY_AUTH
        return list(self.asked)


async def test_without_credentials_nothing_is_asked() -> None:
    """The usual case costs nothing."""
    here = Setting({})
    assert await here.chosen() is CONFIGURED
    assert here.asked == []


@pytest.mark.parametrize(
    "reason",
    [
        Reason.REGISTRY_AUTH,
        Reason.NOT_FOUND,
        Reason.AUTH_SCOPE,
        Reason.AUTH_REALM_BLOCKED,
        Reason.CREDENTIAL_SCOPE,
    ],
)
async def test_after_a_refusal_the_next_one_is_tried(reason: Reason) -> None:
    """And the configuration's own at last."""
    here = Setting({"one": reason})
    assert await here.chosen(ONE, TWO) is TWO
    assert here.asked == ["one", "two"]
    here = Setting({"one": reason, "two": reason})
    assert await here.chosen(ONE, TWO) is CONFIGURED
    assert here.asked == ["one", "two", ""]


async def test_where_none_is_accepted_the_first_refusal_is_the_reason() -> None:
    """It is the one of the closest match."""
    here = Setting({"one": Reason.REGISTRY_AUTH, "two": Reason.NOT_FOUND, "": Reason.NOT_FOUND})
    with pytest.raises(StoreError, match="not for one") as caught:
        await here.chosen(ONE, TWO)
    assert caught.value.reason is Reason.REGISTRY_AUTH


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.REGISTRY_UNREACHABLE, Reason.REGISTRY_BUSY])
async def test_an_outage_is_no_refusal(reason: Reason) -> None:
    """Another credential would change nothing, and cost the registry more."""
    here = Setting({"one": reason})
    with pytest.raises(StoreError) as caught:
        await here.chosen(ONE, TWO)
    assert (caught.value.reason, here.asked) == (reason, ["one"])


async def test_a_choice_is_remembered_for_minutes_and_for_its_tenant() -> None:
    """Not for another namespace, other credentials or another configuration."""
    here = Setting({"one": Reason.REGISTRY_AUTH})
    for _ in range(3):
        assert await here.chosen(ONE, TWO) is TWO
    here.clock.advance(299)
    assert await here.chosen(ONE, TWO) is TWO
    assert here.asked == ["one", "two"]
    here.clock.advance(1)
    await here.chosen(ONE, TWO)
    assert here.asked == ["one", "two"] * 2
    await here.chosen(ONE, TWO, namespace="other")
    assert here.asked == ["one", "two"] * 3
    here.choice.forget(here.engine, APP, "team", (ONE, TWO))
    here.clock.advance(5)
    await here.chosen(ONE, TWO)
    assert here.asked == ["one", "two"] * 4


async def test_a_choice_is_of_one_repository_and_of_one_configuration() -> None:
    """Another one may accept the first credential, or read with other rules; another tag has the same repository."""
    here = Setting({"one": Reason.REGISTRY_AUTH})
    assert await here.chosen(ONE, TWO) is TWO
    here.asked.clear()
    assert await here.chosen(ONE, TWO, reference=Reference.parse("example.com/app:v2")) is TWO
    assert here.asked == []
    await here.chosen(ONE, TWO, reference=Reference.parse("example.com/other:v1"))
    assert here.asked == ["one", "two"]
    here.reload("another")
    await here.chosen(ONE, TWO)
    assert here.asked == ["one", "two"] * 2


async def test_what_is_forgotten_is_chosen_anew() -> None:
    """At once, and from the start; it is not taken for the first credential."""
    here = Setting({"one": Reason.REGISTRY_AUTH})
    assert await here.chosen(ONE, TWO) is TWO
    here.choice.forget(here.engine, APP, "team", (ONE, TWO))
    assert await here.chosen(ONE, TWO) is TWO


async def test_without_a_generation_nothing_is_remembered() -> None:
    """Two such engines cannot be told apart."""
    here = Setting({}, generation="")
    await here.chosen(ONE)
    await here.chosen(ONE)
    assert here.asked == ["one", "one"]


REFUSING = {"one": Reason.REGISTRY_AUTH, "two": Reason.NOT_FOUND, "": Reason.NOT_FOUND}


async def test_that_none_is_accepted_is_remembered_for_seconds() -> None:
    """Pods that are made again and again cost the registry no attempt with each credential each time."""
    here = Setting(REFUSING)
    assert await here.refused(ONE, TWO) == ["one", "two", ""]
    here.clock.advance(4.9)
    assert await here.refused(ONE, TWO) == []
    here.clock.advance(0.1)
    assert await here.refused(ONE, TWO) == ["one", "two", ""]


async def test_a_refusal_is_of_one_reference_for_one_tenant() -> None:
    """That a tag is not found says nothing about another tag of the repository."""
    here = Setting(REFUSING)
    for _ in range(2):
        await here.refused(ONE, TWO)
    assert len(await here.refused(ONE, TWO, namespace="other")) == 3
    assert len(await here.refused(ONE, TWO, reference=Reference.parse("example.com/app:v2"))) == 3
    assert await here.refused(ONE, TWO) == []
    here.reload("another")
    assert len(await here.refused(ONE, TWO)) == 3


async def test_a_corrected_secret_is_tried_at_once() -> None:
    """Its identity has the version of the Secret; the others are not asked again."""
    here = Setting(REFUSING)
    await here.refused(ONE, TWO)
    here.asked.clear()
    corrected = CredentialScope("one, corrected")
    assert await here.chosen(corrected, TWO) is corrected
    assert await here.chosen(TWO, corrected) is corrected
    assert here.asked == ["one, corrected"]


async def test_an_outage_is_not_remembered() -> None:
    """It says nothing about the credential."""
    here = Setting({"one": Reason.TIMEOUT})
    for _ in range(2):
        with pytest.raises(StoreError):
            await here.chosen(ONE)
    assert here.asked == ["one", "one"]


async def test_refusals_without_a_generation_are_not_remembered() -> None:
    """Another configuration may be behind the same name."""
    here = Setting(REFUSING, generation="")
    for _ in range(2):
        assert len(await here.refused(ONE, TWO)) == 3


async def test_refusals_take_a_bounded_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tenants choose the references, and registries the messages."""
    monkeypatch.setattr(
        credential_choice, "_REFUSALS", 20_000
    )  # of those here some eighteen, two of each reference
    here = Setting(REFUSING)
    first, *others = (Reference.parse(f"example.com/app:v{number}") for number in range(11))
    for reference in (first, *others[:5]):
        await here.refused(ONE, reference=reference)
    assert await here.refused(ONE, reference=first) == []
    for reference in others:
        await here.refused(ONE, reference=reference)
    assert await here.refused(ONE, reference=others[-1]) == []
    assert len(await here.refused(ONE, reference=first)) == 2
