"""Authentication, step by step and without a network."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.response_checks import TryLater
from pyratify.http.transport import PUBLIC, REGISTRY, Headers, Request, Response
from pyratify.http.url import Url
from pyratify.stores.registry.auth import authenticate
from pyratify.stores.registry.auth_steps import Access, Flow, Renewal, Step, TokenRequest, Wanted
from pyratify.stores.registry.token_cache import Memory, TokenKey
from pyratify.testing.fakes import FakeClock
from support.registries import USER

URL = Url.parse("https://reg.example.com/v2/app/manifests/v1")
REQUEST = Request(URL, 1000, REGISTRY, headers=(("Accept", "x"), ("User-Agent", "test")))
BEARER = 'Bearer realm="https://reg.example.com/token",service="reg",scope="repository:app:pull"'


def _access(memory: Memory | None = None, *, registry: str = "reg.example.com") -> Access:
    return Access(registry, "app", (), memory or Memory(FakeClock()))


def _answer(status: int, *headers: tuple[str, str], body: bytes = b"", url: Url = URL) -> Response:
    return Response(status, Headers(headers), body, url)


def _challenge(text: str = BEARER) -> Response:
    return _answer(401, ("www-authenticate", text))


def _token(token: str = "t1", **more: object) -> Response:
    return _answer(200, body=json.dumps({"token": token, **more}).encode())


def _run(flow: Flow, *answers: object) -> tuple[list[Step], Response | None]:
    """Drive the flow with these answers; return what it asked for, and its result if it has ended."""
    steps: list[Step] = []
    try:
        steps.append(next(flow))
        for answer in answers:
            steps.append(flow.send(answer))
    except StopIteration as done:
        return steps, done.value
    return steps, None


def _authorization(step: Step) -> str | None:
    request = step.request if isinstance(step, TokenRequest) else step
    assert isinstance(request, Request)
    return dict(request.headers).get("Authorization")


def test_what_is_public_is_read_without_any_credential() -> None:
    """No provider is asked for a credential before the registry asks."""
    steps, result = _run(authenticate(REQUEST, _access()), _answer(200))
    assert steps == [REQUEST]
    assert result is not None


def test_a_bearer_challenge_is_answered_with_a_token() -> None:
    """The credential goes to the token server alone, the token to the registry alone."""
    steps, result = _run(
        authenticate(REQUEST, _access()), _challenge(), USER, _token(), _answer(200, body=b"x")
    )
    assert steps[1] is Wanted.CREDENTIAL
    assert isinstance(steps[2], TokenRequest)
    assert str(steps[2].request.url) == (
        "https://reg.example.com/token?service=reg&scope=repository%3Aapp%3Apull"
    )
    assert _authorization(steps[2]) == "Basic dXNlcjpwYXNzd29yZA=="
    assert _authorization(steps[3]) == "Bearer t1"
    assert result is not None
    assert result.body == b"x"


def test_a_token_server_is_trusted_as_far_as_its_realm_says() -> None:
    """Only the registry itself is shown a client certificate; the content's own size and type say nothing of a token."""
    request = replace(REQUEST, expected=10)
    steps, _ = _run(authenticate(request, _access()), _challenge(), USER, _token())
    assert isinstance(steps[2], TokenRequest)
    asked = steps[2].request
    assert (asked.trust, asked.expected) == (REGISTRY, None)
    assert "Accept" not in dict(asked.headers)
    assert dict(asked.headers)["User-Agent"] == "test"
    elsewhere = BEARER.replace("reg.example.com/", "example.com/")
    steps, _ = _run(authenticate(request, _access()), _challenge(elsewhere), USER)
    assert isinstance(steps[2], TokenRequest)
    assert steps[2].request.trust is PUBLIC


@pytest.mark.parametrize("registry", ["docker.io", "reg.example.com"])
def test_a_credential_is_shown_to_docker_hubs_token_server_by_docker_hub_alone(registry: str) -> None:
    """It is the registry that was asked for that counts."""
    hub = BEARER.replace("reg.example.com/token", "auth.docker.io/token")
    flow = authenticate(REQUEST, _access(registry=registry))
    if registry == "docker.io":
        steps, _ = _run(flow, USER)
        assert isinstance(steps[-1], TokenRequest)
        return
    with pytest.raises(StoreError) as caught:
        _run(flow, _challenge(hub), USER)
    assert caught.value.reason is Reason.AUTH_REALM_BLOCKED


