"""Traces: what a real receiver of OTLP gets for a real verification, and nothing where tracing is off."""

import asyncio
import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.http.server import Address
from pyratify.serving.process import Process
from pyratify.serving.telemetry.tracing import open_tracer
from pyratify.testing.registry import RegistrySimulator
from support.providers import VERIFY, request

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Receiver:
    """What has been received."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Any] = []
        self.services: set[str] = set()

    async def take(self, asked: web.Request) -> web.Response:
        """Decode one export as the protocol has it."""
        assert asked.content_type == "application/x-protobuf"
        for resource in ExportTraceServiceRequest.FromString(await asked.read()).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(named["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")

    def named(self, name: str) -> list[Any]:
        """Return the spans of one name."""
        return [span for span in self.spans if span.name == name]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Receive on loopback."""
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/v1/traces", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def flags(*arguments: object) -> Namespace:
    """Return flags for a provider on loopback."""
    parser = ArgumentParser()
    add_flags(parser)
    fixed = ("--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0", "--drain", "1ms")
    return parser.parse_args([*fixed, *map(str, arguments)])


def config(folder: Path) -> Path:
    """Write a configuration for the material."""
    policies = [{"ignoreTLog": True, "keys": {"files": [str(MATERIAL / "keys" / "cosign.pub")]}}]
    verifier = {"name": "cosign-1", "type": "cosign", "parameters": {"trustPolicies": policies}}
    store = {"type": "registry-store", "parameters": {"allowCosignTag": True}}
    path = folder / "config.json"
    path.write_text(
        json.dumps({"executors": [{"scopes": ["*"], "verifiers": [verifier], "stores": [store]}]})
    )
    return path


async def asked(process: Process, started: "asyncio.Future[Address]", *keys: str) -> None:
    """Run the process, ask once with a parent, and end it."""
    running = asyncio.create_task(process.run())
    await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
    url = f"http://127.0.0.1:{started.result().port}{VERIFY}"
    async with (
        aiohttp.ClientSession(headers={"traceparent": TRACEPARENT}) as client,
        client.post(url, data=request(*keys)) as answer,
    ):
        assert answer.status == 200
    process.stop.set()
    await running


async def test_one_request_is_one_trace_from_the_caller_to_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every span is a descendant of the caller's; none has a text of an error or a signer in it."""
    started: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        async with receiving() as receiver:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
            process = Process(
                flags(
                    "--config", config(tmp_path), "--enable-tracing", "--enable-metrics", "--metrics-port", 0
                ),
                make,
                started=lambda where, _: started.set_result(where),
            )
            await asked(
                process, started, f"[team]{registry.host}/app:cosign-v3", f"{registry.host}/app:nobody"
            )
    assert receiver.services == {"ratify"}
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE}
    (top,) = receiver.named("request")
    assert top.parent_span_id.hex() == PARENT
    known = {span.span_id: span for span in receiver.spans}
    for span in receiver.spans:
        above = span
        while above is not top:
            above = known[above.parent_span_id]
    verdicts = receiver.named("verdict")
    assert len(verdicts) == 2
    facts = [{one.key: one.value.string_value for one in span.attributes} for span in verdicts]
    assert {"ALLOW", "UNDECIDED"} == {found["ratify.decision"] for found in facts}
    assert {found.get("ratify.namespace") for found in facts} == {"team", None}
    for name in ("resolve", "referrers", "verify", "registry request"):
        assert receiver.named(name), name
    failed = [span for span in receiver.spans if span.status.code == 2]
    assert {
        one.value.string_value for span in failed for one in span.attributes if one.key == "error.type"
    } <= {
        "NOT_FOUND",
        "SIG_INVALID",
    }
    assert not any(span.events for span in receiver.spans)
    assert not any("GeneratorExit" in str(span) for span in receiver.spans)


async def test_a_receiver_that_is_not_there_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts are given, and the process ends."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    started: asyncio.Future[Address] = asyncio.get_running_loop().create_future()
    process = Process(
        flags("--config", config(tmp_path), "--enable-tracing"),
        make,
        started=lambda where, _: started.set_result(where),
    )
    await asked(process, started, "127.0.0.1:9/app:v1")


def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    """Neither OpenTelemetry nor Prometheus nor Redis costs those who do not use them."""
    code = (
        "import sys; import pyratify.serving.process, pyratify.entrypoints.gatekeeper.serve_gatekeeper;"
        "from argparse import Namespace; from pyratify.serving.telemetry.tracing import open_tracer;"
        "assert open_tracer(Namespace(enable_tracing=False)) is None;"
        "print([name for name in ('opentelemetry', 'prometheus_client', 'redis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opentelemetry_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "pyratify.serving.telemetry.otel", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        open_tracer(Namespace(enable_tracing=True))
    assert "pyratify[otel]" in caught.value.remedy
