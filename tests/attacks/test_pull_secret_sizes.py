"""Attacks by the size of Secrets and service accounts, which tenants write as they like."""

import asyncio
import base64
import gc
import json
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core import strictjson
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.credential_scope import CredentialScope
from pyratify.core.engine import Engine
from pyratify.core.executor import MAX_SCOPES, Executor
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.kubernetes.client.api import Api, object_path
from pyratify.kubernetes.secrets.pod_secrets import DEFAULT_ACCOUNT, MAX_ENTRIES, PodSecrets, PullSpec
from pyratify.kubernetes.secrets.pull_secret import PULL, PullSecret
from pyratify.serving.credential_choice import CredentialChoice
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore

APP = Reference.parse("registry.example.com/team/app:v1")
VERSION = {"uid": "one", "resourceVersion": "1"}
ENTRY = b'"registry.example.com":{"username":"u","password":"test-only"}'


async def used(spec: PullSpec, document: dict[str, Any]) -> tuple[int, str]:
    """Return how many credentials there are for the image where the API server has this, and the notes."""

    async def get(plural: str, name: str, namespace: str) -> dict[str, Any]:
        del plural
        return {"metadata": {"namespace": namespace, "name": name, **VERSION}, **document}

    found = await PodSecrets(get, FakeClock()).credentials("team", spec, APP)
    return len(found.scopes), "; ".join(found.notes)


def secret(config: bytes, **more: str) -> dict[str, Any]:
    """Return an image pull Secret."""
    return {"type": PULL, "data": {".dockerconfigjson": base64.b64encode(config).decode(), **more}}


@pytest.mark.parametrize(
    ("document", "note"),
    [
        pytest.param(secret(b'{"auths":{' + ENTRY + b"}}"), "", id="usual"),
        pytest.param(
            secret(b'{"auths":{' + ENTRY + b'},"more":[' + b"[]," * 40_000 + b"0]}"),
            "more than the 16384 JSON tokens",
            id="empty lists, which take thirty times their text",
        ),
        pytest.param(
            secret(b'{"auths":{' + ENTRY + b"".join(b',"%d x":{}' % n for n in range(MAX_ENTRIES)) + b"}}"),
            f"more than {MAX_ENTRIES} entries",
            id="entries that stand for no registry",
        ),
        pytest.param(
            secret(b'{"auths":{' + ENTRY + b"}}", **{f"e{n}": "" for n in range(5_000)}),
            "more than 262144 bytes",
            id="thousands of other entries",
        ),
    ],
)
async def test_atk_253_what_takes_much_memory_is_left_out(document: dict[str, Any], note: str) -> None:
    """Of a Secret whose text is small; its Pod gets no credential of it."""
    count, notes = await used(PullSpec(("login",)), document)
    assert (count, bool(notes)) == ((0, True) if note else (1, False))
    assert note in notes


async def test_atk_253_a_secret_is_in_memory_for_seconds() -> None:
    """Also where no other question comes that would take its place."""

    async def get(plural: str, name: str, namespace: str) -> dict[str, Any]:
        del plural
        return {
            "metadata": {"namespace": namespace, "name": name, **VERSION},
            **secret(b'{"auths":{' + ENTRY + b"}}"),
        }

    def held() -> int:
        gc.collect()
        return sum(
            isinstance(each, PullSecret) and each.title == "Secret idle/x" for each in gc.get_objects()
        )

    clock = FakeClock()
    secrets = PodSecrets(get, clock)
    await secrets.credentials("idle", PullSpec(("x",)), APP)
    secrets.sweep()
    assert held() == 1
    clock.advance(5)
    secrets.sweep()
    await asyncio.sleep(0)  # the event loop holds the last result until it has another turn
    assert held() == 0


@pytest.mark.parametrize("names", [["x" * 100_000] * 3, ["x"] * 5_000])
async def test_atk_253_what_an_account_lists_is_bounded(names: list[str]) -> None:
    """The API server checks no name in it, and what was read is remembered."""
    document = {"imagePullSecrets": [{"name": each} for each in names]}
    assert await used(DEFAULT_ACCOUNT, document) == (0, "team/default has more than 262144 bytes")


async def test_atk_253_a_remembered_choice_holds_no_secret() -> None:
    """It lasts for minutes, and a tenant may replace its Secrets every few seconds."""

    class Source:
        async def credential(self, registry: str) -> Credential:
            """Return none."""
            del registry
            return ANONYMOUS

    clock, store = FakeClock(), MemoryStore()
    store.tags["v1"] = store.add_image().digest
    executor = Executor(store=store, verifiers=(FakeVerifier(),))
    choice = CredentialChoice(Verdicts(clock), clock)
    engine = Engine(ScopeMap([("*", executor)]), "g")
    source = Source()
    scopes = (CredentialScope("one", source),)
    assert await choice.choose(engine, APP, "team", scopes) == scopes[0]
    assert await choice.choose(engine, APP, "team", scopes) is scopes[0]
    held = weakref.ref(source)
    del source, scopes
    for number in range(MAX_SCOPES):
        executor.with_credentials(CredentialScope(str(number)))
    gc.collect()
    assert held() is None


async def test_atk_253_a_large_answer_is_parsed_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Secret of a MiB must not delay the answers to other tenants."""
    threads: list[str] = []
    load = strictjson.load_object

    def noted(*arguments: Any, **named: Any) -> Any:
        threads.append(threading.current_thread().name)
        return load(*arguments, **named)

    monkeypatch.setattr(strictjson, "load_object", noted)
    with ApiServer() as server:
        api = Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path))})
        try:
            for name, size in (("small", 10), ("large", 200_000)):
                metadata = {"name": name, "namespace": "team"}
                server.put("v1", "secrets", {"metadata": metadata, "data": {"a": "x" * size}})
                found = await api.get(object_path("v1", "secrets", name, "team"))
                assert json.dumps(found["data"]) == json.dumps({"a": "x" * size})
        finally:
            await api.aclose()
    assert [name.startswith("pyratify-documents") for name in threads] == [False, True]
