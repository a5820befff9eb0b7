"""What plugins of one engine share is made once."""

from pyratify.core.caching import MemoryCache
from pyratify.core.shared_resources import Shared


def test_a_shared_thing_is_made_by_the_first_who_asks() -> None:
    """The second gets the same; another key is another thing; another engine shares nothing."""
    shared, made = Shared(MemoryCache()), []

    def make() -> object:
        made.append(1)
        return object()

    first = shared.once("a", make)
    assert shared.once("a", make) is first
    assert shared.once("b", make) is not first
    assert len(made) == 2
    assert Shared().once("a", make) is not first


def test_only_so_many_things_are_kept() -> None:
    """A pool that lives long and is asked for ever new keys forgets those made first."""
    shared, made = Shared(), list[int]()

    def ask(number: int) -> None:
        shared.once(str(number), lambda: made.append(number))

    for number in range(1000):
        ask(number)
    ask(999)
    assert len(made) == 1000
    ask(0)
    assert made[-1] == 0
