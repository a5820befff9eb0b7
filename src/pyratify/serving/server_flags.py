"""The flags of every entry point that serves."""

import argparse
import math
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pyratify.core.addresses import Destinations

if TYPE_CHECKING:
    from pyratify.kubernetes.rotation.ca_bundle import CaBundleTarget

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# RFC 1123, section 2.1; RFC 1035, section 2.3.4: at most 63 characters.
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# The units of Go's time.ParseDuration that a timeout can sensibly have.
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", re.ASCII)


def add_serving_flags(
    parser: ArgumentParser, *, client_ca: str = "--client-ca-file", address: str | None = None
) -> None:
    """Add the flags of every serving entry point.

    Args:
        parser: The parser.
        client_ca: The flag that names the authority of clients' certificates.
        address: The default of `--address`, which is required without it.
    """
    add = parser.add_argument
    add("-c", "--config", metavar="FILE", help="the configuration, read again whenever it changes")
    usual = f" (default: {address})" if address else ""
    add(
        "--address",
        required=address is None,
        default=address,
        metavar="HOST:PORT",
        help=f"where to serve, as :6001{usual}",
    )
    add(
        "--health-address",
        default=":9099",
        metavar="HOST:PORT",
        help="where to serve /healthz and /readyz (default: :9099)",
    )
    _add_tls_flags(parser, client_ca)
    add_cache_flags(parser)
    add_limit_flags(parser)
    add_telemetry_flags(parser)
    _add_process_flags(parser)
    # Messages have to name the flag.
    parser.set_defaults(client_ca_flag=client_ca, reads_resources=False, state="")


def add_telemetry_flags(parser: ArgumentParser) -> None:
    """Add the flags of metrics and traces."""
    add = parser.add_argument
    add(
        "--enable-metrics",
        action="store_true",
        help="serve /metrics for Prometheus (needs the extra `metrics`)",
    )
    add(
        "--enable-tracing",
        action="store_true",
        help="send traces where the OTEL_* variables say (needs the extra `otel`)",
    )
    add("--metrics-port", type=int, default=8888, metavar="PORT", help="where /metrics is (default: 8888)")


def _add_process_flags(parser: ArgumentParser) -> None:
    add_drain_flag(parser, 3.0)
    parser.add_argument(
        "--workers",
        type=count,
        default=1,
        metavar="N",
        help="how many processes serve the address (default: 1)",
    )
    add_log_flag(parser)


def add_drain_flag(parser: ArgumentParser, usual: float) -> None:
    """Add the flag of how long is served after SIGTERM, with a default in seconds."""
    text = "how long to serve on after SIGTERM while not ready"
    add_timeout(parser, "--drain", usual, text)


def add_log_flag(parser: ArgumentParser) -> None:
    """Add the flag of the log level."""
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="default: $RATIFY_LOG_LEVEL or info",
    )


def _add_tls_flags(parser: ArgumentParser, client_ca: str) -> None:
    add = parser.add_argument
    add("--cert-file", metavar="FILE", help="the server's certificate chain, PEM")
    add("--key-file", metavar="FILE", help="the server's private key, PEM")
    add(client_ca, dest="client_ca_file", metavar="FILE", help="the authority of clients' certificates, PEM")
    add(
        "--client-name",
        action="append",
        default=[],
        metavar="NAME",
        help="the common name or DNS name that a client's certificate must have (repeatable; default: any of the authority)",
    )


def add_resource_flags(parser: ArgumentParser) -> None:
    """Add the flags of entry points that can be configured by the resources of a cluster."""
    add = parser.add_argument
    add(
        "--disable-crd-manager",
        action="store_true",
        help="read the configuration from a file, and not from the Executors of the cluster",
    )
    add(
        "--kubeconfig",
        metavar="FILE",
        help="how the API server is reached from outside its cluster; as $KUBECONFIG",
    )
    add(
        "--on-invalid-executor",
        choices=("keep", "remove"),
        default="keep",
        help="an Executor whose update is not valid stays in service as it last was, or is denied (default: keep)",
    )
    add(
        "--namespace-fallback",
        choices=("cluster", "deny"),
        default="cluster",
        help="which Executors decide for a namespace without a NamespacedExecutor: the cluster's, or none, which denies (default: cluster)",
    )
    add(
        "--tenant-allowed-host",
        type=destination,
        action="append",
        default=[],
        metavar="HOST",
        help="where NamespacedExecutors may lead connections to beside public addresses: a host, host:port, address or network; repeatable",
    )
    parser.set_defaults(reads_resources=True, resources_first=False)


