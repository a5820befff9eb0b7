"""What a server sets for its whole process."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.serving.process import run


@pytest.fixture
def _interval() -> Iterator[None]:
    """The interpreter as other tests have it."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_interval")
def test_threads_give_the_interpreter_back_soon() -> None:
    """The event loop waits that long for a thread that parses, 50 times as long where a program sets nothing."""
    parser = ArgumentParser()
    add_flags(parser)
    with pytest.raises(ConfigurationError):
        run(parser.parse_args(["--address", "no port", "--health-address", "127.0.0.1:0"]), make)
    assert sys.getswitchinterval() == pytest.approx(0.0001)
