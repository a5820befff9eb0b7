"""Replicas that take care of the certificates, at an API server over HTTP that does what API servers do."""

import asyncio
import base64
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from kubernetes.rotation.conftest import TARGETS, Replica, install
from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import change
from pyratify.kubernetes.rotation.certificate_secret import SecretStore
from pyratify.kubernetes.rotation.leader import LeaderLease
from pyratify.kubernetes.rotation.plan import Step
from pyratify.kubernetes.rotation.secret_contents import fingerprint
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.tls import Authority
from support.rotations import LIVES, SERVICE

Make = Callable[..., Replica]
SECRET = ("v1", "secrets", SERVICE.secret, SERVICE.namespace)
SHORT = Lifetimes(
    authority=timedelta(days=12),
    renew_authority=timedelta(days=7),
    leaf=timedelta(days=3),
    renew_leaf=timedelta(days=1),
    urgent=timedelta(minutes=1),
)
LEASE = ("coordination.k8s.io/v1", "leases", f"{SERVICE.name}-certificates", SERVICE.namespace)


def secret(server: ApiServer) -> dict[str, bytes]:
    """Return what the Secret holds."""
    return {name: base64.b64decode(text) for name, text in server.get(*SECRET)["data"].items()}


def spoil(server: ApiServer, **data: bytes | None) -> None:
    """Change fields of the Secret as another client would; None removes one."""
    found = server.get(*SECRET)
    for field, value in data.items():
        name = field.replace("_", ".")
        found["data"].pop(name, None)
        if value is not None:
            found["data"][name] = base64.b64encode(value).decode()
    server.put(*SECRET[:2], found)


def bundles(server: ApiServer) -> set[bytes]:
    """Return what clients are told to trust; one value when all are told the same."""
    found: set[bytes] = set()
    for target in TARGETS:
        resource = server.get(target.api, target.plural, target.name)
        hooks = [hook["clientConfig"] for hook in resource.get("webhooks", ())] or [resource["spec"]]
        found |= {base64.b64decode(hook["caBundle"]) for hook in hooks}
    return found


def accepts(trusted: bytes, certificate: bytes, clock: FakeClock) -> bool:
    """Return whether a client that trusts this accepts a certificate now."""
    store = Store(x509.load_pem_x509_certificates(trusted))
    verifier = (
        PolicyBuilder().store(store).time(clock.now()).build_server_verifier(x509.DNSName(SERVICE.names[1]))
    )
    try:
        verifier.verify(x509.load_pem_x509_certificate(certificate), [])
    except x509.verification.VerificationError:
        return False
    return True


def writes(server: ApiServer) -> list[tuple[str, str]]:
    """Return the requests that changed something else than the Lease."""
    return [(hit.method, hit.path) for hit in server.hits if hit.method != "GET" and "leases" not in hit.path]


async def test_a_first_replica_makes_everything(server: ApiServer, clock: FakeClock, replica: Make) -> None:
    """The Secret, what clients are told, and what is served; the next look changes nothing."""
    one = replica()
    assert await one.check() == ""
    found = secret(server)
    assert sorted(found) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert server.get(*SECRET)["type"] == "kubernetes.io/tls"
    assert one.served == [(found["tls.crt"], found["tls.key"])]
    assert bundles(server) == {found["ca.crt"]}
    assert accepts(found["ca.crt"], found["tls.crt"], clock)
    assert one.rotator.leading
    assert one.rotator.expires == clock.now() + LIVES.leaf
    before = writes(server)
    assert await one.check() == ""
    assert writes(server) == before
    assert len(one.served) == 1


async def test_nothing_else_in_a_resource_is_touched(server: ApiServer, replica: Make) -> None:
    """Labels, URL, timeout, and what belongs to a webhook."""
    before = {target: server.get(target.api, target.plural, target.name) for target in TARGETS}
    assert await replica().check() == ""
    for target, old in before.items():
        new = server.get(target.api, target.plural, target.name)
        for resource in (old, new):
            for part in (
                *[hook["clientConfig"] for hook in resource.get("webhooks", ())],
                resource.get("spec", {}),
            ):
                part.pop("caBundle", None)
            resource["metadata"] = {key: resource["metadata"][key] for key in ("name", "labels")}
        assert new == old


async def test_one_rotates_and_the_others_follow(server: ApiServer, replica: Make) -> None:
    """The second serves what the first made, and writes nothing but what it serves."""
    one, two = replica("one"), replica("two")
    await one.check()
    before = writes(server)
    assert await two.check() == ""
    assert two.served == one.served
    assert (one.rotator.leading, two.rotator.leading) == (True, False)
    assert writes(server) == before


