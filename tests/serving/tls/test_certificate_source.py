"""Where a server's certificates come from, and the provider as a process with a Secret that it takes care of."""

import asyncio
import base64
import json
import ssl
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.http.server import Address
from pyratify.serving.process import Process
from pyratify.serving.server_flags import add_serving_flags
from pyratify.serving.tls.certificate_source import NAME, open_certificates
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.tls import Authority
from support.ports import free_port
from support.providers import VERIFY, request
from support.rotations import TARGETS, install

SERVICE = "ratify-gatekeeper-provider"
SECRET = ("v1", "secrets", f"{SERVICE}-tls", "ratify")


class QuickClock(SystemClock):
    """A clock on which a second of waiting takes a millisecond; the time of day is the real one."""

    def monotonic(self) -> float:
        """Return a thousand seconds for each."""
        return time.monotonic() * 1000

    async def sleep(self, seconds: float) -> None:
        """Wait a thousandth of it."""
        await asyncio.sleep(seconds / 1000)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server with Gatekeeper's Providers."""
    with ApiServer() as found:
        for target in TARGETS[:2]:
            install(found, target)
        yield found


def flags(*arguments: object) -> Namespace:
    """Return the provider's flags, on loopback."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--drain", "1ms")
    return parser.parse_args([*fixed, *map(str, arguments)])


def environment(server: ApiServer, folder: Path) -> dict[str, str]:
    """Return the environment of a Pod of the chart."""
    return {NAME: SERVICE, "KUBECONFIG": str(server.kubeconfig(folder))}


def bundle(server: ApiServer) -> str:
    """Return what Gatekeeper is told to trust."""
    spec = server.get("externaldata.gatekeeper.sh/v1beta1", "providers", SERVICE)["spec"]
    return base64.b64decode(spec["caBundle"]).decode()


async def test_without_a_name_or_a_cluster_certificates_are_files(server: ApiServer, tmp_path: Path) -> None:
    """A kubeconfig alone changes no cluster; the flag has the last word."""
    pod = environment(server, tmp_path)
    for given, where in (
        (flags(), {"KUBECONFIG": pod["KUBECONFIG"]}),
        (flags(), {NAME: SERVICE}),
        (flags(), {**pod, NAME: ""}),
        (flags("--disable-cert-rotation"), pod),
    ):
        found = open_certificates(given, FakeClock(), where)
        assert (found.tls, found.rotator, found.watches(), found.gauges()) == (None, None, (), {})
        assert found.unready_reason() == ""
        await found.aclose()
    parser = ArgumentParser()
    add_serving_flags(parser)
    assert open_certificates(parser.parse_args(["--address", ":1"]), FakeClock(), pod).rotator is None
    assert server.hits == []


async def test_in_a_cluster_they_come_from_the_secret(server: ApiServer, tmp_path: Path) -> None:
    """There is none at first, which is said; then there is, and gauges tell when it ends."""
    clock = FakeClock()
    found = open_certificates(flags("--disable-mutation"), clock, environment(server, tmp_path))
    assert found.rotator is not None
    assert [target.name for target in found.rotator.targets] == [SERVICE]
    assert len(found.watches()) == 2
    assert found.unready_reason() == "there is no certificate yet"
    server.refuse(403, path="secrets")
    await found.rotator.check()
    assert found.unready_reason().startswith("there is no certificate yet: the API server refused with 403")
    gauges = found.gauges()
    assert gauges["ratify_certificate_rotation_wrong"]() == 1
    await found.rotator.check()
    assert found.unready_reason() == ""
    names = ("expiry_seconds", "rotation_wrong", "rotation_leader")
    values = [gauges[f"ratify_certificate_{name}"]() for name in names]
    assert values == [90 * 24 * 3600, 0, 1]
    clock.advance(90 * 24 * 3600 + 1)
    assert found.unready_reason().startswith("the certificate ended at")
    await found.aclose()


@pytest.mark.parametrize("files", ["none", "half", "mismatched", "good"])
async def test_files_of_the_mounted_secret_are_optional(
    server: ApiServer, tmp_path: Path, files: str
) -> None:
    """The chart mounts a Secret that may be empty or half-written; what can be served is served until the Secret was read."""
    one, other = (Authority("servers").issue("provider", "127.0.0.1") for _ in range(2))
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    if files != "none":
        certificate.write_bytes(one)
    if files in ("mismatched", "good"):
        key.write_bytes(one if files == "good" else other)
    given = flags("--cert-file", certificate, "--key-file", key)
    found = open_certificates(given, FakeClock(), environment(server, tmp_path))
    assert found.tls is not None
    assert found.unready_reason().startswith("" if files == "good" else "there is no certificate yet")
    assert (found.tls.expires is not None) == (files == "good")
    await found.aclose()


@pytest.mark.parametrize("arguments", [("--cert-file", "x"), ("--gatekeeper-ca-cert-file", "missing")])
def test_flags_that_do_not_go_together_are_refused_in_a_cluster_too(
    server: ApiServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """A certificate without its key, and clients whose authority is not there."""
    with pytest.raises(ConfigurationError):
        open_certificates(flags(*arguments), FakeClock(), environment(server, tmp_path))


def test_half_a_certificate_is_refused_with_what_to_do(server: ApiServer, tmp_path: Path) -> None:
    """The remedy speaks of the two flags, and of no configuration."""
    with pytest.raises(ConfigurationError, match="belong together") as caught:
        open_certificates(flags("--key-file", "x"), FakeClock(), environment(server, tmp_path))
    assert caught.value.remedy == "Give both, or none of them."


async def test_names_that_are_asked_for_are_in_the_certificate(server: ApiServer, tmp_path: Path) -> None:
    """Beside those of the Service; what is no name is refused by the command line."""
    given = flags("--cert-name", "a.b.example", "--cert-name", "::0001")
    found = open_certificates(given, FakeClock(), environment(server, tmp_path))
    assert found.rotator is not None
    assert found.rotator.service.names[:1] == (f"{SERVICE}.ratify",)
    assert found.rotator.service.names[-2:] == ("a.b.example", "::1")
    await found.aclose()
    for name in ("", "UPPER", "a b", "*.example", "-a", "a..b", "a" * 64):
        with pytest.raises(SystemExit):
            flags(f"--cert-name={name}")


def test_a_kubeconfig_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """With a remedy."""
    with pytest.raises(ConfigurationError, match="API server is not known") as caught:
        open_certificates(flags(), FakeClock(), {NAME: SERVICE, "KUBECONFIG": str(tmp_path / "none")})
    assert caught.value.remedy


@asynccontextmanager
async def running(*arguments: object) -> AsyncIterator[tuple[Address, Address]]:
    """Run the provider, and yield where it and its health are."""
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    process = Process(flags(*arguments), make, QuickClock(), started=lambda *found: started.set_result(found))
    task = asyncio.create_task(process.run())
    await asyncio.wait({started, task}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield started.result()
    finally:
        process.stop.set()
        await task


async def faults(health: Address) -> dict[str, str]:
    """Return why the provider is not ready."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{health.port}/readyz") as answer,
    ):
        found: dict[str, str] = (await answer.json())["faults"]
        return found