def test_an_anonymous_token_may_come_from_any_public_server() -> None:
    """There is no credential to protect; with one, the same server is refused."""
    foreign = BEARER.replace("reg.example.com/token", "tokens.example.net/token")
    steps, _ = _run(authenticate(REQUEST, _access()), _challenge(foreign), ANONYMOUS)
    assert isinstance(steps[2], TokenRequest)
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge(foreign), USER)
    assert caught.value.reason is Reason.AUTH_REALM_BLOCKED


def test_an_anonymous_token_is_asked_for_without_a_credential() -> None:
    """Docker Hub and others give tokens to anonymous clients."""
    steps, _ = _run(authenticate(REQUEST, _access()), _challenge(), ANONYMOUS, _token())
    assert _authorization(steps[2]) is None


def test_a_refresh_token_is_exchanged_by_post() -> None:
    """OAuth2 (RFC 6749, section 6): the identity token stands in the body and nowhere else."""
    credential = Credential("<token>", identity_token="refresh me")
    steps, _ = _run(authenticate(REQUEST, _access()), _challenge(), credential, _token())
    assert isinstance(steps[2], TokenRequest)
    request = steps[2].request
    assert request.method == "POST"
    assert b"grant_type=refresh_token" in request.body
    assert b"refresh_token=refresh+me" in request.body
    assert b"scope=repository%3Aapp%3Apull" in request.body
    assert "refresh" not in str(request.url)
    assert "Authorization" not in dict(request.headers)


def test_a_registry_token_is_used_as_it_is() -> None:
    """No token server is asked."""
    steps, result = _run(
        authenticate(REQUEST, _access()), _challenge(), Credential(registry_token="abc"), _answer(200)
    )
    assert _authorization(steps[2]) == "Bearer abc"
    assert result is not None


def test_a_basic_challenge_is_answered_with_the_password() -> None:
    """RFC 7617; afterwards the password is sent at once, to that registry."""
    memory = Memory(FakeClock())
    steps, _ = _run(authenticate(REQUEST, _access(memory)), _challenge('Basic realm="x"'), USER, _answer(200))
    assert _authorization(steps[2]) == "Basic dXNlcjpwYXNzd29yZA=="
    steps, _ = _run(authenticate(REQUEST, _access(memory)), _answer(200))
    assert _authorization(steps[0]) == "Basic dXNlcjpwYXNzd29yZA=="


BASIC = 'Basic realm="reg"'


@pytest.mark.parametrize(
    "values",
    [
        (BASIC, BEARER),
        (BEARER, BASIC),
        (f"{BASIC}, {BEARER}",),
        (f"{BEARER}, {BASIC}",),
        ("Negotiate", BASIC, BEARER),
    ],
)
def test_a_token_is_preferred_to_the_password(values: tuple[str, ...]) -> None:
    """Whatever the order: the password goes to the token server, and the registry sees a token for one repository."""
    challenge = _answer(401, *(("www-authenticate", value) for value in values))
    steps, _ = _run(authenticate(REQUEST, _access()), challenge, USER, _token(), _answer(200))
    assert isinstance(steps[2], TokenRequest)
    assert _authorization(steps[3]) == "Bearer t1"


@pytest.mark.parametrize("values", [("Bearer", BASIC), (BASIC, 'Bearer service="reg"'), (BASIC,)])
def test_the_password_is_shown_where_no_token_server_is_named(values: tuple[str, ...]) -> None:
    """A bearer challenge without a realm offers nothing to ask."""
    challenge = _answer(401, *(("www-authenticate", value) for value in values))
    steps, _ = _run(authenticate(REQUEST, _access()), challenge, USER, _answer(200))
    assert str(_authorization(steps[2])).startswith("Basic ")


