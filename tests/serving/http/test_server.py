"""The HTTP server: routes, bounds, and its end."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable

import aiohttp
import pytest
from yarl import URL

from pyratify.core.errors import ConfigurationError
from pyratify.core.telemetry import trace
from pyratify.serving.http.activity import Watch
from pyratify.serving.http.bodies import BodyBudget
from pyratify.serving.http.connections import Bounds
from pyratify.serving.http.server import Address, Rejection, Reply, Request, Site, listening, plain
from pyratify.serving.http.sockets import bind
from pyratify.serving.telemetry.health import Readiness, health_site
from pyratify.serving.telemetry.logs import set_up, tear_down

HERE = Address("127.0.0.1", 0)


async def echo(asked: Request) -> Reply:
    """Return what was sent."""
    return Reply(200, asked.body)


async def broken(asked: Request) -> Reply:
    """Fail with a secret."""
    raise ValueError("hunter2")


def site(**bounds: float) -> Site:
    """Return a site that echoes."""
    routes = {("POST", "/echo"): echo, ("POST", "/broken"): broken}
    return Site(routes=routes, refusals={"/echo": plain}, **bounds)  # type: ignore[arg-type]


async def sent(where: Address, request: bytes) -> bytes:
    """Send bytes as they are and return the answer."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(request)
    try:
        return await reader.readuntil(b"\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the server has come that far."""
    while not condition():  # noqa: ASYNC110 - it has no event for this
        await asyncio.sleep(0)


async def test_a_body_is_handed_over_and_the_answer_comes_back() -> None:
    """With headers that keep browsers and proxies from doing anything with it."""
    async with (
        listening(site(), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post("/echo", data=b"hello") as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"hello")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_handler_that_fails_says_nothing_of_its_fault() -> None:
    """The answer is 500 and the text of the exception is not in it."""
    async with (
        listening(site(), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post("/broken") as answer,
    ):
        assert answer.status == 500
        assert "hunter2" not in await answer.text()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(chunked: bool) -> None:
    """By its announced length, and by its bytes where none is announced."""
    request = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
    body = b"x" * 200
    if chunked:
        request += b"Transfer-Encoding: chunked\r\n\r\nc8\r\n" + body + b"\r\n0\r\n\r\n"
    else:
        request += b"Content-Length: 200\r\n\r\n" + body
    async with listening(site(max_body=100), HERE) as where:
        assert b" 413 " in await sent(where, request)


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    """A slow sender gets 408."""
    async with listening(site(body_seconds=0.01), HERE) as where:
        assert b" 408 " in await sent(where, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")


async def test_the_rest_of_a_refused_body_holds_no_server_up() -> None:
    """It is read for a moment, so that its sender reads the refusal; then the connection ends, and so does the server."""
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n"
    # Without the bound either end takes ten seconds, aiohttp's own.
    async with asyncio.timeout(8):
        async with listening(site(max_body=100), HERE, bounds=Bounds(lingering_seconds=0.01)) as where:
            reader, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(head)
            assert b" 413 " in await reader.read()  # to the end
            writer.close()
            reader, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(head)
            assert b" 413 " in await reader.readline()
        writer.close()


async def test_a_compressed_body_is_refused() -> None:
    """Nothing is decompressed."""
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
    async with listening(site(), HERE) as where:
        assert b" 415 " in await sent(where, head)


async def test_who_may_not_ask_is_refused_before_a_body_is_read() -> None:
    """A body that never comes is not waited for, nor that of a GET."""

    def admit(asked: Request) -> Reply | None:
        return None if "Pass" in asked.headers else Reply(401, b"")

    routes = {("POST", "/echo"): echo, ("GET", "/open"): echo}
    one = Site(routes=routes, refusals={}, admits={"/echo": admit})
    head = b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    async with listening(one, HERE) as where:
        assert b" 401 " in await sent(where, b"POST /echo" + head + b"\r\n")
        assert b" 200 " in await sent(where, b"POST /echo" + head + b"Pass: 1\r\n\r\n123456789")
        assert b" 200 " in await sent(where, b"GET /open" + head + b"\r\n")


async def test_another_method_is_told_which_one_is_allowed() -> None:
    """As RFC 9110, section 15.5.6, wants it."""
    async with (
        listening(site(), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.get("/echo") as answer,
    ):
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/things/a1", 200),
        ("/things/", 404),
        ("/things", 404),
        ("/things/a/b", 404),
        ("/things/%61", 404),
        ("/things/..", 404),
        ("/things/a1?x", 404),
        (f"/things/{'a' * 65}", 404),
    ],
)
async def test_things_are_served_by_their_names(path: str, status: int) -> None:
    """A name is letters and digits, and nothing is decoded; all else is refused in the site's own way."""

    async def named(asked: Request) -> Reply:
        return Reply(200, asked.name.encode())

    def say(rejection: Rejection) -> Reply:
        return Reply(rejection.status, b"our own way")

    one = Site(routes={}, refusals={}, named={("GET", "/things/"): named}, otherwise=say)
    async with (
        listening(one, HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.get(URL(f"http://127.0.0.1:{where.port}{path}", encoded=True)) as answer,
    ):
        assert (answer.status, await answer.text()) == (status, "a1" if status == 200 else "our own way")


async def test_atk_284_large_bodies_do_not_fill_a_server() -> None:
    """What is over the budget is refused before it is read, and small bodies have a quarter that is theirs alone."""
    watch, gate = Watch(bodies=BodyBudget(1024 * 1024)), asyncio.Event()

    async def wait(asked: Request) -> Reply:
        await gate.wait()
        return Reply(200, b"")

    one = Site(routes={("POST", "/wait"): wait, ("POST", "/echo"): echo}, refusals={})
    large = b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
    async with listening(one, HERE, watch=watch) as where:
        held = [asyncio.create_task(sent(where, large + b" " * 300000)) for _ in range(2)]
        await until(lambda: watch.bodies.held == 600000)
        reader, writer = await asyncio.open_connection(where.host, where.port)
        writer.write(large)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in head
        assert (await reader.readline()).startswith(b"BODY_BUDGET: ")
        writer.close()
        small = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        assert b" 200 " in await sent(where, small)
        gate.set()
        assert all(b" 200 " in each for each in await asyncio.gather(*held))
        await until(lambda: watch.activity.under_way == 0)
    assert (watch.bodies.held, watch.bodies.refused) == (0, 1)


async def test_atk_284_a_body_without_a_length_is_counted_as_it_arrives() -> None:
    """It holds no more than there is, and gives back all of it."""
    watch = Watch(bodies=BodyBudget(100_000))
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with listening(site(), HERE, watch=watch) as where:
        assert b" 503 " in await sent(where, head + chunk * 3 + b"0\r\n\r\n")
        assert b" 200 " in await sent(where, head + chunk + b"0\r\n\r\n")
        await until(lambda: watch.activity.under_way == 0)
    assert watch.bodies.held == 0


async def test_atk_286_requests_that_wait_keep_no_other_from_being_answered() -> None:
    """There is no bound on requests: what each waits for has bounds of its own."""
    gate = asyncio.Event()

    async def wait(asked: Request) -> Reply:
        await gate.wait()
        return Reply(200, b"")

    one = Site(routes={("POST", "/wait"): wait, ("POST", "/echo"): echo}, refusals={})
    watch = Watch()
    async with listening(one, HERE, watch=watch) as where:
        head = b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        waits = [asyncio.create_task(sent(where, b"POST /wait" + head)) for _ in range(300)]
        await until(lambda: watch.activity.under_way == 300)
        assert b" 200 " in await sent(where, b"POST /echo" + head)
        gate.set()
        await asyncio.gather(*waits)


async def test_an_answer_does_not_say_what_serves_it() -> None:
    """No versions of the language or of a library."""
    async with (
        listening(site(), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post("/echo", data=b"hello") as answer,
    ):
        assert answer.headers["Server"] == "ratify"


async def test_requests_under_way_are_finished_at_the_end() -> None:
    """The server stops listening, and the answer still comes."""
    began, gate = asyncio.Event(), asyncio.Event()

    async def wait(asked: Request) -> Reply:
        began.set()
        await gate.wait()
        return Reply(200, b"")

    one = Site(routes={("POST", "/wait"): wait}, refusals={})
    async with listening(one, HERE) as where:
        head = b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        first = asyncio.create_task(sent(where, head))
        await began.wait()
        asyncio.get_running_loop().call_soon(gate.set)
    assert b" 200 " in await first


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", "host:70000", ":\u0661"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """A port is needed."""
    with pytest.raises(ConfigurationError):
        Address.parse(text)


def test_addresses_are_read() -> None:
    """A host may be left out, and an IPv6 address stands in brackets."""
    assert Address.parse(":6001") == Address("", 6001)
    assert Address.parse("[::1]:6001") == Address("::1", 6001)
    assert Address.parse("[::1]:6001").is_loopback
    assert not Address.parse(":6001").is_loopback


@pytest.mark.parametrize("port", [-1, 70000])
def test_a_port_that_is_none_is_said(port: int) -> None:
    """Also where it comes from a flag that takes any number."""
    with pytest.raises(ConfigurationError, match="cannot be listened on"):
        bind("127.0.0.1", port)


async def test_an_address_that_is_taken_is_said() -> None:
    """It is the fault of who called, and the remedy speaks of the address."""
    async with listening(site(), HERE) as where:
        with pytest.raises(ConfigurationError, match="cannot be listened on") as caught:
            async with listening(site(), where):
                pass
    assert "another address" in caught.value.remedy


async def test_readiness_says_what_is_wrong() -> None:
    """Alive is not ready; draining is neither."""
    why = {"text": "no configuration"}
    readiness = Readiness({"configuration": lambda: why["text"]})
    async with (
        listening(health_site(readiness), HERE) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
    ):
        for expected in (503, 200, 503):
            async with client.get("/readyz") as answer:
                assert answer.status == expected
            readiness.draining = expected == 200
            why["text"] = ""
        async with client.get("/healthz") as answer:
            assert answer.status == 200


def test_a_refusal_is_one_line() -> None:
    """Its code comes first."""
    assert plain(Rejection(404, "NOT_FOUND", "gone")).body == b"NOT_FOUND: gone\n"


@pytest.mark.parametrize(
    ("parent", "is_taken"),
    [
        (f"00-{'ab' * 16}-{'cd' * 8}-01", True),
        (f"00-{'ab' * 16}-{'cd' * 8}-01\n", True),
        (f"00-{'AB' * 16}-{'cd' * 8}-01", False),
        (f"00-{'00' * 16}-{'cd' * 8}-01", False),
        (f"00-{'ab' * 16}-{'00' * 8}-01", False),
        (f"01-{'ab' * 16}-{'cd' * 8}-01", False),
        (f"00-{'ab' * 16}-{'cd' * 8}-01-more", False),
        ("evil", False),
        ("", False),
    ],
)
async def test_a_request_has_one_trace_in_every_line_of_its_log(parent: str, is_taken: bool) -> None:
    """The caller's, where it is one as W3C Trace Context has it; else one of our own. Two requests never share it."""
    stream = io.StringIO()
    logger = logging.getLogger("pyratify.test")

    async def logs(asked: Request) -> Reply:
        logger.info("first")
        await asyncio.create_task(asyncio.to_thread(logger.info, "second"))
        return Reply(200, trace().encode())

    handler = set_up("info", stream)
    try:
        async with (
            listening(Site(routes={("POST", "/"): logs}, refusals={}), HERE) as where,
            aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        ):
            answers = []
            for headers in ({"traceparent": parent.strip()} if parent else {}, {}):
                async with client.post("/", headers=headers) as answer:
                    answers.append(await answer.text())
    finally:
        tear_down(handler)
    found = [json.loads(line)["trace"] for line in stream.getvalue().splitlines()]
    assert found == [answers[0], answers[0], answers[1], answers[1]]
    assert answers[0] != answers[1]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in answers)
    assert (answers[0] == "ab" * 16) is is_taken
    assert trace() == ""
