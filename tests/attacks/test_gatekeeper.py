"""Attacks on Gatekeeper's provider: items, bodies, keys, error texts, mutation, floods and callers."""

import asyncio
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.gatekeeper.external_data import Item
from pyratify.entrypoints.gatekeeper.gatekeeper_routes import provider_site
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.http.server import Address, listening
from pyratify.serving.process import Process
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import MUTATE, VERIFY, BellClock, items, posted, provider, request, signed

APP = "example.com/app:v1"
HERE = Address("127.0.0.1", 0)


def flags(*arguments: str) -> Any:
    """Return the provider's flags."""
    parser = ArgumentParser()
    add_flags(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("value", [None])
def test_atk_219_an_item_has_a_verdict_or_an_error(value: Any) -> None:
    """No item leaves without a value and without an error, whatever the provider found."""
    assert json.loads(Item("k", value).encoded()) == {"key": "k", "error": "INTERNAL: nothing was found out"}


async def test_atk_219_a_value_says_succeeded_as_a_boolean() -> None:
    """For an image that is allowed and one that is denied; undecided ones have an error and no value."""
    store = signed()
    store.add_image("bare", b"bare")
    good, bare, gone = await items(provider(store), APP, "example.com/app:bare", "example.com/app:gone")
    assert (good["value"]["succeeded"], bare["value"]["succeeded"]) == (True, False)
    assert "value" not in gone
    assert gone["error"]


async def test_atk_220_every_key_has_its_item() -> None:
    """In order, byte for byte, as often as it was sent, also where one of them fails in an unexpected way."""

    async def does(evidence: Evidence) -> Details:
        raise SystemExit(1)

    one = provider(signed(), FakeVerifier(does=does))
    keys = [
        APP,
        " ",
        APP,
        "\u202eevil",
        "example.com/app:gone",
        APP,
        *(f"example.com/a{n}" for n in range(50)),
    ]
    assert [item["key"] for item in await items(one, *keys)] == keys


BODIES = (
    b"",
    b"{invalid-json}",
    b"[]",
    b"null",
    request(kind="ProviderResponse"),
    request(apiVersion="v1"),
    request(request=None),
    request(request={"keys": None}),
    request(request={"keys": {}}),
    request(APP, 7),
    b'{"kind":"ProviderRequest","kind":"ProviderRequest"}',
    request(APP) + b"x",
)


@pytest.mark.parametrize("path", [VERIFY, MUTATE])
@pytest.mark.parametrize("body", BODIES)
async def test_atk_221_a_malformed_body_is_answered_with_a_system_error(path: str, body: bytes) -> None:
    """The status is 400, and the body a ProviderResponse without items."""
    status, document = await posted(provider(signed()), path, body)
    assert (status, document["kind"]) == (400, "ProviderResponse")
    assert document["response"]["systemError"].startswith("BAD_REQUEST: ")
    assert "items" not in document["response"]


HOSTILE = (
    "[][ns]r.io/x",
    "[ns]",
    "[ns",
    "[ns]]r.io/x",
    "[NS]r.io/x",
    "[a/b]r.io/x",
    "[ns] r.io/x",
    "[-a]r.io/x",
)


@pytest.mark.parametrize("namespaces", ["optional", "required", "disabled"])
@pytest.mark.parametrize("key", HOSTILE)
async def test_atk_222_a_hostile_prefix_is_an_error_in_every_mode(namespaces: str, key: str) -> None:
    """It is taken off exactly once, and what follows is a reference or nothing."""
    one = provider(signed(), namespaces=namespaces)
    (item,) = await items(one, key)
    assert item["error"].partition(":")[0] in ("KEY_INVALID", "REF_INVALID")


@pytest.mark.parametrize(
    ("namespaces", "key", "accepted"),
    [
        ("optional", APP, True),
        ("optional", f"[team]{APP}", True),
        ("optional", f"[]{APP}", True),
        ("required", f"[team]{APP}", True),
        ("required", f"[]{APP}", False),
        ("required", APP, False),
        ("disabled", APP, True),
        ("disabled", f"[kube-system]{APP}", False),
    ],
)
async def test_atk_222_the_mode_decides_and_not_the_key(namespaces: str, key: str, accepted: bool) -> None:
    """An image's name can neither choose a namespace where none is used, nor leave out one that is required."""
    (item,) = await items(provider(signed(), namespaces=namespaces), key)
    assert ("value" in item) is accepted
    assert accepted or item["error"].startswith("KEY_INVALID")


@pytest.mark.parametrize("where", ["resolve", "referrers", "verifier"])
async def test_atk_229_error_texts_tell_nothing_of_others(where: str) -> None:
    """What registries and plugins say stays in the log; a tenant gets a code and what to do."""
    text = "\n\x1b[2J token=hunter2 http://registry.internal"
    store = signed()
    if where == "verifier":

        async def does(evidence: Evidence) -> Details:
            raise RuntimeError(text)

        one = provider(store, FakeVerifier(does=does))
        store.faults["fetch_manifest"] = StoreError(Reason.REGISTRY_ERROR, text)
    else:
        store.faults[where] = StoreError(Reason.REGISTRY_ERROR, text)
        one = provider(store)
    (item,) = await items(one, APP)
    assert item["error"].startswith("REGISTRY_ERROR: ")
    assert "hunter2" not in json.dumps(item)
    assert "internal" not in json.dumps(item)


class Elsewhere(MemoryStore):
    """A store that fails to resolve."""

    async def resolve(self, reference: Reference) -> Descriptor:
        """Refuse."""
        raise StoreError(Reason.RESOLVE_FAILED, "no")


async def test_atk_230_mutation_keeps_the_repository_and_fails_closed() -> None:
    """The same repository by digest, or the reference as it was with an error."""
    store = signed()
    for key in (APP, "app:v1", "docker.io/library/app:v1", "localhost:5000/app:v1"):
        (item,) = await items(provider(store), key, path=MUTATE)
        mutated = Reference.parse(item["value"])
        assert (mutated.name, mutated.digest) == (Reference.parse(key).name, store.tags["v1"])
    (item,) = await items(provider(Elsewhere()), APP, path=MUTATE)
    assert item["value"] == APP
    assert item["error"].startswith("RESOLVE_FAILED")


async def test_atk_231_mutation_is_a_fixed_point() -> None:
    """What it returns it returns again, and it says so."""
    one = provider(signed())
    (first,) = await items(one, APP, path=MUTATE)
    status, document = await posted(one, MUTATE, request(first["value"]))
    assert (status, document["response"]["idempotent"]) == (200, True)
    assert document["response"]["items"][0]["value"] == first["value"]


@pytest.mark.parametrize("keys", [65, 100_000])
async def test_atk_232_too_many_keys_are_refused(keys: int) -> None:
    """Before any of them is looked at, also where all are the same."""
    store = signed()
    status, document = await posted(provider(store), VERIFY, request(*[APP] * keys))
    assert status == 413
    assert document["response"]["systemError"].startswith("REQUEST_TOO_LARGE: ")
    assert store.calls == []


async def test_atk_232_equal_keys_are_evaluated_once() -> None:
    """64 times the same key is one listing."""
    store = signed()
    assert len(await items(provider(store), *[APP] * 64)) == 64
    assert [method for method, _ in store.calls].count("referrers") == 1


async def sent(where: Address, data: bytes) -> tuple[bytes, Any]:
    """Send bytes as they are and return the status line and the document."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return head.partition(b"\r\n")[0], body


async def test_atk_232_a_body_that_is_too_large_is_not_read() -> None:
    """A gigabyte is refused by its announcement, with a ProviderResponse."""
    head = f"POST {VERIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n".encode()
    async with listening(provider_site(provider(signed())), HERE) as where:
        status, body = await sent(where, head)
    assert b" 413 " in status
    assert json.loads(body)["response"]["systemError"].startswith("REQUEST_TOO_LARGE")


@pytest.mark.parametrize("arguments", [(), ("--cert-file", "x", "--key-file", "x")])
async def test_atk_233_an_unknown_caller_is_not_served(arguments: tuple[str, ...]) -> None:
    """Where others can reach the address, TLS and Gatekeeper's authority are needed."""
    with pytest.raises(ConfigurationError):
        await Process(flags("--address", "0.0.0.0:0", *arguments), make, FakeClock()).run()


@pytest.mark.parametrize("path", [VERIFY, MUTATE])
async def test_atk_233_a_host_out_of_scope_is_not_dialled(path: str) -> None:
    """The store is not even asked."""
    store = signed()
    (item,) = await items(provider(store, scope="example.com"), "169.254.169.254/app:v1", path=path)
    assert item["error"].startswith("SCOPE_NO_MATCH: ")
    assert store.calls == []


PATHS = (
    "/ratify/gatekeeper/v2/verifyX",
    "/ratify/gatekeeper/v2/verify/",
    "//ratify/gatekeeper/v2/verify",
    "/ratify/gatekeeper/v2//verify",
    "/ratify/gatekeeper/v2/%76erify",
    "/ratify/gatekeeper/v2/x/%2e%2e/verify",
    "/ratify/gatekeeper/v2/x/../verify",
    "/ratify/gatekeeper/v2/verify?x=1",
    "/ratify/gatekeeper/V2/verify",
    "/",
)


@pytest.mark.parametrize("path", PATHS)
async def test_atk_235_only_exact_paths_are_routes(path: str) -> None:
    """Nothing is decoded, joined or cut off, and the Host header has no effect."""
    body = request(APP)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x/ratify/gatekeeper/v2/verify?\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    async with listening(provider_site(provider(signed())), HERE) as where:
        status, _ = await sent(where, head.encode() + body)
    assert b" 404 " in status


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_atk_235_only_post_is_answered(method: str) -> None:
    """No header changes the method."""
    head = (
        f"{method} {VERIFY} HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: POST\r\nContent-Length: 0\r\n\r\n"
    )
    async with listening(provider_site(provider(signed())), HERE) as where:
        status, body = await sent(where, head.encode())
    assert b" 405 " in status
    assert json.loads(body)["response"]["systemError"]


@pytest.mark.parametrize("path", [VERIFY, MUTATE])
async def test_atk_236_before_a_configuration_is_read_nothing_is_allowed(path: str) -> None:
    """Every key is an error."""
    (item,) = await items(provider(None), APP, path=path)
    assert item["error"] == "NO_EXECUTOR: no valid executor configured"


async def test_atk_236_a_process_without_a_configuration_is_not_ready(tmp_path: Path) -> None:
    """It answers, and says that it must not be asked."""
    found: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    given = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "-c", str(tmp_path / "none"))
    clock = BellClock()
    process = Process(flags(*given), make, clock, started=lambda *where: found.set_result(where))
    running = asyncio.create_task(process.run())
    _, health = await found
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{health.port}") as client,
        client.get("/readyz") as answer,
        client.get("/healthz") as alive,
    ):
        assert (answer.status, alive.status) == (503, 200)
    process.stop.set()
    clock.bell.set()
    await running
