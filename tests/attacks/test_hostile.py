"""Everything hostile at once, against a provider in a process of its own: what honest questions feel of it.

`python -m bench hostile` measures this on a quiet machine; the bounds here hold on one that is slow and busy, and are far below
what each of these attacks did when it was found (1,240 MiB, 42 seconds).
"""

from bench.hostile import measure
from bench.hostile_registry import KINDS


def test_atk_285_hostile_keys_cost_an_honest_question_nothing() -> None:
    """64 keys of large documents, many tokens, large manifests, tiny chunks and junk signatures, beside large bodies."""
    found = measure(KINDS, rounds=1, timeout="10s")
    assert found.allowed == 0
    assert found.refused == 0  # neither a remembered question nor a fresh one at the very same registry
    assert found.peak < 300
    assert max(found.hostile) < 12  # an answer for every key at 9.9 seconds, and what a busy machine adds
    assert max(found.fresh) < 9.9
    assert found.percentile(0.5) < 1
    assert len(found.remembered) >= 10
