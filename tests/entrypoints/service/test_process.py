"""The service as a process: flags, who may ask, tokens that change, certificates, and its end."""

import asyncio
import json
import ssl
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.cli import main
from pyratify.entrypoints.service.serve_service import make
from pyratify.entrypoints.service.service_flags import add_flags
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.serving.entry_point import ServerContext
from pyratify.serving.http.server import Request
from pyratify.serving.process import Process
from pyratify.serving.server_flags import answer_within
from pyratify.serving.telemetry.metrics import Metrics
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority
from support.providers import BellClock, Held, Here
from support.scenes import ONE
from support.services import JSON, MATERIAL, configuration, running

FIRST, SECOND = "first-token-0123456789", "second-token-0123456789"


def flags(*arguments: object) -> Namespace:
    """Return the service's flags."""
    parser = ArgumentParser()
    add_flags(parser)
    return parser.parse_args([str(argument) for argument in arguments])


def certificates(folder: Path) -> tuple[Authority, Authority, Path]:
    """Write a server's identity and its clients' authority; return both authorities and the server's file."""
    servers, clients = Authority("servers"), Authority("clients")
    (folder / "tls.pem").write_bytes(servers.issue("service", "127.0.0.1"))
    (folder / "ca.pem").write_text(clients.pem)
    return servers, clients, folder / "tls.pem"


async def test_a_request_has_as_many_references_as_the_flag_says() -> None:
    """One more is refused whole."""
    clock = BellClock()
    arguments = ("--address", "127.0.0.1:0", "--max-references", 2)
    server = make(ServerContext(flags(*arguments), Here(None), Verdicts(clock), clock))
    for path in ("/v1/verify", "/v1/resolve"):
        for many, status in ((2, 200), (3, 413)):
            body = json.dumps({"references": [f"example.com/app:{number}" for number in range(many)]})
            reply = await server.site.routes["POST", path](Request(body=body.encode(), headers=JSON))
            assert reply.status == status


@pytest.mark.parametrize(
    ("path", "flag"), [("/v1/verify", "--verify-timeout"), ("/v1/resolve", "--resolve-timeout")]
)
async def test_answers_come_before_the_timeout_that_the_flag_says(path: str, flag: str) -> None:
    """Each flag is for its own path."""
    clock = BellClock()

    class Slow(MemoryStore):
        async def resolve(self, reference: Any) -> Any:
            clock.bell.set()
            await asyncio.Event().wait()

    executor = Executor(store=Slow(), verifiers=(FakeVerifier(),), policy=ONE)
    here = Here(Held(Engine(ScopeMap([("*", executor)]), "one")))
    server = make(ServerContext(flags("--address", "127.0.0.1:0", flag, "3s"), here, Verdicts(clock), clock))
    body = json.dumps({"reference": "example.com/app:v1"}).encode()
    reply = await server.site.routes["POST", path](Request(body=body, headers=JSON))
    assert json.loads(reply.body)["answers"][0]["error"]["code"] == "TIMEOUT"
    assert clock.slept == [evaluation_seconds(answer_within(3))]
    await server.aclose()


async def test_tokens_that_change_are_followed_over_tls(tmp_path: Path) -> None:
    """A really signed image is verified with a token; when the token is exchanged, the old one is refused."""
    servers, _, pem = certificates(tmp_path)
    tokens = tmp_path / "tokens"
    tokens.write_text(FIRST)
    trust = ssl.create_default_context(cadata=servers.pem)
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        body = {"reference": f"{registry.host}/app:notation-cose-ec"}
        tls = ("--cert-file", pem, "--key-file", pem, "--token-file", tokens)
        async with (
            running(tmp_path, "--config", configuration(tmp_path), *tls) as one,
            aiohttp.ClientSession(one.url, connector=aiohttp.TCPConnector(ssl=trust)) as client,
        ):

            async def status(token: str) -> int:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                async with client.post("/v1/verify", json=body, headers=headers) as answer:
                    assert answer.status != 200 or (await answer.json())["succeeded"] is True
                    return answer.status

            assert [await status(token) for token in ("", FIRST, SECOND)] == [401, 200, 401]
            tokens.write_text(SECOND)
            await one.logged('"tokens": 1', times=2)
            assert [await status(token) for token in ("", FIRST, SECOND)] == [401, 401, 200]
    assert not [line for line in one.log if FIRST in line or SECOND in line]