def add_cache_flags(parser: ArgumentParser) -> None:
    """Add the flags of remembered verdicts."""
    add = parser.add_argument
    add(
        "--verdict-lifetime",
        type=lifetime,
        default=5.0,
        metavar="DURATION",
        help="how long a verdict that allows is remembered, others and tags at most 2s of it; 0 for never (default: 5s)",
    )
    add("--shared-cache", metavar="URL", help="share verdicts with other replicas: rediss://USER@HOST:PORT/0")
    add("--shared-cache-key-file", metavar="FILE", help="the secret that signs shared verdicts")
    add(
        "--shared-cache-password-file",
        metavar="FILE",
        help="the password of the shared cache; $RATIFY_SHARED_CACHE_PASSWORD when omitted",
    )
    add("--shared-cache-ca-file", metavar="FILE", help="the authority of its certificate, PEM")


def add_limit_flags(parser: ArgumentParser) -> None:
    """Add the flags of what a server does and holds at the same time."""
    limits = (
        ("--max-evaluations", 1024, "N", "how many images are verified or resolved at the same time"),
        (
            "--max-evaluations-per-registry",
            128,
            "N",
            "how many of these at one registry, half of them for one request",
        ),
        ("--max-connections", 1024, "N", "how many connections of clients are kept"),
        ("--max-body-memory", 32, "MIB", "how many MiB the bodies of all requests may hold at the same time"),
    )
    for flag, usual, name, text in limits:
        help_text = f"{text} (default: {usual})"
        parser.add_argument(flag, type=count, default=usual, metavar=name, help=help_text)


def add_rotation_flags(
    parser: ArgumentParser, tells: "Callable[[Namespace], tuple[CaBundleTarget, ...]]"
) -> None:
    """Add the flags of an entry point whose certificates may come from a Secret that it takes care of.

    Args:
        parser: The parser.
        tells: Returns from the flags the resources that tell its clients which authority to trust.
    """
    parser.add_argument(
        "--disable-cert-rotation",
        action="store_true",
        help="take certificates from files only; else, in a cluster and with $RATIFY_NAME, they are made and renewed",
    )
    parser.add_argument(
        "--cert-name",
        type=host,
        action="append",
        default=[],
        metavar="NAME",
        help="a name or address that the certificate has beside those of the Service; repeatable",
    )
    parser.set_defaults(tells=tells)


def add_timeout(parser: ArgumentParser, flag: str, seconds: float, text: str) -> None:
    """Add a flag for a caller's timeout, a duration as Go writes it."""
    help_text = f"{text} (default: {seconds:g}s)"
    parser.add_argument(flag, type=duration, default=seconds, metavar="DURATION", help=help_text)


def count(text: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    # int() alone takes signs, underscores and digits of other scripts.
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 65536):
        raise argparse.ArgumentTypeError(f"{text[:40]!a} is not a number from 1 to 65536")
    return int(text)


def host(text: str) -> str:
    """Return a host name, or an address in its canonical spelling.

    Raises:
        argparse.ArgumentTypeError: It is neither.
    """
    try:
        # One spelling for one address: ::1 and 0:0:0:0:0:0:0:1 must not be two names.
        return str(ip_address(text))
    except ValueError:
        # RFC 1035, section 2.3.4: 255 octets on the wire are 253 characters of text.
        if len(text) > 253 or not _HOST.fullmatch(text):
            raise argparse.ArgumentTypeError(f"{text[:80]!a} is neither a host name nor an address") from None
    return text


def destination(text: str) -> str:
    """Return a host, host:port, address or network.

    Raises:
        argparse.ArgumentTypeError: It is none of these.
    """
    try:
        Destinations.parse((text,))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def duration(text: str) -> float:
    """Return a duration as Go writes it (`5s`, `1m30s`, `500ms`) in seconds.

    Raises:
        ValueError: It is none, or not more than 0 and at most ten minutes.
    """
    parts = _DURATION.findall(text)
    seconds = math.fsum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    # findall skips what does not match; joined again, what was skipped is noticed.
    if "".join(number + unit for number, unit in parts) != text or not 0 < seconds <= 600:
        raise ValueError("not a duration")
    return seconds


def lifetime(text: str) -> float:
    """Return a duration, which may be 0, in seconds; errors as in `duration`."""
    return 0.0 if text in ("0", "0s") else duration(text)


def answer_within(timeout: float) -> float:
    """Return the seconds until an answer has to leave, for a client with this timeout: 4.9 of 5, 1.95 of 2."""
    # The rest is for the way back: an answer after the client's timeout is none.
    return timeout - min(0.1, timeout * 0.025)
