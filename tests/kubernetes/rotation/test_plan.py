"""The decision about a Secret, at every time of its life and in every state it can be brought into."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given
from hypothesis import strategies as st

from pyratify.kubernetes.rotation.plan import ClusterState, Step, carry_out, decide, unusable
from pyratify.kubernetes.rotation.secret_contents import (
    MAX_DOCUMENT,
    SecretContents,
    ServiceNames,
    bundle,
    examine,
)
from pyratify.testing.tls import Authority
from support.rotations import (
    ADOPTED,
    ANNOUNCED,
    DAY,
    LIVES,
    NEVER,
    NOW,
    SECOND,
    SERVICE,
    at,
    fresh,
    of_cert_controller,
    stepped,
)

OLD = LIVES.authority - LIVES.renew_authority + SECOND
"""When an authority is so old that there has to be a new one."""


def accepted(contents: SecretContents, trusted: bytes, now: datetime) -> bool:
    """Return whether a client that trusts this bundle accepts the server certificate."""
    store = Store(x509.load_pem_x509_certificates(trusted))
    verifier = PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(SERVICE.names[0]))
    try:
        verifier.verify(x509.load_pem_x509_certificate(contents.certificate), [])
    except x509.verification.VerificationError:
        return False
    return True


def kept(contents: SecretContents, age: timedelta) -> SecretContents:
    """Return the material with server certificates renewed as time goes by, up to that age of the authority."""
    now = NOW
    while now < NOW + age:
        _, contents = stepped(contents, now, ADOPTED)
        now += 5 * DAY
    return contents


class TestTheLifeOfACertificate:
    """Nothing, renewal in time, and the boundaries."""

    def test_an_empty_secret_gets_everything_at_once(self) -> None:
        """A new authority and a certificate that its clients accept; then nothing more."""
        decision, contents = stepped(SecretContents())
        assert decision.step is Step.START
        assert accepted(contents, contents.authorities, NOW)
        assert contents.managed
        assert decide(at(contents)).step is Step.KEEP

    @pytest.mark.parametrize(("early", "step"), [(timedelta(0), Step.KEEP), (SECOND, Step.ISSUE)])
    def test_a_certificate_is_renewed_when_thirty_days_are_left(self, early: timedelta, step: Step) -> None:
        """Not a second before that."""
        contents = fresh()
        assert decide(at(contents, NOW + LIVES.leaf - LIVES.renew_leaf + early)).step is step

    def test_renewal_keeps_the_authority(self) -> None:
        """Clients need to learn nothing."""
        contents = fresh()
        now = NOW + LIVES.leaf - DAY
        decision, renewed = stepped(contents, now)
        assert decision.step is Step.ISSUE
        assert renewed.authorities == contents.authorities
        assert renewed.certificate != contents.certificate
        assert accepted(renewed, contents.authorities, now + LIVES.leaf - SECOND)

    def test_an_ended_certificate_is_renewed_too(self) -> None:
        """After a long outage."""
        contents = fresh()
        now = NOW + LIVES.leaf + DAY
        assert not accepted(contents, contents.authorities, now)
        decision, renewed = stepped(contents, now)
        assert decision.step is Step.ISSUE
        assert accepted(renewed, contents.authorities, now)

    def test_a_certificate_that_has_not_begun_is_replaced(self) -> None:
        """It was made by a clock that was ahead; clients with the right time would not accept it."""
        contents = fresh(NOW + LIVES.backdate + SECOND)
        assert unusable(examine(contents), NOW).startswith("its server certificate begins")
        decision, renewed = stepped(contents)
        assert decision.step is Step.START
        assert accepted(renewed, renewed.authorities, NOW)

    def test_an_ended_authority_is_replaced_at_once(self) -> None:
        """No client accepts its certificates any more, so there is nothing to overlap."""
        contents = kept(fresh(), LIVES.authority - LIVES.renew_authority - DAY)
        decision, renewed = stepped(contents, NOW + LIVES.authority + SECOND)
        assert decision.step is Step.START
        assert renewed.authorities != contents.authorities

    @pytest.mark.parametrize(("early", "step"), [(timedelta(0), Step.KEEP), (SECOND, Step.ANNOUNCE)])
    def test_an_authority_is_renewed_when_half_a_year_is_left(self, early: timedelta, step: Step) -> None:
        """Not a second before that."""
        boundary = LIVES.authority - LIVES.renew_authority
        contents = kept(fresh(), boundary - DAY)
        assert decide(at(contents, NOW + boundary + early, ADOPTED)).step is step


class TestANewAuthority:
    """Announced, then used, then the old one goes."""

    def test_a_client_of_any_moment_accepts_what_any_replica_serves(self) -> None:
        """Through a whole exchange: clients that are one step behind, and replicas that are one step behind."""
        now = NOW + OLD
        first = kept(fresh(), OLD)
        decision, announced = stepped(first, now, ADOPTED)
        assert decision.step is Step.ANNOUNCE
        assert announced.certificate == first.certificate
        assert announced.authorities.endswith(first.authorities)
        assert announced.authority_key != first.authority_key
        assert decide(at(announced, now, NEVER)).step is Step.KEEP
        decision, issued = stepped(announced, now, ANNOUNCED)
        assert decision.step is Step.ISSUE
        assert issued.authorities == announced.authorities
        for replica in (first, issued):
            assert accepted(replica, announced.authorities, now)
        assert not accepted(issued, first.authorities, now), (
            "it is a new authority, so it had to be announced"
        )
        later = now + LIVES.overlap
        assert decide(at(issued, later - SECOND, ADOPTED)).step is Step.KEEP
        assert decide(at(issued, later, ANNOUNCED)).step is Step.KEEP
        decision, retired = stepped(issued, later, ADOPTED)
        assert decision.step is Step.RETIRE
        assert accepted(retired, retired.authorities, later)
        assert not accepted(first, retired.authorities, later)
        assert decide(at(retired, later, ADOPTED)).step is Step.KEEP

    @pytest.mark.parametrize(("early", "step"), [(timedelta(0), Step.KEEP), (SECOND, Step.ISSUE)])
    def test_one_day_before_the_end_it_is_used_even_though_not_every_client_knows_it(
        self, early: timedelta, step: Step
    ) -> None:
        """No client accepts a certificate that has ended; some may trust a new authority already."""
        now = NOW + OLD
        _, announced = stepped(kept(fresh(), OLD), now)
        ends = x509.load_pem_x509_certificate(announced.certificate).not_valid_after_utc
        assert decide(at(announced, ends - LIVES.urgent + early)).step is step

    def test_an_authority_that_is_made_again_and_again_does_not_fill_the_secret(self) -> None:
        """Destroying its key each time makes a bundle of four, the certificate's authority among them."""
        contents = fresh()
        for _ in range(9):
            decision, contents = stepped(replace(contents, authority_key=b"broken"))
            assert decision.step is Step.ANNOUNCE
        assert len(examine(contents).trusted) == 4
        assert accepted(contents, contents.authorities, NOW)

    @given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans()), max_size=40))
    def test_whatever_the_world_does_clients_that_are_told_accept(
        self, events: list[tuple[int, bool, bool]]
    ) -> None:
        """At any pace, with clients slow or quick and replicas slow or quick, what is served is in the bundle."""
        contents, now = fresh(), NOW
        for days, announced, adopted in events:
            now += days * DAY
            for _ in range(3):
                _, contents = stepped(contents, now, ClusterState(announced=announced, adopted=adopted))
            assert accepted(contents, contents.authorities, now)
            assert not unusable(examine(contents), now)


