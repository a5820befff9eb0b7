"""Flags of everything that serves."""

import argparse
from collections.abc import Callable

import pytest

from pyratify.entrypoints.gatekeeper import provider_flags as gatekeeper
from pyratify.entrypoints.webhook import webhook_flags as webhook
from pyratify.serving.server_flags import answer_within, count, duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("500ms", 0.5), ("1m30s", 90), ("2", 2), ("1.5s", 1.5)]
)
def test_durations_are_written_as_in_go(text: str, seconds: float) -> None:
    """A number without a unit is seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "0s", "-1s", "5 s", "5x", "11m", "\u0665s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nor are zero and more than ten minutes."""
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


def test_answers_come_a_little_before_the_callers_timeout() -> None:
    """4.9 of 5 seconds, 1.95 of 2."""
    assert (answer_within(5), answer_within(2)) == (4.9, 1.95)


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "65537", "\u0661"])
def test_what_is_no_count_is_refused(text: str) -> None:
    """One is the least."""
    with pytest.raises(argparse.ArgumentTypeError):
        count(text)


def test_a_count_is_a_number() -> None:
    """As it is written."""
    assert count("64") == 64


@pytest.mark.parametrize("add", [gatekeeper.add_flags, webhook.add_flags])
def test_what_tenants_may_reach_is_listed_entry_by_entry(
    add: Callable[[argparse.ArgumentParser], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Networks and hosts, each by a flag of its own; nothing is listed by itself, and what is neither is shown."""
    parser = argparse.ArgumentParser()
    add(parser)
    common = ["--address", ":1", "--rules", "rules.yaml"] if add is webhook.add_flags else ["--address", ":1"]
    listed = ["10.20.0.0/16", "registry.corp.example:5000"]
    flags = [part for entry in listed for part in ("--tenant-allowed-host", entry)]
    assert parser.parse_args([*common, *flags]).tenant_allowed_host == listed
    assert parser.parse_args(common).tenant_allowed_host == []
    for entry in ("10.20.0.1/16", "https://registry.corp.example", ""):
        with pytest.raises(SystemExit):
            parser.parse_args([*common, "--tenant-allowed-host", entry])
        assert repr(entry) in capsys.readouterr().err
