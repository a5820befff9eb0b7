"""Two replicas with real material, a real registry and a real Redis: one evaluates, the other knows; and Redis goes away."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.caches.verdict_entry import decode_verdict, encode_verdict
from pyratify.caches.verdicts import Verdicts
from pyratify.config.build import open_engine
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.entry_point import ServerContext
from pyratify.serving.process import Process
from pyratify.testing.registry import RegistrySimulator
from support.ports import free_port
from support.providers import VERIFY, request
from support.sharing import RedisServer, running_redis

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
SIGNED = ("cosign-v2", "cosign-v3", "notation-cose-ec", "notation-jws-rsa", "both")
WARNED = ("expired-signature",)  # the level is permissive
REFUSED = ("unsigned", "wrong-key", "wrong-ca", "tampered")


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with the material."""
    with RegistrySimulator() as found:
        found.load_layout(MATERIAL / "layout", "app")
        yield found


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own."""
    with running_redis(tmp_path) as found:
        yield found


def config(folder: Path) -> Path:
    """Write a configuration that trusts the material's key and authority."""
    folder.mkdir(exist_ok=True)
    keys = {"files": [str(MATERIAL / "keys" / "cosign.pub")]}
    cosign = {"trustPolicies": [{"ignoreTLog": True, "keys": keys}]}
    notation = {
        "certificates": [{"files": [str(MATERIAL / "certs" / "ca.pem")]}],
        "trustedIdentities": ["*"],
        "level": "permissive",
    }
    verifiers = [
        {"name": "cosign-1", "type": "cosign", "parameters": cosign},
        {"name": "notation-1", "type": "notation", "parameters": notation},
    ]
    store = {"type": "registry-store", "parameters": {"allowCosignTag": True}}
    path = folder / "config.json"
    path.write_text(json.dumps({"executors": [{"scopes": ["*"], "verifiers": verifiers, "stores": [store]}]}))
    return path


def flags(*arguments: object) -> Namespace:
    """Return flags for a provider on loopback."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--drain", "1ms")
    return parser.parse_args([*fixed, "--verdict-lifetime", "10m", *map(str, arguments)])


class Replica:
    """One of the processes."""

    def __init__(self, arguments: Namespace) -> None:
        self.context: list[ServerContext] = []
        self.started: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def made(context: ServerContext) -> Any:
            self.context.append(context)
            return make(context)

        self.process = Process(
            arguments,
            made,
            started=lambda where, _: self.started.set_result(f"http://127.0.0.1:{where.port}"),
        )

    @property
    def verdicts(self) -> Verdicts:
        """What it remembers."""
        return self.context[0].verdicts

    async def ask(self, *keys: str) -> list[Any]:
        """Ask, and wait until the others were told."""
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self.started.result()}{VERIFY}", data=request(*keys)) as answer,
        ):
            body = await answer.json()
        await self.verdicts.flush()
        found: list[Any] = body["response"]["items"]
        return found


@asynccontextmanager
async def running(arguments: Namespace) -> AsyncIterator[Replica]:
    """Run a replica while the context is open."""
    replica = Replica(arguments)
    task = asyncio.create_task(replica.process.run())
    await asyncio.wait({task, replica.started}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield replica
    finally:
        replica.process.stop.set()
        await task


@pytest.mark.parametrize("tag", [*SIGNED, *WARNED, *REFUSED])
async def test_real_verdicts_are_carried_without_loss(
    tag: str, registry: RegistrySimulator, tmp_path: Path
) -> None:
    """Whatever the verifiers of this package put into a report."""
    async with open_engine(config(tmp_path)) as engine:
        result = await engine.validate(Reference.parse(f"{registry.host}/app:{tag}"))
    assert result.error is None
    assert result.decision is (Decision.DENY if tag in REFUSED else Decision.ALLOW)
    data = encode_verdict(result)
    assert data is not None
    found = decode_verdict(data)
    assert found is not None
    assert encode_verdict(found) == data
    assert found.to_dict() == result.to_dict()


async def test_what_one_replica_evaluated_the_other_knows(
    registry: RegistrySimulator, redis: RedisServer, tmp_path: Path
) -> None:
    """From files of their own with the same content: the same generation, and not one evaluation more."""
    secret = tmp_path / "secret"
    secret.write_text("test-only 0123456789abcdef0123456789abcdef\n")
    shared = ("--shared-cache", redis.url, "--shared-cache-key-file", secret)
    keys = [f"{registry.host}/app:{tag}" for tag in (*SIGNED, "unsigned")]
    port = free_port()
    measured = ("--enable-metrics", "--metrics-port", port)
    async with (
        running(flags("-c", config(tmp_path / "one"), *shared)) as one,
        running(flags("-c", config(tmp_path / "two"), *shared, *measured)) as two,
        running(flags("-c", config(tmp_path / "three"))) as alone,
    ):
        first = await one.ask(*keys)
        second = await two.ask(*keys)
        assert first == second == await alone.ask(*keys)
        assert [item["value"]["succeeded"] for item in first] == [True] * len(SIGNED) + [False]
        assert one.verdicts.misses == len(keys)
        assert two.verdicts.misses == 0
        assert alone.verdicts.misses == len(keys)
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            lines = (await answer.text()).splitlines()
        for line in (
            f"ratify_shared_cache_hits_total {len(keys)}.0",
            "ratify_shared_cache_errors_total 0.0",
            "ratify_shared_cache_left_alone 0.0",
            f'ratify_verdicts_total{{decision="ALLOW",workload_namespace=""}} {len(SIGNED)}.0',
            'ratify_verdicts_total{decision="DENY",workload_namespace=""} 1.0',
        ):
            assert line in lines, line
        other = [f"[team]{key}" for key in keys]
        await two.ask(*other)
        assert two.verdicts.misses == len(keys)


async def test_replicas_decide_by_themselves_when_redis_is_gone(
    registry: RegistrySimulator, redis: RedisServer, tmp_path: Path
) -> None:
    """Killed between two questions: every key has its verdict, and the process is as ready as before."""
    secret = tmp_path / "secret"
    secret.write_text("test-only 0123456789abcdef0123456789abcdef\n")
    shared = ("--shared-cache", redis.url, "--shared-cache-key-file", secret)
    async with running(flags("-c", config(tmp_path / "one"), *shared)) as one:
        await one.ask(f"{registry.host}/app:cosign-v2")
        redis.kill()
        items = await one.ask(*(f"{registry.host}/app:{tag}" for tag in SIGNED))
        assert [item["value"]["succeeded"] for item in items] == [True] * len(SIGNED)
