"""The flags of an entry point that serves this machine alone, at unix sockets."""

import os
from argparse import ArgumentParser, ArgumentTypeError

from pyratify.serving.server_flags import (
    add_drain_flag,
    add_limit_flags,
    add_log_flag,
    add_telemetry_flags,
)

STATE = "/var/lib/ratify-node"
_UNITS = {"s": 1, "m": 60, "h": 3600}


def add_local_serving_flags(parser: ArgumentParser) -> None:
    """Add the flags of an entry point that serves unix sockets of this machine only, by one process."""
    add = parser.add_argument
    add("-c", "--config", metavar="FILE", help="the configuration, read again whenever it changes")
    add(
        "--health-address",
        default="127.0.0.1:9099",
        metavar="HOST:PORT",
        help="where to serve /healthz and /readyz (default: 127.0.0.1:9099)",
    )
    add_kept_flags(parser)
    add_limit_flags(parser)
    add_telemetry_flags(parser)
    add_drain_flag(parser, 0.5)
    add_log_flag(parser)
    # Shared code reads these; a unix socket has no address and no certificate.
    parser.set_defaults(
        address=None,
        cert_file=None,
        key_file=None,
        client_ca_file=None,
        client_ca_flag="",
        client_name=[],
        workers=1,
    )


def add_kept_flags(parser: ArgumentParser) -> None:
    """Add the flags of what is remembered, also beyond the end of the process."""
    add = parser.add_argument
    # systemd.exec(5): several folders of StateDirectory= are separated by colons.
    add(
        "--state",
        default=os.environ.get("STATE_DIRECTORY", STATE).partition(":")[0],
        metavar="DIR",
        help="the folder of verdicts and content that outlive a restart; empty for none (default: $STATE_DIRECTORY of systemd, or "
        f"{STATE})",
    )
    add(
        "--verdict-lifetime",
        type=long_lifetime,
        default=600.0,
        metavar="DURATION",
        help="how long a verdict that allows is remembered, others at most 2s of it; 0 for never (default: 10m)",
    )
    # Shared code reads these too: one machine has no cache in a network and no cluster's resources.
    parser.set_defaults(
        reads_resources=False,
        shared_cache=None,
        shared_cache_key_file=None,
        shared_cache_password_file=None,
        shared_cache_ca_file=None,
    )


def long_lifetime(text: str) -> float:
    """Return a duration of up to a day (`90s`, `10m`, `12h`) in seconds; 0 for none.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise ArgumentTypeError(f"{text[:40]!a} is no duration, as 90s, 10m or 12h")
    if (seconds := int(number) * _UNITS[unit]) >= 86400:
        raise ArgumentTypeError(f"{text[:40]!a} is not less than a day")
    return float(seconds)