async def test_with_an_authority_only_its_clients_are_served(tmp_path: Path) -> None:
    """Other clients get no answer at all; tokens are not needed then."""
    servers, clients, pem = certificates(tmp_path)
    (tmp_path / "client.pem").write_bytes(clients.issue("pipeline"))
    trust = ssl.create_default_context(cadata=servers.pem)
    known = ssl.create_default_context(cadata=servers.pem)
    known.load_cert_chain(tmp_path / "client.pem")
    tls = ("--cert-file", pem, "--key-file", pem, "--client-ca-file", tmp_path / "ca.pem")
    async with running(tmp_path, *tls) as one, aiohttp.ClientSession(one.url) as client:
        async with client.get("/openapi.json", ssl=known) as answer:
            assert (await answer.json())["security"] == [{"certificate": []}]
        with pytest.raises(aiohttp.ClientError):
            await client.get("/openapi.json", ssl=trust)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--address", ":0"), "other machines"),
        (("--address", "0.0.0.0:0"), "other machines"),
        (("--address", ":0", "--token-file", "TOKENS"), "without TLS"),
        (("--token-file", "missing"), "cannot be read"),
        (("--client-ca-file", "x"), "needs --cert-file"),
        (("--address", "nowhere"), "not an address"),
    ],
)
async def test_flags_that_do_not_fit_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    """Before anything is served."""
    (tmp_path / "TOKENS").write_text(FIRST)
    given = [str(tmp_path / "TOKENS") if word == "TOKENS" else word for word in arguments]
    with pytest.raises(ConfigurationError, match=text):
        await Process(flags(*given), make, BellClock()).run()


def test_flags_have_their_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """The page shows a bounded number of decisions."""
    assert flags().address == "127.0.0.1:6080"
    assert flags("--keep", 2000).keep == 2000
    with pytest.raises(SystemExit):
        flags("--keep", 2001)
    assert "2000" in capsys.readouterr().err


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """And refuses to serve without authentication, with the exit code of wrong usage."""
    assert main(["service", "serve", "--help"]) == 0
    assert "--token-file" in capsys.readouterr().out
    assert main(["service", "serve", "--address", ":0"]) == 3
    assert "--token-file" in capsys.readouterr().err


async def test_several_workers_show_no_decisions() -> None:
    """Each would know its own only; what is asked is answered all the same."""
    clock = BellClock()
    server = make(ServerContext(flags("--workers", 2), Here(None), Verdicts(clock), clock))
    assert set(server.site.routes) == {
        ("POST", "/v1/verify"),
        ("POST", "/v1/resolve"),
        ("GET", "/openapi.json"),
    }
    assert not server.site.named
    reply = await server.site.routes["GET", "/openapi.json"](Request(headers=JSON))
    assert set(json.loads(reply.body)["paths"]) == {"/v1/verify", "/v1/resolve", "/openapi.json"}
    await server.aclose()


async def test_requests_are_measured(tmp_path: Path) -> None:
    """Under the same names as the provider's."""
    clock = BellClock()
    metrics = Metrics(clock)
    server = make(ServerContext(flags(), Here(None), Verdicts(clock), clock, metrics))
    for path in ("/v1/verify", "/v1/resolve"):
        reply = await server.site.routes["POST", path](Request(body=b'{"reference":"a.io/b"}', headers=JSON))
        assert reply.status == 200
    lines = metrics.expose().decode().splitlines()
    assert "ratify_verification_request_count 1.0" in lines
    assert "ratify_mutation_request_count 1.0" in lines
    assert 'ratify_system_error_count_total{error="NO_EXECUTOR",workload_namespace=""} 2.0' in lines
    await server.aclose()
