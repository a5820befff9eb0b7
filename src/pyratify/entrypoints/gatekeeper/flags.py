"""The provider's flags: Ratify v2's, as its Go program takes them, and a few more."""

import argparse
import math
import re
from collections.abc import Sequence

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", re.ASCII)
_SWITCHES = {
    "disable-cert-rotation": "accepted for Ratify v2; certificates are always read from files, again when they change",
    "disable-crd-manager": "accepted for Ratify v2; the configuration is always read from a file",
    "disable-mutation": "do not serve /v2/mutate",
    "enable-metrics": "serve /metrics for Prometheus (needs the extra `metrics`)",
    "allow-any-client": "serve clients without a certificate of Gatekeeper's authority",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the provider's flags to a parser."""
    add = parser.add_argument
    add("-c", "--config", metavar="FILE", help="the configuration, read again whenever it changes")
    add("--address", required=True, metavar="HOST:PORT", help="where to serve, as :6001")
    add("--health-address", default=":9099", metavar="HOST:PORT", help="where to serve /healthz and /readyz")
    add("--cert-file", metavar="FILE", help="the server's certificate chain, PEM")
    add("--key-file", metavar="FILE", help="the server's private key, PEM")
    add("--gatekeeper-ca-cert-file", metavar="FILE", help="the authority of Gatekeeper's certificate, PEM")
    add(
        "--verify-timeout",
        type=duration,
        default=5.0,
        metavar="DURATION",
        help="the Provider's timeout for verification; answers come a little before it (default: 5s)",
    )
    add(
        "--mutate-timeout",
        type=duration,
        default=2.0,
        metavar="DURATION",
        help="the same for mutation (default: 2s)",
    )
    for name, text in _SWITCHES.items():
        add(f"--{name}", action="store_true", help=text)
    add("--metrics-port", type=int, default=8888, metavar="PORT", help="where /metrics is (default: 8888)")
    add(
        "--namespaces",
        choices=("optional", "required", "disabled"),
        default="optional",
        help="whether keys begin with [namespace] (default: optional)",
    )
    add("--max-keys", type=int, default=64, metavar="N", help="the most keys of one request (default: 64)")
    add(
        "--drain",
        type=duration,
        default=3.0,
        metavar="DURATION",
        help="how long to serve on after SIGTERM while not ready (default: 3s)",
    )
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="default: $RATIFY_LOG_LEVEL or info",
    )


def go_style(arguments: Sequence[str]) -> list[str]:
    """Return arguments as Go's flag package takes them (`-flag`, `-switch=true`) in the spelling of argparse."""
    found = []
    for argument in arguments:
        text = argument
        if re.match(r"-[a-z]{2,}", text):
            text = f"-{text}"
        name, equals, value = text.partition("=")
        if equals and name.removeprefix("--") in _SWITCHES and value.lower() in ("true", "t", "1"):
            text = name
        elif equals and name.removeprefix("--") in _SWITCHES and value.lower() in ("false", "f", "0"):
            continue
        found.append(text)
    return found


def duration(text: str) -> float:
    """Return a duration as Go writes it (`5s`, `1m30s`, `500ms`) in seconds.

    Raises:
        ValueError: It is none, or not more than 0 and at most ten minutes.
    """
    parts = _DURATION.findall(text)
    seconds = math.fsum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not 0 < seconds <= 600:
        raise ValueError("not a duration")
    return seconds


def answer_within(timeout: float) -> float:
    """Return in how many seconds to answer a caller who waits that many: 4.9 of 5, 1.95 of 2."""
    return timeout - min(0.1, timeout * 0.025)