async def asked(where: Address, trusted: str, client: Path | None) -> int:
    """Ask the provider as Gatekeeper does, by the Service's name, and return the status."""
    context = ssl.create_default_context(cadata=trusted)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if client is not None:
        context.load_cert_chain(client)
    name = f"{SERVICE}.ratify"
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"https://127.0.0.1:{where.port}{VERIFY}", data=request("x"), ssl=context, server_hostname=name
        ) as answer,
    ):
        return answer.status


async def until(what: object) -> None:
    """Wait for something, for at most half a minute."""
    async with asyncio.timeout(30):
        while not await what():  # type: ignore[operator]  # noqa: ASYNC110 - it is in another process's place
            await asyncio.sleep(0.005)


async def test_the_provider_makes_its_certificate_and_gatekeeper_is_told(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an empty cluster to an answer over mTLS; a lost key brings a new authority, and clients that are told go on."""
    for name, value in environment(server, tmp_path).items():
        monkeypatch.setenv(name, value)
    clients, shown = Authority("clients"), tmp_path / "client.pem"
    (tmp_path / "gatekeeper-ca.crt").write_text(clients.pem)
    shown.write_bytes(clients.issue("gatekeeper"))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"executors": []}))
    ca = tmp_path / "gatekeeper-ca.crt"
    server.refuse(503, path="secrets", times=3)
    async with running("--config", config, "--gatekeeper-ca-cert-file", ca) as (where, health):

        async def certified() -> bool:
            return "certificates" not in await faults(health)

        async def both() -> bool:
            assert await asked(where, bundle(server), shown) == 200
            return bundle(server).count("BEGIN CERTIFICATE") == 2

        async def exchanged() -> bool:
            trusted = bundle(server)
            assert await asked(where, trusted, shown) == 200
            newest = trusted[: trusted.index("END CERTIFICATE-----") + 20]
            try:
                return await asked(where, newest, shown) == 200
            except aiohttp.ClientConnectorCertificateError:
                return False

        await until(certified)
        await until(lambda: _told(server))
        assert await asked(where, bundle(server), shown) == 200
        with pytest.raises((aiohttp.ClientError, OSError)):
            await asked(where, bundle(server), None)
        found = server.get(*SECRET)
        found["data"]["ca.key"] = base64.b64encode(b"lost").decode()
        server.put(*SECRET[:2], found)
        await until(both)
        await until(exchanged)
    lease = server.get("coordination.k8s.io/v1", "leases", f"{SERVICE}-certificates", "ratify")
    assert lease["spec"]["holderIdentity"] == ""


@pytest.mark.parametrize("certified", [True, False], ids=["until-there-is", "until-the-end"])
async def test_nothing_listens_without_a_certificate(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certified: bool
) -> None:
    """The health says why; workers that share the address get the connections, and the process can be ended all the same."""
    for name, value in environment(server, tmp_path).items():
        monkeypatch.setenv(name, value)
    server.refuse(503, path="secrets", times=10**9)
    port, health = free_port(), Address("127.0.0.1", free_port())
    given = ("--config", tmp_path / "config.json", "--allow-any-client", "--address", f"127.0.0.1:{port}")
    started = asyncio.Event()
    process = Process(
        flags(*given, "--health-address", f"127.0.0.1:{health.port}"),
        make,
        QuickClock(),
        started=lambda *found: started.set(),
    )
    task = asyncio.create_task(process.run())

    async def waits() -> bool:
        try:
            return (await faults(health))["certificates"].startswith("there is no certificate yet: the API")
        except (aiohttp.ClientError, KeyError):
            return False

    await until(waits)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert not started.is_set()
    if certified:
        server.recover()
        await asyncio.wait_for(started.wait(), 30)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
    process.stop.set()
    await asyncio.wait_for(task, 30)


async def _told(server: ApiServer) -> bool:
    return "BEGIN" in bundle(server)
