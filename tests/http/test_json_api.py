"""A JSON API at one address."""

import json

import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.http.json_api import ApiError, JsonApi, parse_address
from pyratify.http.transport import Headers, Request
from pyratify.http.url import Url
from pyratify.testing.json_service import JsonService

ADDRESS = "https://vault.example.com:8200"


class Service(JsonService):
    """Answers as a test says, and remembers what it was asked."""

    def __init__(self, status: int = 200, body: bytes = b'{"a": 1}') -> None:
        super().__init__()
        self.status, self.body = status, body
        self.headers = Headers((("location", "https://evil.io/"),))
        self.fault: StoreError | None = None

    @property
    def api(self) -> JsonApi:
        """The API of it."""
        return JsonApi(Url.parse(ADDRESS), self.connect)

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer with the status and the body, or fail as a network does."""
        del request
        if self.fault is not None:
            raise self.fault
        return self.status, self.body


async def test_what_is_posted_says_what_it_is() -> None:
    """A JSON object and a form; every connection is closed."""
    service = Service()
    assert await service.api.post_json("/x", {"b": 2}, (("X-Token", "t"),)) == {"a": 1}
    assert await service.api.post_form("/y", {"c": "d e"}) == {"a": 1}
    first, second = service.asked
    assert json.loads(first.body) == {"b": 2}
    assert ("X-Token", "t") in first.headers
    assert second.body == b"c=d+e"
    assert ("Content-Type", "application/x-www-form-urlencoded") in second.headers
    assert service.open == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_atk_246_a_redirect_is_not_followed(status: int) -> None:
    """What was sent holds a secret."""
    service = Service(status)
    with pytest.raises(ApiError, match="redirects /x"):
        await service.api.get("/x?secret=1")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (403, True), (404, True), (408, False), (429, False), (500, False)]
)
async def test_a_refusal_is_told_from_an_outage(status: int, refused: bool) -> None:
    """And its body, which may quote a secret, is not shown."""
    with pytest.raises(ApiError) as caught:
        await Service(status, b"you sent secret").api.get("/x")
    assert caught.value.refused is refused
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff", b"{}x"])
async def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    """Parsed as strictly as what is signed."""
    with pytest.raises(ApiError) as caught:
        await Service(200, body).api.get("/x")
    assert not caught.value.refused


async def test_a_network_that_fails_leaves_nothing_open() -> None:
    """The message names the address."""
    service = Service()
    service.fault = StoreError(Reason.REGISTRY_UNREACHABLE, "connection refused")
    with pytest.raises(ApiError, match=r"vault\.example\.com:8200: connection refused"):
        await service.api.get("/x")
    assert service.open == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://vault.example.com",
        "vault.example.com",
        "https://vault/v1",
        "ftp://vault",
        "https://u@vault",
        "https://u:hunter2@vault",
        "https://u:p@hunter2@vault",
        "http://127.0.0.1.evil.io:8200",
    ],
)
def test_an_address_that_is_not_https_is_refused(text: str) -> None:
    """A token in clear text would be read on the way."""
    with pytest.raises(ConfigurationError) as caught:
        parse_address(text, "address", ADDRESS)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", [ADDRESS, "http://127.0.0.1:8200", "http://localhost:8200", f"{ADDRESS}/"])
def test_an_address_on_this_machine_may_be_http(text: str) -> None:
    """As a development server or an agent has it."""
    assert parse_address(text, "address", ADDRESS).target == "/"