@pytest.mark.parametrize("values", [("Negotiate",), ("Bearer",), ('Digest realm="x"', "Bearer")])
def test_a_challenge_that_cannot_be_answered_is_not_answered_as_another(values: tuple[str, ...]) -> None:
    """What the registry asked for before counts only where it names nothing now."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(), _answer(200))
    flow = authenticate(REQUEST, _access(memory))
    with pytest.raises(StoreError, match="not supported"):
        _run(flow, _answer(401, *(("www-authenticate", value) for value in values)))


def test_what_another_request_learnt_meanwhile_is_not_asked_for_again() -> None:
    """Two first requests at once: one credential, and the token of the one that was quicker."""
    memory = Memory(FakeClock())
    slow = authenticate(REQUEST, _access(memory))
    next(slow)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(), _answer(200))
    step = slow.send(_challenge())
    assert _authorization(step) == "Bearer t1"


def test_the_answer_of_a_token_server_is_bounded() -> None:
    """A token has a few kilobytes; the bound is not the manifest's."""
    steps, _ = _run(authenticate(REQUEST, _access()), _challenge(), USER)
    assert isinstance(steps[2], TokenRequest)
    assert steps[2].request.limit == 256 * 1024


def test_a_token_is_kept_for_its_lifetime() -> None:
    """A little less than the token server says; then a new one is fetched without being told."""
    clock = FakeClock()
    memory = Memory(clock)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(expires_in=100), _answer(200))
    steps, _ = _run(authenticate(REQUEST, _access(memory)), _answer(200))
    assert _authorization(steps[0]) == "Bearer t1"
    clock.advance(96)
    steps, _ = _run(authenticate(REQUEST, _access(memory)), _token("t2"), _answer(200))
    assert isinstance(steps[0], TokenRequest)
    assert _authorization(steps[1]) == "Bearer t2"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"expires_in": 100}, 95),
        ({"expires_in": 1000}, 995),
        ({"expires_in": 8}, 4),
        ({}, 55),
        ({"expires_in": 0}, 55),
        ({"expires_in": "1000"}, 55),
        ({"expires_in": True}, 55),
    ],
)
def test_a_token_lives_as_long_as_its_server_says(said: dict[str, object], seconds: int) -> None:
    """Less five seconds, or half of a short life; a minute where the server says no number."""
    clock = FakeClock()
    memory = Memory(clock)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(**said), _answer(200))
    clock.advance(seconds - 0.5)
    steps, _ = _run(authenticate(REQUEST, _access(memory)), _answer(200))
    assert _authorization(steps[0]) == "Bearer t1"
    clock.advance(0.5)
    steps, _ = _run(authenticate(REQUEST, _access(memory)))
    assert isinstance(steps[0], TokenRequest)


def test_a_refresh_token_is_posted_as_a_form() -> None:
    """Servers read no other kind of body (RFC 6749, section 4)."""
    credential = Credential("<token>", identity_token="refresh me")
    steps, _ = _run(authenticate(REQUEST, _access()), _challenge(), credential, _token())
    assert isinstance(steps[2], TokenRequest)
    assert dict(steps[2].request.headers)["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_refusal_names_the_token_server_and_where_the_credential_is_from(status: int) -> None:
    """And neither the password nor the token."""
    credential = Credential("user", "password", note="from a file")
    flow = authenticate(REQUEST, _access())
    server = Url.parse("https://tokens.reg.example.com/token")
    with pytest.raises(StoreError) as caught:
        _run(flow, _challenge(), credential, _answer(status, url=server))
    assert "tokens.reg.example.com" in caught.value.message
    assert "the configured credential (from a file)" in caught.value.message
    assert "password" not in caught.value.message


def test_a_refused_token_is_dropped_and_replaced_once() -> None:
    """After a 401 the credential is asked for again, as it may have changed; a second 401 is the end."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(), _answer(200))
    flow = authenticate(REQUEST, _access(memory))
    steps, result = _run(flow, _challenge(), USER, _token("t2"), _answer(200))
    assert [_authorization(step) for step in (steps[0], steps[3])] == ["Bearer t1", "Bearer t2"]
    assert result is not None
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token("t3"), _challenge())
    assert caught.value.reason is Reason.REGISTRY_AUTH


def test_atk_290_a_revoked_token_is_replaced_where_another_repository_met_the_revocation_first() -> None:
    """One repository's 401 makes the registry unknown; the next asks bare, shows its old token, and then a new one."""
    memory = Memory(FakeClock())
    other = Access("reg.example.com", "other", (), memory)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(), _answer(200))
    _run(authenticate(REQUEST, other), _token("old"), _answer(200))
    memory.forget("reg.example.com", memory.known("reg.example.com"))
    flow = authenticate(REQUEST, other)
    steps, result = _run(flow, _challenge(), USER, _challenge(), _token("new"), _answer(200))
    shown = [_authorization(step) for step in steps if isinstance(step, Request)]
    assert shown == [None, "Bearer old", "Bearer new"]
    assert result is not None
    assert result.status == 200


