"""How many files and connections a server may have open."""

import asyncio
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyratify.serving.open_files import raise_limit

SECONDS = 30
FEW = 256


@pytest.fixture
def hard() -> Iterator[int]:
    """Few open files at first, and as many as this returns if they are asked for."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, most))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def test_as_many_files_may_be_open_as_the_system_allows(hard: int) -> None:
    """Up to a bound, and never fewer than before."""
    raise_limit(FEW + 44)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (FEW + 44, hard)
    raise_limit(FEW)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (FEW + 44, hard)
    raise_limit(sys.maxsize)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="this system does not tell limits")
async def test_a_server_has_room_for_all_its_connections(tmp_path: Path) -> None:
    """Else idle ones of others would use up what registries are asked with, long before one of them is ended."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", f'ulimit -Sn {FEW}; exec "$0" "$@"',
        sys.executable, "-m", "pyratify", "gatekeeper", "serve", "-c", str(tmp_path / "none.json"),
        "--address", "127.0.0.1:0", "--health-address", "127.0.0.1:0",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while b'"serving"' not in await process.stderr.readline():
                assert process.returncode is None
        limits = Path(f"/proc/{process.pid}/limits").read_text()  # noqa: ASYNC240
    finally:
        process.kill()
        await process.communicate()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert int(line.split()[3]) > 2048
