"""What is remembered of registries."""

from dataclasses import replace

from pyratify.core.credential import ANONYMOUS
from pyratify.stores.registry.challenge import Challenge
from pyratify.stores.registry.token_cache import Known, Memory, TokenKey
from pyratify.testing.fakes import FakeClock
from support.registries import USER

KEY = TokenKey("reg.example.com", "https://reg.example.com/token", "s", "repository:app:pull", USER)


def test_a_token_is_for_one_registry_realm_service_scope_and_credential() -> None:
    """A token is not found under any other key."""
    memory = Memory(FakeClock())
    memory.keep(KEY, "t", 60)
    assert memory.token(KEY) == "t"
    for change in (
        {"registry": "other"},
        {"realm": "other"},
        {"service": "other"},
        {"scope": "repository:other:pull"},
        {"credential": ANONYMOUS},
    ):
        assert memory.token(replace(KEY, **change)) is None


def test_a_lifetime_is_bounded() -> None:
    """A token that claims to live for years is asked for again after an hour; one for no time is never used."""
    clock = FakeClock()
    memory = Memory(clock)
    memory.keep(KEY, "t", 1e9)
    clock.advance(3601)
    assert memory.token(KEY) is None
    memory.keep(KEY, "t", 0)
    assert memory.token(KEY) is None


def test_only_what_was_refused_is_dropped() -> None:
    """A newer token, fetched meanwhile by another task, stays."""
    memory = Memory(FakeClock())
    memory.keep(KEY, "new", 60)
    memory.drop(KEY, "old")
    assert memory.token(KEY) == "new"
    memory.drop(KEY, "new")
    assert memory.token(KEY) is None


def test_memory_is_bounded() -> None:
    """Many repositories and registries do not make it grow without end."""
    memory = Memory(FakeClock())
    for number in range(2000):
        memory.keep(replace(KEY, scope=f"repository:app{number}:pull"), "t", 60)
        memory.learn(f"reg{number}", Known(Challenge("basic"), USER))
    assert memory.token(replace(KEY, scope="repository:app0:pull")) is None
    assert memory.token(replace(KEY, scope="repository:app1999:pull")) == "t"
    assert memory.known("reg0") is None
    assert memory.known("reg1999") is not None


def test_something_newer_is_not_forgotten() -> None:
    """Forgetting names what turned out to be wrong."""
    memory = Memory(FakeClock())
    old, new = Known(Challenge("basic"), ANONYMOUS), Known(Challenge("basic"), USER)
    memory.learn("reg", new)
    memory.forget("reg", old)
    assert memory.known("reg") == new


def test_the_number_of_remembered_tokens_is_bounded() -> None:
    """A thousand and twenty-four; the oldest is forgotten first, and keeping one again makes it the newest."""
    memory = Memory(FakeClock())
    keys = [replace(KEY, scope=f"repository:app{number}:pull") for number in range(1025)]
    for key in keys[:1024]:
        memory.keep(key, "t", 60)
    memory.keep(keys[0], "t", 60)
    assert all(memory.token(key) for key in keys[:1024])
    memory.keep(keys[1024], "t", 60)
    assert [index for index, key in enumerate(keys) if memory.token(key) is None] == [1]


def test_the_number_of_remembered_registries_is_bounded() -> None:
    """Two hundred and fifty-six; the oldest is forgotten first."""
    memory, known = Memory(FakeClock()), Known(Challenge("basic"), USER)
    names = [f"reg{number}.example.com" for number in range(257)]
    for name in names[:256]:
        memory.learn(name, known)
    assert all(memory.known(name) for name in names[:256])
    memory.learn(names[256], known)
    assert [name for name in names if memory.known(name) is None] == names[:1]
