"""Attacks on the service: unknown callers, foreign pages, paths, floods, and text that wants to be more than text."""

import asyncio
import json
import logging
import unicodedata
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.service.access import LOOPBACK, Callers
from pyratify.entrypoints.service.bearer_tokens import TokenFile
from pyratify.entrypoints.service.serve_service import make
from pyratify.entrypoints.service.service_flags import add_flags
from pyratify.entrypoints.service.service_routes import Entrance, service_site
from pyratify.serving.http.server import Address, listening
from pyratify.serving.process import Process
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import signed
from support.services import JSON, answers, asked, sent, service

APP = "example.com/app:v1"
HERE = Address("127.0.0.1", 0)
BODY = json.dumps({"reference": APP}).encode()


def flags(*arguments: str) -> Any:
    """Return the service's flags."""
    parser = ArgumentParser()
    add_flags(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/resolve"])
async def test_atk_229_texts_of_registries_stay_in_the_log(path: str) -> None:
    """The answer has the code, and a trace under which the log says more."""
    store = signed()
    store.faults["resolve"] = StoreError(Reason.REGISTRY_ERROR, "token=hunter2 \x1b[2J <script>")
    (answer,) = await answers(service(store), APP, path=path)
    assert answer["error"]["code"] == "REGISTRY_ERROR"
    assert "hunter2" not in json.dumps(answer)
    assert "trace" in answer["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_atk_232_a_body_of_megabytes_is_not_read(chunked: bool) -> None:
    """It is refused by its announced length, or as soon as it is too long; as a problem."""

    async def parts() -> Any:
        for _ in range(64):
            yield b" " * 16384

    store = signed()
    async with (
        listening(service_site(service(store), Entrance(callers=Callers())), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
    ):
        body = parts() if chunked else b" " * (1024 * 1024)
        try:
            async with client.post(
                "/v1/verify", data=body, headers={"Content-Type": "application/json"}
            ) as answer:
                assert (answer.status, answer.content_type) == (413, "application/problem+json")
        except aiohttp.ClientError:
            assert chunked  # the connection is closed while the rest is being sent
    assert store.calls == []


async def test_atk_232_who_has_no_token_holds_no_place(tmp_path: Path) -> None:
    """More slow requests without a token than there are places, and who has one is answered at once."""
    (tmp_path / "tokens").write_text("0123456789abcdef")
    site = service_site(service(signed()), Entrance(callers=Callers(TokenFile(tmp_path / "tokens"))))
    slow = (
        b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    )
    async with listening(replace(site, max_arriving=1, body_seconds=60), HERE) as where:
        opened = [await asyncio.open_connection(where.host, where.port) for _ in range(3)]
        for reader, writer in opened:
            writer.write(slow)
            assert b" 401 " in await reader.readline()
        headers = {**JSON, "Authorization": "Bearer 0123456789abcdef"}
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
            client.post("/v1/verify", data=BODY, headers=headers) as answer,
        ):
            assert answer.status == 200
        for _, writer in opened:
            writer.close()
            await writer.wait_closed()


async def test_atk_232_a_thousand_equal_references_are_one() -> None:
    """And more than the limit are refused at once."""
    store = signed()
    one = service(store)
    _, document = await asked(one, "/v1/verify", {"references": [APP] * 1000}, most=1000)
    assert len(document["answers"]) == 1000
    assert store.calls.count(("resolve", APP)) == 1
    status, _ = await asked(one, "/v1/verify", {"references": [APP] * 1001}, most=1000)
    assert status == 413


@pytest.mark.parametrize("arguments", [(), ("--host", "service.example")])
async def test_atk_233_an_unknown_caller_is_not_served(arguments: tuple[str, ...]) -> None:
    """An address beyond loopback needs TLS, and tokens or an authority of clients."""
    with pytest.raises(ConfigurationError):
        await Process(flags("--address", "0.0.0.0:0", *arguments), make, FakeClock()).run()


async def test_atk_233_tokens_do_not_travel_without_tls(tmp_path: Path) -> None:
    """A token alone does not open an address that others can reach."""
    tokens = tmp_path / "tokens"
    tokens.write_text("0123456789abcdef")
    given = ("--address", "0.0.0.0:0", "--token-file", str(tokens))
    with pytest.raises(ConfigurationError, match="without TLS"):
        await Process(flags(*given), make, FakeClock()).run()


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/resolve"])
@pytest.mark.parametrize("host", ["169.254.169.254", "127.0.0.1:6443", "[::1]:2379", "metadata.internal"])
async def test_atk_233_a_host_out_of_scope_is_not_dialled(path: str, host: str) -> None:
    """The store gets no request, so the service probes no network for its callers."""
    store = signed()
    (answer,) = await answers(service(store, scope="example.com"), f"{host}/app:v1", path=path)
    assert answer["error"]["code"] == "SCOPE_NO_MATCH"
    assert store.calls == []


ROUTES = ("/", "/page.js", "/v1/verify", "/v1/resolve", "/v1/decisions", "/v1/decisions/0", "/openapi.json")
HOSTS = (
    "evil.example",
    "evil.example:6080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "",
    "[::1]x",
)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("host", HOSTS)
async def test_atk_233_a_name_that_is_rebound_to_this_machine_is_not_served(path: str, host: str) -> None:
    """Without tokens and TLS the Host header has to name this machine: a foreign page in a browser here learns nothing."""
    store = signed()
    body = {"reference": APP} if path in ("/v1/verify", "/v1/resolve") else None
    reply = await sent(
        service(store), path, body, callers=Callers(hosts=LOOPBACK), headers={**JSON, "Host": host}
    )
    assert (reply.status, json.loads(reply.body)["code"], store.calls) == (421, "HOST_UNKNOWN", [])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:6080", "127.0.0.1:1", "[::1]:6080", "[::1]"])
async def test_atk_233_names_of_this_machine_are_served(host: str) -> None:
    """With any port, because a tunnel may have another one."""
    headers = {**JSON, "Host": host}
    status, _ = await asked(
        service(signed()), "/v1/verify", {"reference": APP}, callers=Callers(hosts=LOOPBACK), headers=headers
    )
    assert status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/resolve", "/v1/decisions", "/openapi.json"])
async def test_atk_233_pages_of_other_sites_are_not_answered(path: str, site: str) -> None:
    """Whatever certificate or network position the browser has."""
    store = signed()
    body = {"reference": APP} if path in ("/v1/verify", "/v1/resolve") else None
    reply = await sent(service(store), path, body, headers={**JSON, "Sec-Fetch-Site": site})
    assert (reply.status, json.loads(reply.body)["code"], store.calls) == (403, "CROSS_SITE", [])


PATHS = (
    "/v1/verifyX",
    "/v1/verify/",
    "//v1/verify",
    "/v1//verify",
    "/v1/%76erify",
    "/v1/x/%2e%2e/verify",
    "/v1/x/../verify",
    "/v1/verify?x=1",
    "/V1/verify",
    "/index.html",
    "/page/index.html",
    "/..%2fserve.py",
    "/v1/decisions/..%2f..",
)


@pytest.mark.parametrize("path", PATHS)
async def test_atk_235_only_exact_paths_are_routes(path: str) -> None:
    """Nothing is decoded, joined or cut off."""
    async with (
        listening(service_site(service(signed()), Entrance(callers=Callers())), HERE) as where,
        aiohttp.ClientSession() as client,
        client.post(
            URL(f"http://127.0.0.1:{where.port}{path}", encoded=True), data=BODY, headers=JSON
        ) as answer,
    ):
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"])
async def test_atk_235_only_the_method_counts(method: str) -> None:
    """No header overrides it, and no answer permits other sites."""
    headers = {**JSON, "X-HTTP-Method-Override": "POST", "Origin": "https://evil.example"}
    store = signed()
    async with (
        listening(service_site(service(store), Entrance(callers=Callers())), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.request(method, "/v1/verify", data=BODY, headers=headers) as answer,
    ):
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert store.calls == []


async def test_atk_236_before_there_is_a_configuration_nothing_is_allowed() -> None:
    """Neither verified nor resolved."""
    for path in ("/v1/verify", "/v1/resolve"):
        (answer,) = await answers(service(None), APP, path=path)
        assert answer["error"]["code"] == "NO_EXECUTOR"


async def test_atk_243_tokens_are_in_no_answer_log_or_representation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither those of the file nor those that were tried."""
    right, wrong = "right-token-0123456789", "wrong-token-0123456789"
    (tmp_path / "tokens").write_text(right)
    callers = Callers(TokenFile(tmp_path / "tokens"))
    said = repr(callers)
    with caplog.at_level(logging.DEBUG):
        for token in (right, wrong):
            headers = {**JSON, "Authorization": f"Bearer {token}"}
            for path, body in (
                ("/v1/verify", {"reference": APP}),
                ("/v1/verify", {"x": 1}),
                ("/openapi.json", None),
            ):
                reply = await sent(service(signed()), path, body, callers=callers, headers=headers)
                said += reply.body.decode() + str(reply.headers)
    said += caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert right not in said
    assert wrong not in said


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202eevil", "\u200b", "\x00", "a\nb", "\u2028"])
async def test_atk_256_references_are_shown_without_what_steers(text: str) -> None:
    """In answers and in the list of decisions every character is printable."""
    one = service(signed())
    reply = await sent(one, "/v1/verify", {"reference": f"example.com/{text}"})
    listed = await sent(one, "/v1/decisions")
    for body in (reply.body, listed.body):
        texts = list(_texts(json.loads(body)))
        assert not [char for each in texts for char in each if unicodedata.category(char)[0] == "C"]


@pytest.mark.parametrize("text", ["{0.__class__}", "%s%s%n", "{{7*7}}", "${jndi:ldap://x}", "<b>x</b>"])
async def test_atk_257_text_is_never_a_format(text: str) -> None:
    """It comes back as it was sent."""
    one = service(signed())
    (answer,) = await answers(one, text)
    assert answer["reference"] == text
    assert one.decisions.recent()[0].reference == text


async def test_atk_258_what_is_kept_is_bounded() -> None:
    """Reports of a thousand artifacts with huge texts: every answer is cut, and the page keeps only so much."""

    async def does(evidence: Evidence) -> Details:
        return Details("x" * 100_000, data={"text": "y" * 100_000})

    store = MemoryStore()
    image = store.add_image()
    for number in range(90):
        store.attach(image, "application/test", ("a/b", str(number).encode()))
    one = service(store, FakeVerifier(does=does))
    reply = await sent(one, "/v1/verify", {"references": [APP, "example.com/" + "z" * 200_000]})
    assert len(reply.body) < 400_000
    listed = await sent(one, "/v1/decisions")
    assert len(listed.body) < 10_000


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
