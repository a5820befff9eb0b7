"""What is learnt of registries from their answers."""

import pytest

from pyratify.core.digest import Digest
from pyratify.stores.registry.capabilities import LIFETIME, Capabilities
from pyratify.testing.fakes import FakeClock

HOST, HERE, ELSEWHERE = "registry.example", Digest.of(b"here"), Digest.of(b"elsewhere")


@pytest.mark.parametrize("found_first", [True, False])
def test_atk_288_only_an_answer_about_a_subject_that_is_there_tells_of_the_api(found_first: bool) -> None:
    """A 404 about an absent subject, or another one than was found, says nothing."""
    clock = FakeClock()
    capabilities = Capabilities(clock)
    capabilities.unanswered(HOST, "app", ELSEWHERE)
    capabilities.found(HOST, "app", HERE)
    capabilities.unanswered(HOST, "other", HERE)
    assert not capabilities.without_api(HOST)
    steps = [capabilities.found, capabilities.unanswered]
    for step in steps if found_first else reversed(steps):
        step(HOST, "third", HERE)
    assert capabilities.without_api(HOST)
    assert not capabilities.without_api("another.example")
    clock.advance(LIFETIME)
    assert not capabilities.without_api(HOST)
