"""The provider's flags: Ratify v2's, as its Go program takes them, and a few more."""

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyratify.serving.pull_secrets import add_pull_secrets_flag
from pyratify.serving.server_flags import (
    add_resource_flags,
    add_rotation_flags,
    add_serving_flags,
    add_timeout,
    count,
)

if TYPE_CHECKING:
    from pyratify.kubernetes.rotation.ca_bundle import CaBundleTarget

_SWITCHES = {
    "disable-mutation": "do not serve /v2/mutate",
    "allow-any-client": "serve clients without a certificate of Gatekeeper's authority",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the provider's flags to a parser."""
    add_serving_flags(parser, client_ca="--gatekeeper-ca-cert-file")
    add_resource_flags(parser)
    add_rotation_flags(parser, _tells)
    add_timeout(
        parser,
        "--verify-timeout",
        5.0,
        "the Provider's timeout for verification; answers come a little before it",
    )
    add_timeout(parser, "--mutate-timeout", 2.0, "the same for mutation")
    for name, text in _SWITCHES.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    parser.add_argument(
        "--namespaces",
        choices=("optional", "required", "disabled"),
        default="optional",
        help="whether keys of verification begin with [namespace]; those of mutation never do (default: optional)",
    )
    add_pull_secrets_flag(
        parser,
        "read images with the imagePullSecrets of the service account default of the key's namespace, too; needs --namespaces required",
    )
    parser.add_argument(
        "--max-keys", type=count, default=64, metavar="N", help="the most keys of one request (default: 64)"
    )


def _tells(flags: argparse.Namespace) -> "tuple[CaBundleTarget, ...]":
    """Return Gatekeeper's Providers, under the names that Ratify v2's chart gives them."""
    from pyratify.kubernetes.rotation.ca_bundle import provider

    # Two Providers, as each has one timeout and one URL.
    verify, mutate = provider("ratify-gatekeeper-provider"), provider("ratify-gatekeeper-mutation-provider")
    return (verify,) if flags.disable_mutation else (verify, mutate)


def go_style(arguments: Sequence[str]) -> list[str]:
    """Return arguments as Go's flag package takes them (`-flag`, `-switch=true`) in the spelling of argparse."""
    switches = {*_SWITCHES, "pull-secrets", "disable-cert-rotation", "disable-crd-manager", "enable-metrics"}
    found = []
    for argument in arguments:
        text = argument
        # Two letters at least: `-c` is a short flag of ours.
        if re.match(r"-[a-z]{2,}", text):
            text = f"-{text}"
        name, equals, value = text.partition("=")
        # The values of Go's strconv.ParseBool; argparse's switches take none.
        if equals and name.removeprefix("--") in switches and value.lower() in ("true", "t", "1"):
            text = name
        elif equals and name.removeprefix("--") in switches and value.lower() in ("false", "f", "0"):
            continue
        found.append(text)
    return found