def test_atk_290_a_revoked_token_is_replaced_though_the_refusal_has_no_challenge() -> None:
    """The challenge that is known counts then."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token("old"), _answer(200))
    flow = authenticate(REQUEST, _access(memory))
    steps, result = _run(flow, _answer(401), USER, _token("new"), _answer(200))
    shown = [_authorization(step) for step in steps if isinstance(step, Request)]
    assert shown == ["Bearer old", "Bearer new"]
    assert result is not None


def test_a_new_token_that_is_refused_is_not_replaced_again() -> None:
    """After the remembered token one new one is asked for, not a third."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token("old"), _answer(200))
    memory.forget("reg.example.com", memory.known("reg.example.com"))
    with pytest.raises(StoreError) as caught:
        _run(
            authenticate(REQUEST, _access(memory)),
            *(_challenge(), USER, _challenge(), _token("new"), _challenge()),
        )
    assert caught.value.reason is Reason.REGISTRY_AUTH


@pytest.mark.parametrize("remembered", [True, False])
def test_a_challenge_by_another_origin_to_a_token_is_not_answered(*, remembered: bool) -> None:
    """Nor is a remembered token dropped for it and the credential shown again."""
    memory = Memory(FakeClock())
    if remembered:
        _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token("old"), _answer(200))
        memory.forget("reg.example.com", memory.known("reg.example.com"))
    elsewhere = _answer(401, ("www-authenticate", BEARER), url=Url.parse("https://cdn.example.net/x"))
    flow = authenticate(REQUEST, _access(memory))
    with pytest.raises(StoreError) as caught:
        _run(flow, _challenge(), USER, *(() if remembered else (_token(),)), elsewhere)
    assert caught.value.reason is Reason.REDIRECT_BLOCKED


@pytest.mark.parametrize("announced", ["300", " 300", "3e2", "long", True, None, 0, [], {}])
def test_a_lifetime_that_is_no_number_is_the_default(announced: object) -> None:
    """The token is good all the same; it is kept for a minute, less the leeway."""
    clock = FakeClock()
    memory = Memory(clock)
    token = _token(expires_in=announced)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, token, _answer(200))
    key = TokenKey("reg.example.com", "https://reg.example.com/token", "reg", "repository:app:pull", USER)
    clock.advance(54)
    assert memory.token(key) == "t1"  # a minute less the leeway of 5 seconds
    clock.advance(2)
    assert memory.token(key) is None


