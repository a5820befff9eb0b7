"""The members of a group, from a name service that may block."""

import asyncio
import grp
import os
import pwd
import threading

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.http.group_members import GroupMembers, group_number, members_of
from pyratify.testing.fakes import FakeClock


class Directory:
    """A name service that answers when a test lets it."""

    def __init__(self, *members: int) -> None:
        self.members, self.asked = frozenset(members), 0
        self.threads: set[threading.Thread] = set()
        self.answers = threading.Event()
        self.answers.set()

    def look_up(self, group: int) -> frozenset[int]:
        """Return the members, as late as the test wants."""
        self.asked += 1
        self.threads.add(threading.current_thread())
        self.answers.wait(30)
        return self.members

    def of_group(self, clock: FakeClock, seconds: float = 10.0) -> GroupMembers:
        """Return the members of a group in it."""
        return GroupMembers(4242, clock, self.look_up, seconds)


async def settled(members: GroupMembers, user: int) -> bool:
    """Return whether a user is a member, as soon as an answer is there."""
    while True:
        try:
            return await members.include(user)
        except TimeoutError:
            continue


async def test_members_are_looked_up_off_the_event_loop() -> None:
    """The name service may be a directory on the network."""
    directory = Directory(1002)
    members = directory.of_group(FakeClock())
    assert await members.include(1002)
    assert not await members.include(1003)
    assert threading.current_thread() not in directory.threads


async def test_a_directory_that_hangs_does_not_keep_the_server_from_its_end() -> None:
    """The end of a process waits for all threads but daemons."""
    directory = Directory(1002)
    await directory.of_group(FakeClock()).include(1002)
    assert all(thread.daemon for thread in directory.threads)


async def test_members_are_remembered_for_seconds_and_then_no_longer() -> None:
    """A member that is removed is refused after that; one that is added is admitted."""
    directory, clock = Directory(1002), FakeClock()
    members = directory.of_group(clock)
    assert await members.include(1002)
    directory.members = frozenset({1003})
    clock.advance(4.9)
    assert await members.include(1002)
    clock.advance(0.1)
    assert not await members.include(1002)
    assert await members.include(1003)
    assert directory.asked == 2


async def test_a_directory_that_hangs_admits_no_process_and_takes_one_thread() -> None:
    """However many requests come; the loop is free meanwhile."""
    directory, clock = Directory(1002), FakeClock()
    members = directory.of_group(clock, seconds=0.01)
    directory.answers.clear()
    try:
        asked = [members.include(1002) for _ in range(20)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in found} == {TimeoutError}
        with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
            await members.include(1002)
        assert directory.asked == 1
    finally:
        directory.answers.set()
    assert await settled(members, 1002)
    assert directory.asked == 1


async def test_an_answer_that_came_late_is_not_taken_for_a_new_one() -> None:
    """It ages from when it came, also while no request waits for it."""
    directory, clock = Directory(1002), FakeClock()
    members = directory.of_group(clock, seconds=0.01)
    directory.answers.clear()
    with pytest.raises(TimeoutError):
        await members.include(1002)
    directory.answers.set()
    await settled(members, 1002)
    directory.members = frozenset()
    clock.advance(5)
    assert not await members.include(1002)


async def test_a_failure_is_not_remembered() -> None:
    """The next request asks again."""
    answers: list[frozenset[int]] = [frozenset({1002})]

    def look_up(group: int) -> frozenset[int]:
        if len(answers) == 1:
            answers.append(answers[0])
            raise OSError("the directory does not answer")
        return answers[0]

    members = GroupMembers(4242, FakeClock(), look_up)
    with pytest.raises(OSError, match="does not answer"):
        await members.include(1002)
    assert await members.include(1002)


def test_the_name_service_tells_members_by_name() -> None:
    """A group that is gone has none."""
    found = [(each.gr_gid, name) for each in grp.getgrall() for name in each.gr_mem]
    for group, name in found[:1]:
        assert pwd.getpwnam(name).pw_uid in members_of(group)
    taken = {each.gr_gid for each in grp.getgrall()}
    assert members_of(next(number for number in range(54321, 65000) if number not in taken)) == frozenset()


def test_a_group_may_name_users_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cannot ask, and hinder no other."""
    group = grp.struct_group(("ratify", "x", 4242, ["no-such-user", "root"]))
    monkeypatch.setattr(grp, "getgrgid", lambda number: group)
    assert members_of(4242) == {0}


def test_a_group_has_a_name_or_a_number() -> None:
    """One that does not exist is said at the start."""
    own = grp.getgrgid(os.getgid())
    assert group_number(own.gr_name) == own.gr_gid
    assert group_number("4242") == 4242
    with pytest.raises(ConfigurationError, match="no group 'nobody-here'"):
        group_number("nobody-here")
