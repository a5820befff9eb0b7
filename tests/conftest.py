"""What all tests share."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
CERTIFICATE = Path(__file__).resolve().parents[1] / "examples" / "material" / "certs" / "ca.pem"


settings.register_profile("pyratify", deadline=None)  # how fast a machine is says nothing about a law
settings.register_profile("thorough", deadline=None, max_examples=2000)  # --hypothesis-profile=thorough
settings.load_profile("pyratify")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with other projects' signed material, which is not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip("other projects' fixtures are not here: the folder shared/fixtures beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def certificate() -> bytes:
    """Some real certificate in PEM."""
    return CERTIFICATE.read_bytes()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran, how many were skipped, and why."""
    stats = terminalreporter.stats
    ran = sum(len(stats.get(outcome, ())) for outcome in ("passed", "failed", "xfailed", "xpassed"))
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in stats.get("skipped", ()))
    terminalreporter.section("tests that ran, and that did not")
    terminalreporter.line(f"{ran:7,} ran")
    terminalreporter.line(f"{reasons.total():7,} skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:15,}  {reason}")
