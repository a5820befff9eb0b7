"""The API: an answer for every reference, in the field's terms, and problems for what is no request."""

import asyncio
import json
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.telemetry import namespace
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.service.decisions import Decisions
from pyratify.entrypoints.service.verification_service import Settings
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, signed
from support.services import JSON, answers, asked, sent, service

APP = "example.com/app:v1"


async def test_a_verified_reference_is_answered_with_its_evidence() -> None:
    """Decision, digest and report, no error, and the whole request has succeeded."""
    store = signed()
    status, document = await asked(service(store), "/v1/verify", {"reference": APP, "namespace": "team-a"})
    assert (status, document["succeeded"]) == (200, True)
    (answer,) = document["answers"]
    assert (answer["decision"], answer["succeeded"], answer["decided"]) == ("ALLOW", True, True)
    assert (answer["digest"], answer["namespace"]) == (store.tags["v1"], "team-a")
    assert (answer["code"], answer["why"]) == ("", "")
    assert answer["report"]["artifactReports"][0]["results"][0]["verifierName"] == "fake"
    assert "error" not in answer


async def test_one_reference_that_fails_does_not_spoil_the_others() -> None:
    """Allowed, denied, not found and no reference at all, in the order they were asked."""
    store = signed()
    store.add_image("bare", b"bare")
    references = ["no reference", APP, "example.com/app:bare", "example.com/app:gone"]
    status, document = await asked(service(store), "/v1/verify", {"references": references})
    assert (status, document["succeeded"]) == (200, False)
    found = document["answers"]
    assert [answer["reference"] for answer in found] == references
    assert [answer["code"] for answer in found] == ["REF_INVALID", "", "NO_EVIDENCE", "NOT_FOUND"]
    assert [answer["decided"] for answer in found] == [False, True, True, False]
    assert [answer["decision"] for answer in found] == ["DENY", "ALLOW", "DENY", "DENY"]
    assert [set(answer["error"]) for answer in (found[0], found[3])] == [{"code", "message", "remedy"}] * 2
    assert all("report" not in answer for answer in (found[0], found[3]))
    assert (found[2]["why"], found[2]["report"]["failure"]["code"]) == ("no signature", "NO_EVIDENCE")


async def test_the_single_reference_comes_first_and_equal_ones_are_one_decision() -> None:
    """Both members may be used together."""
    one = service(signed())
    body = {"reference": APP, "references": ["example.com/app:gone", APP]}
    _, document = await asked(one, "/v1/verify", body)
    first, gone, again = document["answers"]
    assert (first, gone["code"]) == (again, "NOT_FOUND")
    assert len(one.decisions.recent()) == 2


async def test_references_are_resolved() -> None:
    """With the digest and the reference by it; an error stands for itself."""
    store = signed()
    good, gone = await answers(service(store), APP, "example.com/app:gone", path="/v1/resolve")
    digest = store.tags["v1"]
    assert good == {"reference": APP, "digest": digest, "pinned": f"example.com/app@{digest}"}
    assert (gone["digest"], gone["pinned"], gone["error"]["code"]) == (None, None, "NOT_FOUND")


async def test_late_references_are_errors_and_the_rest_have_their_verdict() -> None:
    """When the bell rings, what is there is answered, and what is late is ended and kept as undecided."""
    store, clock = signed(), BellClock()
    slow = store.add_image("slow", b"slow")
    store.attach(slow, "application/test", annotations={"slow": "yes"})

    async def does(evidence: Evidence) -> Details:
        if "slow" in evidence.manifest.annotations:
            clock.bell.set()
            await asyncio.Event().wait()
        return Details("good")

    one = service(store, FakeVerifier(does=does), clock=clock)
    await answers(one, APP)
    late, good = await answers(one, "example.com/app:slow", APP)
    assert late["error"]["code"] == "TIMEOUT"
    assert "29.65 seconds" in late["error"]["message"]
    assert good["succeeded"] is True
    assert {each.code for each in one.decisions.recent()} == {"", "TIMEOUT"}
    await one.aclose()


async def test_late_resolutions_are_errors() -> None:
    """After 9.9 seconds; they are counted as the tenant's."""
    clock = BellClock()

    class Slow(MemoryStore):
        async def resolve(self, reference: Any) -> Any:
            clock.bell.set()
            await asyncio.Event().wait()

    one = service(Slow(), clock=clock)
    tenants = list[tuple[str, str]]()
    one.count = lambda code: tenants.append((code, namespace()))
    _, document = await asked(one, "/v1/resolve", {"reference": APP, "namespace": "team"})
    (late,) = document["answers"]
    assert tenants == [("TIMEOUT", "team")]
    assert (late["error"]["code"], late["pinned"]) == ("TIMEOUT", None)
    assert clock.slept == [evaluation_seconds(9.9)]
    await one.aclose()


async def test_without_a_configuration_nothing_is_allowed() -> None:
    """Every reference is an error with the code."""
    for path in ("/v1/verify", "/v1/resolve"):
        (answer,) = await answers(service(None), APP, path=path)
        assert answer["error"]["code"] == "NO_EXECUTOR"


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/resolve"])
async def test_a_defect_says_nothing_of_itself(path: str) -> None:
    """The exception's text is for the log."""

    class Broken(MemoryStore):
        async def resolve(self, reference: Any) -> Any:
            raise RuntimeError("hunter2")

    (answer,) = await answers(service(Broken()), APP, path=path)
    assert answer["error"]["code"] == "INTERNAL"
    assert "hunter2" not in json.dumps(answer)