def test_a_token_server_that_asks_for_a_long_wait_is_not_asked_again_at_once() -> None:
    """The registry is not asked without a token either: it would send the client to the same token server."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(expires_in=0.5), _answer(200))
    memory.drop(
        TokenKey("reg.example.com", "https://reg.example.com/token", "reg", "repository:app:pull", USER), "t1"
    )
    flow = authenticate(REQUEST, _access(memory))
    assert isinstance(next(flow), TokenRequest)
    with pytest.raises(TryLater):
        flow.throw(TryLater(Reason.REGISTRY_ERROR, "wait an hour"))


def test_a_token_server_that_moved_is_found_again() -> None:
    """Where what is remembered leads nowhere, the registry is asked anew; where that fails too, it is an error."""
    clock = FakeClock()
    memory = Memory(clock)
    _run(authenticate(REQUEST, _access(memory)), _challenge(), USER, _token(), _answer(200))
    clock.advance(1000)
    moved = _challenge(BEARER.replace("/token", "/new"))
    flow = authenticate(REQUEST, _access(memory))
    steps, result = _run(flow, _answer(404), moved, USER, _token("t2"), _answer(200))
    assert _authorization(steps[1]) is None
    assert isinstance(steps[3], TokenRequest)
    assert steps[3].request.url.target.startswith("/new?")
    assert result is not None
    clock.advance(1000)
    with pytest.raises(StoreError):
        _run(authenticate(REQUEST, _access(memory)), _answer(500), moved, USER, _answer(500))


def test_docker_hubs_token_is_fetched_before_it_is_asked_for() -> None:
    """Its challenge is known, which spares a round trip."""
    steps, _ = _run(authenticate(REQUEST, _access(registry="docker.io")), ANONYMOUS, _token())
    assert steps[0] is Wanted.CREDENTIAL
    assert isinstance(steps[1], TokenRequest)
    assert str(steps[1].request.url).startswith("https://auth.docker.io/token?service=registry.docker.io")


def test_a_challenge_by_another_origin_is_not_answered() -> None:
    """After a redirect, only what needs no credential is read."""
    elsewhere = _answer(401, ("www-authenticate", BEARER), url=Url.parse("https://cdn.example.net/x"))
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), elsewhere)
    assert caught.value.reason is Reason.REDIRECT_BLOCKED


def test_a_wider_scope_is_neither_asked_for_nor_blamed_on_the_credential() -> None:
    """Whatever a registry asks for, the token is for pulling from this repository."""
    wide = BEARER.replace("repository:app:pull", "repository:other:pull,push registry:catalog:*")
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge(wide), USER, _token(), _challenge(wide))
    assert caught.value.reason is Reason.AUTH_SCOPE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_answer(401), Reason.REGISTRY_AUTH),
        (_answer(302, ("location", "https://evil.io")), Reason.REGISTRY_AUTH),
        (_answer(500), Reason.REGISTRY_ERROR),
        (_answer(200, body=b"<html>"), Reason.REGISTRY_ERROR),
        (_answer(200, body=b"{}"), Reason.REGISTRY_ERROR),
        (_answer(200, body=b'{"token":""}'), Reason.REGISTRY_ERROR),
        (_answer(200, body=b'{"token":"a","token":"b"}'), Reason.REGISTRY_ERROR),
        (_answer(200, body=b'{"token":"a\\r\\nX: y"}'), Reason.REGISTRY_ERROR),
        (_answer(408), Reason.REGISTRY_ERROR),
        (_answer(429), Reason.REGISTRY_ERROR),
        (_answer(200, body=b'{"token":["a"]}'), Reason.REGISTRY_ERROR),
    ],
)
def test_a_token_server_that_gives_no_token_is_an_error(answer: Response, reason: Reason) -> None:
    """Never an anonymous request instead."""
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge(), USER, answer)
    assert caught.value.reason is reason


@pytest.mark.parametrize("header", ["", "Negotiate", "Bearer service=x", "Digest realm=x"])
def test_an_unknown_kind_of_authentication_is_an_error(header: str) -> None:
    """Neither Basic nor Bearer with a realm."""
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge(header))
    assert caught.value.reason is Reason.REGISTRY_AUTH


def test_anonymous_access_to_a_password_is_refused_without_asking_again() -> None:
    """There is nothing to show, so there is nothing to try."""
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge('Basic realm="x"'), ANONYMOUS)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert "anonymous" in caught.value.message


def test_a_message_never_contains_a_secret() -> None:
    """The refusal speaks of the configured credential and does not show it."""
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), _challenge(), USER, _answer(403))
    assert "password" not in caught.value.message
    assert "password" not in repr(USER)


EXPIRING = Credential(username="aws", password="old", expires=FakeClock().now() + timedelta(hours=12))
RENEWED = Credential(username="aws", password="new", expires=FakeClock().now() + timedelta(hours=12))


def test_a_credential_that_expires_is_replaced_once_when_the_registry_refuses_it() -> None:
    """A 401 to it leads to one exchange, and to the same request with what came of that."""
    basic = _challenge('Basic realm="reg"')
    flow = authenticate(REQUEST, _access())
    steps, result = _run(flow, basic, EXPIRING, basic, RENEWED, basic, RENEWED, _answer(200))
    assert steps[3] == Renewal(EXPIRING)
    assert _authorization(steps[-1]) == "Basic " + b64encode(b"aws:new").decode()
    assert result is not None


def test_a_refused_credential_is_not_replaced_twice() -> None:
    """A registry that refuses everything causes one exchange for a request."""
    basic = _challenge('Basic realm="reg"')
    flow = authenticate(REQUEST, _access())
    with pytest.raises(StoreError) as caught:
        _run(flow, basic, EXPIRING, basic, RENEWED, basic, RENEWED, basic)
    assert caught.value.reason is Reason.REGISTRY_AUTH


def test_where_there_is_no_other_credential_the_refusal_stands() -> None:
    """The source returns the same one: nothing more is sent."""
    basic = _challenge('Basic realm="reg"')
    with pytest.raises(StoreError) as caught:
        _run(authenticate(REQUEST, _access()), basic, EXPIRING, basic, EXPIRING)
    assert caught.value.reason is Reason.REGISTRY_AUTH


def test_a_forbidden_answer_renews_a_credential_that_expires_too() -> None:
    """ECR answers 403 to an authorization token that has expired."""
    memory = Memory(FakeClock())
    basic = _challenge('Basic realm="reg"')
    _run(authenticate(REQUEST, _access(memory)), basic, EXPIRING, _answer(200))
    steps, result = _run(
        authenticate(REQUEST, _access(memory)), _answer(403), RENEWED, basic, RENEWED, _answer(200)
    )
    assert steps[1] == Renewal(EXPIRING)
    assert result is not None


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_any_other_answer_renews_nothing(status: int) -> None:
    """It says nothing of the credential."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge('Basic realm="reg"'), EXPIRING, _answer(200))
    steps, result = _run(authenticate(REQUEST, _access(memory)), _answer(status))
    assert len(steps) == 1
    assert result is not None
    assert result.status == status


