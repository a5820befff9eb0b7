"""The webhook as a process: flags, TLS, readiness, and what it answers to what is no review."""

import asyncio
import json
import ssl
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli import main as ratify
from pyratify.entrypoints.webhook.serve_webhook import make
from pyratify.entrypoints.webhook.webhook_flags import add_flags
from pyratify.entrypoints.webhook.webhook_routes import webhook_site
from pyratify.serving.http.server import Address, listening
from pyratify.serving.process import Process
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority
from support.ports import free_port
from support.providers import BellClock
from support.webhooks import MUTATE, ROOT, UID, VALIDATE, patched, pod, review, store, webhook

MATERIAL = ROOT / "examples" / "material"


def flags(*arguments: object) -> Namespace:
    """Return flags for a webhook on loopback."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0")
    return parser.parse_args([*fixed, *map(str, arguments)])


def config(folder: Path) -> Path:
    """Write a configuration for the material."""
    policy = {"ignoreTLog": True, "keys": {"files": [str(MATERIAL / "keys" / "cosign.pub")]}}
    verifier = {"name": "cosign-1", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    stores = [{"type": "registry-store", "parameters": {"allowCosignTag": True}}]
    path = folder / "config.json"
    path.write_text(json.dumps({"executors": [{"scopes": ["*"], "verifiers": [verifier], "stores": stores}]}))
    return path


async def test_a_signed_image_is_pinned_and_admitted_over_tls(tmp_path: Path) -> None:
    """From the flags to the answer, with really signed material in a registry."""
    authority = Authority("cluster")
    pem, rules = tmp_path / "tls.pem", tmp_path / "rules.yaml"
    pem.write_bytes(authority.issue("webhook", "127.0.0.1"))
    rules.write_text("rules: [{name: all}]")
    context = ssl.create_default_context(cadata=authority.pem)
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    clock = BellClock()
    given = ("--config", config(tmp_path), "--rules", rules, "--cert-file", pem, "--key-file", pem)
    port = free_port()
    metrics = ("--enable-metrics", "--metrics-port", port)
    process = Process(flags(*given, *metrics), make, clock, started=lambda *found: started.set_result(found))
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        running = asyncio.create_task(process.run())
        await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
        where, health = started.result()
        async with aiohttp.ClientSession(f"https://127.0.0.1:{where.port}") as client:

            async def ask(path: str, document: Any) -> dict[str, Any]:
                async with client.post(f"{path}?timeout=10s", json=review(document), ssl=context) as answer:
                    assert (answer.status, answer.content_type) == (200, "application/json")
                    found: dict[str, Any] = (await answer.json())["response"]
                    return found

            document = pod(f"{registry.host}/app:cosign-v3")
            assert (await ask(VALIDATE, document))["status"]["message"].count("TAG_NOT_PINNED") == 1
            document = patched(document, await ask(MUTATE, document))
            assert "/app:cosign-v3@sha256:" in document["spec"]["containers"][0]["image"]
            assert (await ask(VALIDATE, document))["allowed"] is True
            assert (await ask(VALIDATE, pod(f"{registry.host}/app:nobody")))["allowed"] is False
        async with aiohttp.ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{health.port}/readyz") as answer:
                assert answer.status == 200
            async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
                measured = (await answer.text()).splitlines()
        counted = 'ratify_admission_count_total{{allowed="{}",kind="{}"}} {}'
        for line in (
            ("true", "verification", 1.0),
            ("false", "verification", 2.0),
            ("true", "mutation", 1.0),
        ):
            assert counted.format(*line) in measured
        assert "ratify_verification_request_count 3.0" in measured
        process.stop.set()
        clock.bell.set()
        await running


@pytest.mark.parametrize("arguments", [("--address", "0.0.0.0:0"), ("--rules", "/nowhere.yaml")])
async def test_flags_that_do_not_fit_are_refused(arguments: tuple[str, ...]) -> None:
    """Before anything is served: other machines need TLS, and rules that are named have to be there."""
    with pytest.raises(ConfigurationError):
        await Process(flags(*arguments), make, BellClock()).run()


async def test_other_machines_are_served_over_tls_without_certificates_of_their_own(tmp_path: Path) -> None:
    """API servers seldom have one."""
    pem = tmp_path / "tls.pem"
    pem.write_bytes(Authority("cluster").issue("webhook", "127.0.0.1"))
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    given = flags("--address", "0.0.0.0:0", "--cert-file", pem, "--key-file", pem, "-c", tmp_path / "none")
    clock = BellClock()
    process = Process(given, make, clock, started=lambda *found: started.set_result(found))
    running = asyncio.create_task(process.run())
    _, health = await started
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{health.port}") as client,
        client.get("/readyz") as answer,
    ):
        assert answer.status == 503
    process.stop.set()
    clock.bell.set()
    await running


@pytest.mark.parametrize(
    ("shown", "status"), [("apiserver", 400), ("kubelet", 403), (None, None)], ids=["named", "other", "none"]
)
async def test_the_api_server_can_be_asked_for_its_certificate(
    shown: str | None, status: int | None, tmp_path: Path
) -> None:
    """Only the client of that name and authority may ask: others of the same authority are told no, all else is not heard."""
    servers, clients = Authority("servers"), Authority("cluster")
    (tmp_path / "tls.pem").write_bytes(servers.issue("webhook", "127.0.0.1"))
    (tmp_path / "ca.pem").write_text(clients.pem)
    context = ssl.create_default_context(cadata=servers.pem)
    if shown is not None:
        (tmp_path / "client.pem").write_bytes(clients.issue(shown))
        context.load_cert_chain(tmp_path / "client.pem")
    pem = tmp_path / "tls.pem"
    tls = ("--cert-file", pem, "--key-file", pem, "--client-ca-file", tmp_path / "ca.pem")
    given = flags(*tls, "--client-name", "apiserver", "-c", tmp_path / "none")
    started: asyncio.Future[tuple[Address, Address]] = asyncio.get_running_loop().create_future()
    clock = BellClock()
    process = Process(given, make, clock, started=lambda *found: started.set_result(found))
    running = asyncio.create_task(process.run())
    where, _ = await started
    found: int | None = None
    with suppress(aiohttp.ClientError):
        async with (
            aiohttp.ClientSession(f"https://127.0.0.1:{where.port}") as client,
            client.post(VALIDATE, data=b"{}", ssl=context) as answer,
        ):
            found = answer.status
    process.stop.set()
    clock.bell.set()
    await running
    assert found == status


def test_the_command_refuses_to_serve_without_tls(capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code of wrong usage and what to do."""
    assert ratify(["webhook", "serve"]) == 3
    assert "without TLS" in capsys.readouterr().err


