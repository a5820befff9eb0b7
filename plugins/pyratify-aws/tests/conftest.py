"""A fake AWS: moto's server on loopback, asked by the real SDK."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_aws.py")


@dataclass(frozen=True)
class FakeAws:
    """The fake: its URL, and the private halves of its keys."""

    url: str
    process: "subprocess.Popen[str]"

    def private_key(self, key_id: str) -> str:
        """Return the private half of a key, in PEM."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{key_id}\n")
        self.process.stdin.flush()
        return str(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="session")
def aws() -> Iterator[FakeAws]:
    """Return a fake AWS."""
    pytest.importorskip("moto", reason="moto is not installed")
    pipe = subprocess.PIPE
    command = [sys.executable, str(FAKE)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield FakeAws(f"http://127.0.0.1:{int(process.stdout.readline())}", process)
        finally:
            process.kill()


@pytest.fixture
def environment(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """Point the SDK at the fake AWS, with keys of no value."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    return aws
