"""Section G of the catalogue: what a policy could count that is not there."""

from itertools import permutations

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, codes, image, signed_by_annotation, threshold, validate


def signed(*signers: str, kind: str = KIND) -> MemoryStore:
    """Return a store whose image has one signature by each of these."""
    store, subject = image()
    for number, signer in enumerate(signers):
        store.attach(subject, kind, annotations={"signers": signer, "n": str(number)})
    return store


@pytest.mark.parametrize(
    ("signers", "allowed"),
    [(("k1",), False), (("k1", "k1"), False), (("k1", "k2"), True), (("k1 k2",), True), ((), False)],
)
async def test_atk_112_one_signature_does_not_satisfy_two_rules(
    signers: tuple[str, ...], allowed: bool
) -> None:
    """Two rules of one verifier need two signers: not one signature, not two by one key."""
    result = await validate(
        signed(*signers), signed_by_annotation(), policy=threshold("fake", "fake", needed=2)
    )
    assert result.succeeded is allowed
    if not allowed:
        assert codes(result) <= {Reason.POLICY_UNSATISFIED, Reason.NO_EVIDENCE}


async def test_atk_113_copies_of_evidence_that_has_no_signer_are_one() -> None:
    """A manifest copied with another annotation is another digest, and no other evidence."""
    store, subject = image()
    for number in range(5):
        store.attach(subject, KIND, annotations={"n": str(number)})
    result = await validate(store, FakeVerifier(), policy=threshold("fake", "fake", needed=2))
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.POLICY_UNSATISFIED}


@pytest.mark.parametrize("across", [True, False])
async def test_atk_114_one_key_under_two_verifiers_counts_once_where_it_is_asked(across: bool) -> None:
    """With `across`, two verifiers that trust the same key need two keys."""
    verifiers = (signed_by_annotation("a"), signed_by_annotation("b"))
    policy = threshold("a", "b", across=across)
    assert (await validate(signed("k1"), *verifiers, policy=policy)).succeeded is not across
    assert (await validate(signed("k1", "k2"), *verifiers, policy=policy)).succeeded


async def test_atk_116_the_order_of_rules_verifiers_and_evidence_makes_no_difference() -> None:
    """No rule is read first: every order of rules and verifiers gives the same verdicts."""
    kinds = {"a": "application/a", "b": "application/b", "c": "application/c"}
    for present, allowed in (("ab", True), ("ac", False), ("a", False)):
        for rules in permutations(("a", "b")):
            for names in permutations(kinds):
                store, _ = image(*(kinds[name] for name in present))
                verifiers = [FakeVerifier(name, kinds[name]) for name in names]
                result = await validate(store, *verifiers, policy=threshold(*rules))
                assert result.succeeded is allowed


@pytest.mark.parametrize("order", list(permutations(("", "k1", "k2"))))
async def test_atk_123_all_evidence_is_looked_at_and_not_only_the_first(order: tuple[str, ...]) -> None:
    """Wherever the bad one stands, both good ones are found and it counts for nothing."""
    policy = threshold("fake", "fake", "fake", needed=2)
    assert (await validate(signed(*order), signed_by_annotation(), policy=policy)).succeeded
    more = threshold("fake", "fake", "fake", needed=3)
    assert not (await validate(signed(*order), signed_by_annotation(), policy=more)).succeeded