async def test_when_the_first_is_gone_another_takes_over(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """Not before its time is over, by the clock of who waits; and the dead one is not waited for."""
    one, two = replica("one"), replica("two")
    await one.check()
    await two.check()
    clock.advance(39)
    await two.check()
    assert not two.rotator.leading
    clock.advance(1)
    await two.check()
    assert two.rotator.leading
    spec = server.get(*LEASE)["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("two", 1)
    clock.advance(6 * 3600)
    await two.check()
    await one.check()
    assert not one.rotator.leading
    reports = [name for name in server.get(*LEASE)["metadata"]["annotations"] if name.startswith("serving")]
    assert len(reports) == 2
    await two.check()
    clock.advance(6 * 3600)
    await two.check()
    assert len(server.get(*LEASE)["metadata"]["annotations"]) == 1


async def test_who_ends_gives_the_lease_up(server: ApiServer, replica: Make) -> None:
    """Another replica need not wait for its end."""
    one, two = replica("one"), replica("two")
    await one.check()
    watching = asyncio.create_task(one.rotator.watch())
    await asyncio.sleep(0)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert server.get(*LEASE)["spec"]["holderIdentity"] == ""
    await two.check()
    assert two.rotator.leading


async def test_replicas_that_begin_together_make_one_certificate(server: ApiServer, replica: Make) -> None:
    """A replica that loses the race for the Lease or the Secret serves what the winner wrote."""
    replicas = [replica(f"replica-{number}") for number in range(5)]
    for _ in range(3):
        await asyncio.gather(*(one.check() for one in replicas))
    assert {one.rotator.fault for one in replicas} == {""}
    assert len({one.served[-1] for one in replicas}) == 1
    assert [one.rotator.leading for one in replicas].count(True) == 1
    assert bundles(server) == {secret(server)["ca.crt"]}


async def test_two_that_both_believe_to_lead_do_no_harm(
    server: ApiServer, replica: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one read before the other wrote is not written: it reads again, and follows."""
    one, two = replica("one"), replica("two")
    stored = await SecretStore(two.rotator.api, SERVICE).read()
    await one.check()

    async def stale() -> Any:
        return stored

    monkeypatch.setattr(SecretStore, "read", lambda self: stale())
    server.put(*LEASE[:2], {**server.get(*LEASE), "spec": {}})
    assert await two.check() == ""
    assert (two.rotator.leading, two.served) == (True, [])
    monkeypatch.undo()
    assert await two.check() == ""
    assert two.served == one.served


@pytest.mark.parametrize("target", TARGETS, ids=str)
async def test_what_clients_are_told_is_put_back(server: ApiServer, replica: Make, target: Any) -> None:
    """At the next check after it was changed or replaced."""
    one = replica()
    await one.check()
    install(server, target)
    assert len(bundles_or_none(server, target)) != 0
    assert await one.check() == ""
    assert bundles(server) == {secret(server)["ca.crt"]}


def bundles_or_none(server: ApiServer, target: Any) -> set[str | None]:
    """Return what one resource says."""
    resource = server.get(target.api, target.plural, target.name)
    hooks = [hook["clientConfig"] for hook in resource.get("webhooks", ())] or [resource["spec"]]
    return {hook.get("caBundle") for hook in hooks}


async def test_a_resource_that_is_changed_meanwhile_is_read_again(server: ApiServer, replica: Make) -> None:
    """A conflict costs another try; three of them, a fault that the next look mends."""
    one = replica()
    server.refuse(409, method="PATCH", path="/providers/ratify-gatekeeper-provider", times=2)
    assert await one.check() == ""
    assert bundles(server) == {secret(server)["ca.crt"]}
    install(server, TARGETS[0])
    server.refuse(409, method="PATCH", path="/providers/", times=3)
    assert "Provider ratify-gatekeeper-provider: the API server refused with 409" in await one.check()
    assert await one.check() == ""


async def test_resources_that_are_not_there_are_passed_over(server: ApiServer, replica: Make) -> None:
    """Gatekeeper without mutation, or no Gatekeeper at all; what is there is told."""
    server.remove(TARGETS[1].api, TARGETS[1].plural, TARGETS[1].name)
    server.absent.add(f"{TARGETS[2].api}/{TARGETS[2].plural}")
    one = replica()
    assert await one.check() == ""
    assert bundles_or_none(server, TARGETS[0]) == {base64.b64encode(secret(server)["ca.crt"]).decode()}
    install(server, TARGETS[1])
    assert await one.check() == ""
    assert bundles_or_none(server, TARGETS[1]) == bundles_or_none(server, TARGETS[0])


async def test_a_resource_that_may_not_be_changed_is_a_fault_and_hides_no_other(
    server: ApiServer, replica: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """The certificate is served all the same; the log says what is missing, once."""
    one = replica()
    server.refuse(403, method="PATCH", path="/providers/ratify-gatekeeper-provider", times=2)
    with caplog.at_level(logging.INFO, "pyratify.rotation"):
        for _ in range(2):
            assert "Provider ratify-gatekeeper-provider: the API server refused with 403" in await one.check()
        assert await one.check() == ""
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert len(one.served) == 1
    assert bundles(server) == {secret(server)["ca.crt"]}
    assert "PRIVATE" not in caplog.text


@pytest.mark.parametrize(
    ("path", "method"), [("secrets", "GET"), ("secrets", "POST"), ("leases", "GET"), ("leases", "POST")]
)
@pytest.mark.parametrize("status", [403, 500, 503, 0])
async def test_without_permission_or_api_server_there_is_no_certificate_and_a_fault(
    server: ApiServer, replica: Make, path: str, method: str, status: int
) -> None:
    """Nothing is made up; when it works again, everything is there."""
    one = replica()
    server.refuse(status, method=method, path=path, times=2)
    assert await one.check() != ""
    assert one.served == []
    server.recover()
    assert await one.check() == ""
    assert len(one.served) == 1


async def test_an_outage_changes_nothing_of_what_is_served(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """For as long as it lasts; the fault says so."""
    one = replica()
    await one.check()
    server.refuse(0, times=1000)
    for _ in range(3):
        clock.advance(3600)
        assert "did not answer" in await one.check()
    assert len(one.served) == 1
    server.recover()
    assert await one.check() == ""


@pytest.mark.parametrize(
    "change",
    [
        {"tls_key": None},
        {"tls_crt": None},
        {"tls_crt": b"", "tls_key": b""},
        {"tls_key": b"garbage"},
        {"tls_crt": b"-----BEGIN CERTIFICATE-----\n"},
    ],
    ids="-".join,
)
async def test_atk_234_a_spoiled_secret_is_mended_and_never_served(
    server: ApiServer, clock: FakeClock, replica: Make, change: dict[str, bytes | None]
) -> None:
    """Who follows keeps the last good certificate meanwhile; who leads makes another of the same authority."""
    one, two = replica("one"), replica("two")
    await one.check()
    await two.check()
    authority = secret(server)["ca.crt"]
    spoil(server, **change)
    assert "it has no server certificate with its key" in await two.check()
    assert len(two.served) == 1
    assert await one.check() == ""
    assert await two.check() == ""
    assert two.served == one.served
    assert secret(server)["ca.crt"] == authority
    assert bundles(server) == {authority}
    assert accepts(authority, two.served[-1][0], clock)


async def test_what_is_no_base64_is_as_if_it_were_not_there(server: ApiServer, replica: Make) -> None:
    """Real API servers send none; a proxy between must not stop the rotation."""
    one = replica()
    await one.check()
    found = server.get(*SECRET)
    server.put(*SECRET[:2], {**found, "data": {**found["data"], "tls.crt": "!", "tls.key": 7}})
    assert await one.check() == ""
    assert len(one.served) == 2


async def test_an_api_server_that_never_answers_is_given_up(
    replica: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the deadline; the next check tries again."""
    one = replica()
    usual, one.rotator.deadline = one.rotator.deadline, 0.01
    monkeypatch.setattr(SecretStore, "read", lambda self: asyncio.Event().wait())
    assert await one.check() == "the API server did not answer in time"
    monkeypatch.undo()
    one.rotator.deadline = usual
    assert await one.check() == ""


async def test_a_defect_ends_nothing(replica: Make) -> None:
    """An unexpected error is a fault, and the next check tries again."""
    one = replica()
    real = one.rotator.serve
    one.rotator.serve = lambda *pair: 1 // 0 == 0
    assert (await one.check()).startswith("unexpected ZeroDivisionError: ")
    one.rotator.serve = real
    assert await one.check() == ""


async def test_a_lease_that_others_are_always_faster_at_is_not_ours(server: ApiServer, replica: Make) -> None:
    """After two conflicts another replica leads this time; the certificate that was read is served."""
    one, two = replica("one"), replica("two")
    await one.check()
    server.remove(*LEASE)
    server.refuse(409, method="POST", path="leases", times=2)
    assert await two.check() == ""
    assert not two.rotator.leading
    assert two.served == one.served


async def test_a_secret_that_is_deleted_is_made_anew(server: ApiServer, replica: Make) -> None:
    """With another authority: so everything is exchanged at once after a key was lost."""
    one = replica()
    await one.check()
    old = secret(server)
    server.remove(*SECRET)
    assert await one.check() == ""
    new = secret(server)
    assert not set(old.values()) & set(new.values())
    assert bundles(server) == {new["ca.crt"]}
    assert one.served[-1] == (new["tls.crt"], new["tls.key"])


async def test_other_things_in_the_secret_stay(server: ApiServer, replica: Make) -> None:
    """Empty, as a chart makes it, with labels and fields of others."""
    empty = {
        "metadata": {"name": SECRET[2], "namespace": SECRET[3], "labels": {"by": "helm"}},
        "type": "Opaque",
    }
    server.put(*SECRET[:2], {**empty, "data": {"other": "eA=="}})
    assert await replica().check() == ""
    found = server.get(*SECRET)
    assert found["type"] == "Opaque"
    assert found["metadata"]["labels"] == {"by": "helm"}
    assert found["data"]["other"] == "eA=="
    assert "ca.key" in found["data"]


async def test_a_foreign_certificate_is_served_reported_and_never_written(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """One that cert-manager or a chart's values put there; nothing but certificates is told."""
    authority = Authority("the company's")
    key, end, certificate = authority.issue("ratify", *SERVICE.names).partition(
        b"-----END PRIVATE KEY-----\n"
    )
    documents = {"ca.crt": authority.pem.encode() + key + end, "tls.crt": certificate, "tls.key": key + end}
    data = {name: base64.b64encode(text).decode() for name, text in documents.items()}
    server.put(*SECRET[:2], {"metadata": {"name": SECRET[2], "namespace": SECRET[3]}, "data": data})
    clock.time, one = datetime.now(UTC), replica()
    assert await one.check() == ""
    assert one.served == [(certificate, key + end)]
    assert server.get(*SECRET)["data"] == data
    assert bundles(server) == {authority.pem.encode()}


async def test_atk_234_a_new_authority_comes_without_a_gap(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """A client that reads what it is told at any moment accepts what every replica serves at that moment.

    Through two exchanges, with three replicas: one is slow, and one dies on the way.
    """
    one, slow, dying = replicas = [replica(name, lifetimes=SHORT) for name in ("one", "slow", "dying")]
    for each in replicas:
        await each.check()
    told: list[int] = []
    authorities: set[bytes] = set()
    for number in range(80):
        clock.advance(5 * 3600 if number % 3 else 61)
        for each in (one, *replicas[1 : 1 + number % 3]):
            assert await each.check() == ""
            (trusted,) = bundles(server)
            told.append(trusted.count(b"BEGIN CERTIFICATE"))
            authorities.add(trusted)
            for any_of_them in replicas:
                assert accepts(trusted, any_of_them.served[-1][0], clock)
        if told[-1] == 2 and dying in replicas:
            replicas.remove(dying)
    assert set(told) == {1, 2}
    assert len(authorities) == 5, "one, both, the second, both, the third"
    assert slow.served[-1] == one.served[-1]


async def test_an_old_authority_is_trusted_as_long_as_one_replica_serves_its_certificate(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """However long that takes, as long as it is heard of."""
    one, slow = replica("one"), replica("slow")
    await one.check()
    await slow.check()
    spoil(server, ca_key=b"lost")
    await one.check()
    clock.advance(60)
    await one.check()
    assert one.served[-1] != slow.served[-1]
    lease = LeaderLease(slow.rotator.api, LEASE[2], SERVICE.namespace, "slow", clock)
    for _ in range(8):
        clock.advance(3600)
        await lease.hold(fingerprint(slow.served[-1][0]))
        await one.check()
        (trusted,) = bundles(server)
        assert accepts(trusted, slow.served[-1][0], clock)
    await slow.check()
    await one.check()
    (trusted,) = bundles(server)
    assert trusted.count(b"BEGIN CERTIFICATE") == 1
    assert accepts(trusted, slow.served[-1][0], clock)


async def test_nothing_of_a_new_authority_is_served_before_clients_were_told(
    server: ApiServer, clock: FakeClock, replica: Make
) -> None:
    """As long as one of the resources cannot be changed, the old certificate is served; and a minute longer."""
    one = replica()
    await one.check()
    spoil(server, ca_key=b"lost")
    server.refuse(403, method="PATCH", path="mutatingwebhook", times=3)
    for _ in range(3):
        assert "403" in await one.check()
        clock.advance(600)
    assert len(one.served) == 1
    assert await one.check() == ""
    clock.advance(59)
    assert await one.check() == ""
    assert len(one.served) == 1
    install(server, TARGETS[0])
    clock.advance(1)
    assert await one.check() == "", "it is put back only now, so the minute begins again"
    assert len(one.served) == 2


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"spec": None},
        {"spec": "x"},
        {"webhooks": "x", "spec": 1},
        {"webhooks": []},
        {"webhooks": [None, "x", {"clientConfig": None}, {}]},
        {"spec": {"caBundle": "new"}},
    ],
)
def test_what_is_not_what_it_should_be_is_not_changed(found: dict[str, Any]) -> None:
    """And what is right already neither."""
    assert change(found, "new") == {}


def test_the_steps_have_stable_names() -> None:
    """They are in logs."""
    assert [step.value for step in Step] == ["keep", "leave", "start", "announce", "issue", "retire"]