def body(**changes: Any) -> bytes:
    """Return a review with members replaced."""
    return json.dumps({**review(pod()), **changes}).encode()


NO_REVIEWS = (
    b"",
    b"{",
    b"[]",
    b"null",
    body(kind="Review"),
    body(apiVersion="admission.k8s.io/v1beta1"),
    body(request=None),
    body(request={}),
    body(request={"uid": ""}),
    body(request={"uid": 7}),
    body(request={"uid": "x" * 300}),
    b'{"kind":"AdmissionReview","kind":"AdmissionReview"}',
    body() + b"x",
    b"\xef\xbb\xbf" + body(),
)


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
@pytest.mark.parametrize("data", NO_REVIEWS)
async def test_what_is_no_review_is_a_bad_request(path: str, data: bytes) -> None:
    """The API server reads a Status, and nothing in it allows."""
    async with (
        listening(webhook_site(webhook(store())), Address("127.0.0.1", 0)) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post(path, data=data) as answer,
    ):
        document = await answer.json()
    assert (answer.status, document["kind"], document["code"]) == (400, "Status", 400)
    assert document["message"].startswith("BAD_REQUEST: ")


MALFORMED: tuple[dict[str, Any], ...] = (
    {"operation": None},
    {"operation": "create"},
    {"operation": "PATCH"},
    {"kind": None},
    {"kind": {}},
    {"kind": {"group": 7, "kind": "Pod"}},
    {"namespace": None},
    {"namespace": ""},
    {"namespace": "Team"},
    {"namespace": "a/b"},
    {"object": None},
    {"object": []},
    {"object": {}},
    {"object": {**pod(), "kind": "ConfigMap"}},
    {"object": {**pod(), "apiVersion": "apps/v1"}},
    {"object": {**pod(), "spec": None}},
    {"object": {**pod(), "metadata": {"labels": {"a": 1}}}},
)


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
@pytest.mark.parametrize("change", MALFORMED)
async def test_a_review_that_is_malformed_is_refused_under_its_uid(path: str, change: dict[str, Any]) -> None:
    """So that the API server shows why, whatever its failure policy is."""
    async with (
        listening(webhook_site(webhook(store())), Address("127.0.0.1", 0)) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post(path, json=review(pod(), **change)) as answer,
    ):
        response = (await answer.json())["response"]
    assert (answer.status, response["uid"], response["allowed"]) == (200, UID, False)
    assert response["status"]["message"].startswith("BAD_REQUEST: ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", VALIDATE, 405), ("POST", "/", 404), ("POST", "/validate/", 404), ("POST", "/validateX?timeout=1s", 404)],
)  # fmt: skip
async def test_nothing_else_is_served(method: str, path: str, status: int) -> None:
    """As a Status, which allows nothing."""
    async with (
        listening(webhook_site(webhook(store())), Address("127.0.0.1", 0)) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.request(method, path, json=review(pod())) as answer,
    ):
        document = await answer.json()
    assert (answer.status, document["kind"]) == (status, "Status")