class TestBrokenSecrets:
    """Half-written, malformed, and managed by other means."""

    @pytest.mark.parametrize(
        "change",
        [
            {"certificate": b"", "key": b""},
            {"key": b""},
            {"certificate": b""},
            {"key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
            {"certificate": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
            {"certificate": b"\xff\xfe", "key": b"\xff"},
            {"certificate": b"#" * (MAX_DOCUMENT + 1)},
        ],
        ids="-".join,
    )
    def test_a_server_certificate_that_cannot_be_used_is_made_again(self, change: dict[str, bytes]) -> None:
        """By the same authority, which is whole."""
        good = fresh()
        broken = replace(good, **change)
        assert unusable(examine(broken), NOW)
        decision, mended = stepped(broken)
        assert decision.step is Step.ISSUE
        assert mended.authorities == good.authorities
        assert accepted(mended, good.authorities, NOW)

    def test_a_key_of_another_certificate_is_no_key(self) -> None:
        """The pair is made again."""
        decision, mended = stepped(replace(fresh(), key=fresh().key))
        assert decision.step is Step.ISSUE
        assert accepted(mended, mended.authorities, NOW)

    @pytest.mark.parametrize(
        "key", [b"", b"broken", fresh().authority_key], ids=["none", "broken", "another"]
    )
    def test_an_authority_without_its_key_is_succeeded_with_an_overlap(self, key: bytes) -> None:
        """The certificate that it signed is good, so clients lose nothing."""
        good = fresh()
        decision, contents = stepped(replace(good, authority_key=key))
        assert decision.step is Step.ANNOUNCE
        assert contents.certificate == good.certificate
        assert accepted(contents, contents.authorities, NOW)
        decision, contents = stepped(contents, cluster_state=ANNOUNCED)
        assert decision.step is Step.ISSUE
        assert accepted(contents, contents.authorities, NOW)

    @pytest.mark.parametrize(
        "authorities", [b"", b"broken", fresh().authorities], ids=["none", "broken", "another"]
    )
    def test_authorities_that_did_not_sign_the_certificate_start_anew(self, authorities: bytes) -> None:
        """No client that trusts the bundle would accept it."""
        decision, contents = stepped(replace(fresh(), authorities=authorities))
        assert decision.step is Step.START
        assert accepted(contents, contents.authorities, NOW)

    def test_a_certificate_for_another_service_is_made_again(self) -> None:
        """The names are missing; the authority is good."""
        contents = fresh(service=ServiceNames("other", "elsewhere"))
        decision, mended = stepped(contents)
        assert decision.step is Step.ISSUE
        assert accepted(mended, contents.authorities, NOW)

    def test_a_leaf_is_no_authority(self) -> None:
        """A server certificate with its key in the authority's place signs nothing."""
        good = fresh()
        found = examine(
            replace(good, authorities=good.certificate + good.authorities, authority_key=good.key)
        )
        assert found.authority is None

    def test_a_foreign_certificate_is_left_alone(self) -> None:
        """One with its key and without the authority's, at any time; it is served, and never written."""
        authority = Authority("the company's")
        pem = authority.issue("ratify", *SERVICE.names)
        key, _, certificate = pem.partition(b"-----END PRIVATE KEY-----\n")
        contents = SecretContents(
            authorities=authority.pem.encode(),
            certificate=certificate,
            key=key + b"-----END PRIVATE KEY-----\n",
        )
        assert not unusable(examine(contents), datetime.now(NOW.tzinfo))
        for now in (NOW, NOW + 999 * DAY):
            decision, after = stepped(contents, now)
            assert decision.step is Step.LEAVE
            assert after == contents

    def test_one_of_ours_whose_key_was_lost_is_not_foreign(self) -> None:
        """The mark tells."""
        contents = replace(fresh(), authority_key=b"")
        assert decide(at(contents)).step is Step.ANNOUNCE
        assert decide(at(replace(contents, managed=False))).step is Step.LEAVE

    def test_nothing_of_the_secret_ever_raises(self) -> None:
        """Whatever stands in any of the documents."""
        good = fresh()
        texts = (
            b"",
            b"\0",
            b"-----BEGIN ",
            good.certificate,
            good.key,
            good.authorities * 2,
            good.certificate[:-9],
        )
        for one in texts:
            for name in ("authorities", "authority_key", "certificate", "key"):
                broken = replace(good, **{name: one})
                for _ in range(3):
                    _, broken = stepped(broken, cluster_state=ADOPTED)
                assert accepted(broken, broken.authorities, NOW)


class TestTakingOver:
    """A Secret that Ratify v2 wrote."""

    def test_what_cert_controller_wrote_is_served_until_its_successor_is_known(self, tmp_path: Path) -> None:
        """Its authority has the serial number 0, which we do not sign with; clients lose nothing on the way."""
        contents = of_cert_controller(tmp_path)
        now = datetime.now(NOW.tzinfo)
        found = examine(contents)
        assert not unusable(found, now)
        assert found.issuer is not None
        decision, announced = stepped(contents, now)
        assert decision.step is Step.ANNOUNCE
        assert announced.certificate == contents.certificate
        assert examine(announced).trusted[1] == found.issuer
        decision, issued = stepped(announced, now, ANNOUNCED)
        assert decision.step is Step.ISSUE
        decision, retired = stepped(issued, now + LIVES.overlap, ADOPTED)
        assert decision.step is Step.RETIRE
        assert accepted(retired, retired.authorities, now)


def test_steps_without_what_they_need_change_nothing() -> None:
    """A step that was decided for another Secret."""
    for step in (Step.KEEP, Step.LEAVE, Step.ISSUE, Step.RETIRE):
        assert carry_out(step, at(SecretContents())) == SecretContents()


def test_a_bundle_is_what_the_secret_says() -> None:
    """PEM, one certificate after another."""
    contents = fresh()
    assert bundle(examine(contents).trusted) == contents.authorities
    assert bundle(examine(contents).trusted * 2) == contents.authorities * 2


def test_no_key_is_in_a_representation() -> None:
    """Of material, of what was found in it, and of a situation; logs show representations."""
    contents = fresh()
    for shown in (repr(contents), repr(examine(contents)), repr(at(contents))):
        assert "PRIVATE" not in shown
        assert "ECPrivateKey" not in shown
