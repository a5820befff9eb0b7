"""No secret of the fakes may stand in any output or log line of these tests, down to the level DEBUG."""

import logging
from collections.abc import Generator
from typing import Any

import pytest

# The values that the fakes issue and the tests configure; texts that are nowhere else.
SECRETS = (
    "not-a-secret",
    "s.secret",
    "root-of-a-test",
    "entra-first",
    "entra-second",
    "metadata-1",
    "metadata-2",
    "impersonated",
    "of-kubernetes-2",
    "eyJhbGciOiJub25lIn0.e30.",
    "QVdTOnBhc3N3b3Jk",
)


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Capture what only a debug log has, of our packages and of the SDKs' that users may turn on with ours."""
    caplog.set_level(logging.DEBUG, logger="pyratify")
    caplog.set_level(logging.INFO)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Fail a test whose output has a secret in it."""
    report: Any = yield
    shown = "".join(text for name, text in report.sections if name.startswith("Captured"))
    found = [secret for secret in SECRETS if secret in shown]
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = f"the output of {item.nodeid} ({call.when}) has secrets in it: {found}"
    return report