def test_a_forbidden_answer_to_a_lasting_credential_is_the_answer() -> None:
    """A password does not expire: nothing is asked for again."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge('Basic realm="reg"'), USER, _answer(200))
    steps, result = _run(authenticate(REQUEST, _access(memory)), _answer(403))
    assert len(steps) == 1
    assert result is not None
    assert result.status == 403


def test_a_forbidden_repository_does_not_cost_a_challenge_for_each_request() -> None:
    """Where the source has no other credential, what is known of the registry stays known."""
    memory = Memory(FakeClock())
    _run(authenticate(REQUEST, _access(memory)), _challenge('Basic realm="reg"'), EXPIRING, _answer(200))
    known = memory.known("reg.example.com")
    _, result = _run(authenticate(REQUEST, _access(memory)), _answer(403), EXPIRING)
    assert result is not None
    assert result.status == 403
    assert memory.known("reg.example.com") == known is not None


def test_a_renewal_does_not_forget_what_another_one_has_learnt() -> None:
    """Requests that are refused at the same time: the first one that comes back has learnt the new credential."""
    memory = Memory(FakeClock())
    basic = _challenge('Basic realm="reg"')
    _run(authenticate(REQUEST, _access(memory)), basic, EXPIRING, _answer(200))
    late = authenticate(REQUEST, _access(memory))
    assert isinstance(next(late), Request)
    assert late.send(_answer(403)) == Renewal(EXPIRING)
    _run(authenticate(REQUEST, _access(memory)), _answer(403), RENEWED, basic, RENEWED, _answer(200))
    again = late.send(RENEWED)
    assert isinstance(again, Request)
    assert _authorization(again) == "Basic " + b64encode(b"aws:new").decode()


def test_a_token_server_that_refuses_the_credential_leads_to_a_renewal() -> None:
    """Azure's refresh tokens are refused by the token server and not by the registry."""
    old = Credential(identity_token="old", expires=EXPIRING.expires)
    new = Credential(identity_token="new", expires=EXPIRING.expires)
    flow = authenticate(REQUEST, _access())
    steps, result = _run(
        flow, _challenge(), old, _answer(401), new, _challenge(), new, _token(), _answer(200)
    )
    assert steps[3] == Renewal(old)
    assert result is not None


def test_a_credential_is_asked_for_again_before_it_expires() -> None:
    """Five minutes before its end what is known of the registry no longer counts."""
    clock = FakeClock()
    memory = Memory(clock)
    short = Credential(username="aws", password="x", expires=clock.now() + timedelta(hours=1))
    _run(authenticate(REQUEST, _access(memory)), _challenge('Basic realm="reg"'), short, _answer(200))
    assert memory.known("reg.example.com") is not None
    clock.advance(55 * 60)
    assert memory.known("reg.example.com") is None
