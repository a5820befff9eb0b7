"""Rules that select namespaces by their labels, which the API server is asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.entrypoints.webhook.namespaces import NamespaceLabels
from pyratify.entrypoints.webhook.pod_images import InadmissibleObject
from pyratify.kubernetes.client.cluster import Cluster
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.testing.fakes import FakeClock
from support.providers import BellClock
from support.webhooks import BARE, MUTATE, VALIDATE, asked, message, pod, store, webhook

BY_LABEL = """
rules:
  - {name: strict, requireDigest: false, namespaceSelector: {matchLabels: {env: prod}}}
  - {name: lax, mode: warn, requireDigest: false}
"""
Ask = Callable[[str], Awaitable[Mapping[str, Any]]]


def labelled(**labels: str) -> Ask:
    """Return what answers with a Namespace of these labels."""

    async def ask(name: str) -> Mapping[str, Any]:
        return {"metadata": {"name": name, "labels": labels}}

    return ask


def hook(ask: Ask, clock: FakeClock | None = None) -> Webhook:
    """Return a webhook that asks for labels."""
    clock = clock or BellClock()
    found = webhook(store(), text=BY_LABEL, clock=clock)
    found.namespaces = NamespaceLabels(ask, clock)
    return found


async def test_the_labels_of_its_namespace_decide_by_which_rule_an_object_is_judged() -> None:
    """Not its own."""
    own = {**pod(BARE), "metadata": {"namespace": "team", "labels": {"env": "prod"}}}
    assert "rule strict" in await message(hook(labelled(env="prod")), pod(BARE))
    response = await asked(hook(labelled(env="test")), own)
    assert (response["allowed"], len(response["warnings"])) == (True, 1)
    assert (await asked(hook(labelled()), pod(BARE)))["allowed"] is True


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        {"kind": "Status", "metadata": {}, "status": "Success"},
        {"metadata": {"labels": {"env": "prod"}}},
        {"metadata": {"name": "other", "labels": {}}},
        {"metadata": {"name": "team", "labels": 7}},
        {"metadata": {"name": "team", "labels": {"env": 1}}},
    ],
    ids=str,
)
async def test_labels_that_are_not_known_admit_nothing(path: str, document: Any) -> None:
    """An answer that fails, is none or is about another namespace is a refusal."""

    async def ask(name: str) -> Any:
        if document is None:
            raise RuntimeError("token=secret")
        return document

    one = hook(ask)
    text = await message(one, pod(BARE), path=path)
    assert text.startswith(
        "POLICY_ERROR: it could not be decided; the webhook's log says why. Check that the webhook"
    )
    assert "secret" not in text


async def test_labels_that_come_late_admit_nothing() -> None:
    """Half of the time is for them."""
    clock = BellClock()

    async def ask(name: str) -> Mapping[str, Any]:
        clock.bell.set()
        await asyncio.Event().wait()
        return {}

    one = hook(ask, clock)
    assert (await message(one, pod(BARE))).startswith("TIMEOUT: not answered within 4.51 seconds")
    assert clock.slept == [evaluation_seconds(4.75)]
    await one.aclose()


async def test_the_api_server_is_not_asked_where_it_does_not_matter() -> None:
    """Neither for what brings no images nor where no rule selects by labels."""

    async def ask(name: str) -> Mapping[str, Any]:
        raise AssertionError(name)

    one = hook(ask)
    assert (await asked(one, None, operation="DELETE", object=None))["allowed"] is True
    other = webhook(store())
    other.namespaces = NamespaceLabels(ask, FakeClock())
    assert "TAG_NOT_PINNED" in await message(other, pod())


async def test_without_a_cluster_such_rules_admit_nothing() -> None:
    """They are refused when they are read; if they come all the same, so is every object."""
    assert (await message(webhook(store(), text=BY_LABEL), pod())).startswith("POLICY_ERROR: ")


async def test_labels_are_remembered_for_two_seconds() -> None:
    """And asked for once by all who want them at the same time; what failed is not remembered."""
    clock, calls = FakeClock(), []
    fails = True

    async def ask(name: str) -> Mapping[str, Any]:
        calls.append(name)
        if fails:
            raise OSError
        return {"metadata": {"name": name, "labels": {"a": name}}}

    known = NamespaceLabels(ask, clock)
    with pytest.raises(InadmissibleObject):
        await known.of("x")
    fails = False
    assert await asyncio.gather(known.of("x"), known.of("x"), known.of("y")) == [
        {"a": "x"},
        {"a": "x"},
        {"a": "y"},
    ]
    assert sorted(calls) == ["x", "x", "y"]
    clock.advance(1.9)
    await known.of("x")
    assert len(calls) == 3
    clock.advance(0.1)
    await known.of("x")
    assert len(calls) == 4


async def test_the_cluster_is_spoken_to_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one that is a fault of the configuration; without the library it says what to install."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    cluster = Cluster()
    with pytest.raises(ConfigurationError, match="API server is not known"):
        await cluster.namespace("x")
    await cluster.aclose()
    monkeypatch.setitem(__import__("sys").modules, "pyratify.kubernetes.client.api", None)
    with pytest.raises(ConfigurationError) as caught:
        await cluster.namespace("x")
    assert "pyratify[kubernetes]" in caught.value.remedy
