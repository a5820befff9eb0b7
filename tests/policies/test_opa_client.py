"""What an Open Policy Agent answers, and what of it is an answer of a policy."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError, InconclusiveError, StoreError
from pyratify.core.reason import Reason
from pyratify.expressions.language import EvaluationError
from pyratify.expressions.rego.answer import answer_of
from pyratify.http.json_api import JsonApi
from pyratify.http.transport import Request
from pyratify.http.url import Url
from pyratify.policies.opa_client import OpaClient, opa_error
from pyratify.policies.rego_plugin import RegoOptions, plugin
from pyratify.testing.json_service import JsonService
from support.plugins import FakeResources

CONFLICT = {
    "code": "internal_error",
    "message": "error(s) occurred while evaluating query",
    "errors": [
        {
            "code": "eval_conflict_error",
            "message": "complete rules must not produce multiple outputs",
            "location": {"file": "policy.rego", "row": 7, "col": 1},
        }
    ],
}


@dataclass
class _Opa(JsonService):
    status: int = 200
    body: object = field(default_factory=dict)
    fault: StoreError | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer with the status and the body."""
        del request
        if self.fault is not None:
            raise self.fault
        return self.status, self.body

    async def query(self, place: str = "") -> object:
        """Ask it."""
        api = JsonApi(Url.parse("http://127.0.0.1:8181"), self.connect, explain=opa_error)
        return await OpaClient(api, place).query("data.pyratify", {})


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (
            500,
            CONFLICT,
            "eval_conflict_error: complete rules must not produce multiple outputs (policy.rego:7)",
        ),
        (400, {"code": "invalid_parameter", "message": "bad\nbody"}, r"invalid_parameter: bad\nbody"),
        (500, {"code": "internal_error"}, "internal_error"),
    ],
)
async def test_what_opa_says_of_a_policy_that_failed_is_shown(status: int, body: object, says: str) -> None:
    """With its place; the author of the policy has no other sign of it."""
    with pytest.raises(EvaluationError) as caught:
        await _Opa(status, body).query()
    assert caught.value.message == f"OPA could not evaluate data.pyratify: {says}"


@pytest.mark.parametrize(
    ("status", "body", "remedy"),
    [
        (500, b"<html>", "its own log"),
        (500, {"error": "x"}, "its own log"),
        (500, {"errors": [1], "code": "x"}, "its own log"),
        (400, b"", "Check that OPA runs"),
        (401, {"code": "unauthorized"}, "opa.token"),
        (403, {"code": "unauthorized"}, "authorization policy"),
        (404, {"code": "x"}, "proxy"),
        (502, CONFLICT, "its own log"),
        (302, b"", "the address that it leads to"),
        (204, b"", "Check that OPA runs"),
        (200, b"[true]", "proxy"),
    ],
)
async def test_what_is_no_answer_of_a_policy_leaves_it_undecided(
    status: int, body: object, remedy: str
) -> None:
    """What a proxy says of its own is none, whatever the status."""
    with pytest.raises(InconclusiveError, match=r"^OPA gave no answer: ") as caught:
        await _Opa(status, body).query()
    assert caught.value.reason is Reason.POLICY_ERROR
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("reason", "remedy"), [(Reason.SIZE_EXCEEDED, "with less than"), (Reason.TIMEOUT, "reaches it")]
)
async def test_a_network_that_fails_leaves_it_undecided(reason: Reason, remedy: str) -> None:
    """The socket is named: the address in the message is that of none."""
    with pytest.raises(InconclusiveError, match=r"^OPA at unix:/run/opa\.sock gave no answer: ") as caught:
        await _Opa(fault=StoreError(reason, "failed", remedy="none")).query("unix:/run/opa.sock")
    assert remedy in caught.value.remedy


async def build(**opa: Any) -> object:
    """Build the policy that asks an OPA, from its parameters."""
    written = {"engine": "opa", "contract": "pyratify", "opa": {"url": "https://opa.example.com", **opa}}
    return await plugin.build("p", decode(RegoOptions, written, "parameters"), FakeResources())


@pytest.mark.parametrize("token", ["a\n", "a b", " a", "a\r\nX: y", "\u00e9"])
async def test_a_token_that_no_request_could_have_is_refused(token: str) -> None:
    """A file that is read into a variable may end in a line break."""
    with pytest.raises(ConfigurationError) as caught:
        await build(token=token)
    assert caught.value.path == "opa.token"
    assert "file:/run/secrets" in caught.value.remedy


async def test_certificates_that_are_none_are_named_by_their_file(tmp_path: Path) -> None:
    """By the parameter that names it."""
    path = tmp_path / "ca.pem"
    path.write_text("none")
    with pytest.raises(ConfigurationError, match=r"ca\.pem") as caught:
        await build(caFile=str(path))
    assert caught.value.path == "opa.caFile"


async def test_a_package_that_opa_does_not_have_leaves_it_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start its bundles may not be there yet; a rule of Ratify v1 without a value is an answer."""
    opa = _Opa()

    def connect(options: Any, seconds: float, resources: Any) -> OpaClient:
        del options, seconds, resources
        return OpaClient(JsonApi(Url.parse("http://127.0.0.1:8181"), opa.connect, explain=opa_error))

    monkeypatch.setattr("pyratify.policies.opa_connection.connect_opa", connect)
    built: Any = await build()
    now: Any = SimpleNamespace()
    with pytest.raises(InconclusiveError, match=r"OPA has no data\.pyratify") as caught:
        await built.ask({}, now)
    assert "bundles" in caught.value.remedy
    opa.body = {"result": {}}
    with pytest.raises(EvaluationError, match="allow is undefined"):
        await built.ask({}, now)


@pytest.mark.parametrize("name", ["violation", "deny_root", "violation_root"])
def test_rules_that_other_tools_read_are_no_rules_that_forbid(name: str) -> None:
    """A policy of Gatekeeper or Conftest would forbid nothing."""
    with pytest.raises(EvaluationError, match=rf"data\.pyratify\.{name} forbids nothing: call the rule deny"):
        answer_of({"allow": True, name: ["x"]}, "data.pyratify")
    assert answer_of({"allow": True, "deny": [], name: ["x"]}, "data.pyratify").holds
    assert answer_of({"allow": True, "denied_licenses": ["x"]}, "data.pyratify").holds


def test_a_bool_is_called_one() -> None:
    """Not a number, which it is in Python."""
    with pytest.raises(EvaluationError, match="deny is a bool, not a set of messages"):
        answer_of({"allow": True, "deny": False}, "data.pyratify")


def test_the_sentence_of_a_message_with_details_is_shown() -> None:
    """As other tools read it; anything else is shown as it is."""
    deny = [{"msg": "not by root", "uid": 0}, {"msg": 1}, 7, "", {"text": "x"}]
    answer = answer_of({"allow": True, "deny": deny}, "data.pyratify")
    assert not answer.holds
    assert answer.messages == ("not by root", '{"msg": 1}', "7", "denied", '{"text": "x"}')