BAD = {
    b"": "JSON",
    b"{": "JSON",
    b"[]": "object",
    b"null": "object",
    b"{}": "no reference",
    b'{"references":[]}': "no reference",
    b'{"references":null}': "references",
    b'{"references":"x"}': "references",
    b'{"references":["x",7]}': "references[1]",
    b'{"reference":7}': "reference",
    b'{"reference":"x","reference":"y"}': "same key twice",
    b'{"reference":"x","namespace":"A/b"}': "namespace",
    b'{"reference":"x","namespace":"a\\n"}': "namespace",
    b'{"refrences":["x"]}': "unknown key",
    b'{"reference":"x"}x': "JSON",
    b'{"reference":' + b"[" * 100 + b"]" * 100 + b"}": "nested",
}


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/resolve"])
@pytest.mark.parametrize(("body", "text"), BAD.items(), ids=range(len(BAD)))
async def test_what_is_no_request_is_a_problem(path: str, body: bytes, text: str) -> None:
    """As RFC 9457 wants it: the media type, the status twice, and what is wrong."""
    reply = await sent(service(signed()), path, body)
    assert (reply.status, reply.content_type) == (400, "application/problem+json")
    problem = json.loads(reply.body)
    assert (problem["status"], problem["title"], problem["type"]) == (400, "Bad Request", "about:blank")
    assert problem["code"] == "BAD_REQUEST"
    assert text in problem["detail"]


async def test_a_misspelled_member_is_answered_with_the_right_one() -> None:
    """The remedy names it."""
    _, problem = await asked(service(signed()), "/v1/verify", {"refrences": [APP]})
    assert problem["remedy"] == "Did you mean 'references'?"


async def test_a_namespace_that_is_none_is_explained() -> None:
    """In words and not as a pattern."""
    _, problem = await asked(service(signed()), "/v1/verify", {"reference": APP, "namespace": "Team A"})
    assert problem["detail"] == "namespace: this is not the name of a namespace"
    assert "RFC 1123" in problem["remedy"]


async def test_too_many_references_are_refused_before_anything_is_asked() -> None:
    """The single one counts too."""
    store = signed()
    body = {"reference": APP, "references": [APP, APP]}
    status, problem = await asked(service(store), "/v1/verify", body, most=2)
    assert (status, problem["code"], store.calls) == (413, "REQUEST_TOO_LARGE", [])


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_what_forms_can_send_is_refused(kind: str) -> None:
    """A page of another site can make a browser send these without asking."""
    headers = {**JSON, "Content-Type": kind}
    status, problem = await asked(service(signed()), "/v1/verify", {"reference": APP}, headers=headers)
    assert (status, problem["code"]) == (415, "MEDIA_TYPE")


async def test_decisions_are_shown_with_the_newest_first() -> None:
    """In the list without evidence, under their names as they were answered."""
    one = service(signed())
    (first,) = await answers(one, APP)
    (second,) = await answers(one, "example.com/app:gone")
    _, recent = await asked(one, "/v1/decisions")
    assert [each["id"] for each in recent["decisions"]] == [second["id"], first["id"]]
    assert all("report" not in each for each in recent["decisions"])
    assert await asked(one, f"/v1/decisions/{first['id']}") == (200, first)
    status, problem = await asked(one, "/v1/decisions/0123")
    assert (status, problem["code"]) == (404, "NOT_FOUND")


async def test_who_has_seen_the_decisions_is_not_sent_them_again() -> None:
    """304 until there is a new one."""
    one = service(signed())
    await answers(one, APP)
    tag = (await sent(one, "/v1/decisions")).headers["ETag"]
    known = {**JSON, "If-None-Match": tag}
    again = await sent(one, "/v1/decisions", headers=known)
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    await answers(one, APP)
    assert (await sent(one, "/v1/decisions", headers=known)).status == 200


async def test_errors_and_requests_are_measured() -> None:
    """Each error by its code."""
    one, counted = service(signed()), list[str]()
    one.count = counted.append
    await answers(one, "x y", "example.com/app:gone")
    await answers(one, "x y", path="/v1/resolve")
    assert sorted(counted) == ["NOT_FOUND", "REF_INVALID", "REF_INVALID"]


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_a_deadline_is_above_zero(seconds: float) -> None:
    """And not longer than ten minutes."""
    with pytest.raises(ConfigurationError):
        Settings(verify_seconds=seconds)
    with pytest.raises(ConfigurationError):
        Settings(resolve_seconds=seconds)


async def test_decisions_are_kept_within_bounds() -> None:
    """By number and by length; one that is too long by itself is not kept."""
    one = service(signed())
    await answers(one, APP)
    ((summary, document),) = [(each, one.decisions.document(each.id)) for each in one.decisions.recent()]
    assert document is not None
    few = Decisions(most=2, max_bytes=10_000)
    names = []
    for number in range(5):
        named = type(summary)(**{**_fields(summary), "id": str(number)})
        few.keep(named, document)
        names.append(named.id)
    assert [each.id for each in few.recent()] == ["4", "3"]
    assert few.document("2") is None
    few.keep(type(summary)(**{**_fields(summary), "id": "long"}), b"x" * 10_001)
    assert (few.recent(), few.state) == ((), "")


def _fields(summary: Any) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in summary.__struct_fields__}
