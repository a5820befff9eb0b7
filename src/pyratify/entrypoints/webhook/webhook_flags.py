"""The webhook's flags."""

import argparse
from typing import TYPE_CHECKING

from pyratify.serving.pull_secrets import add_pull_secrets_flag
from pyratify.serving.server_flags import (
    add_resource_flags,
    add_rotation_flags,
    add_serving_flags,
    add_timeout,
)

if TYPE_CHECKING:
    from pyratify.kubernetes.rotation.ca_bundle import CaBundleTarget


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the webhook's flags to a parser."""
    add_serving_flags(parser, address=":9443")
    add_resource_flags(parser)
    add_rotation_flags(parser, _tells)
    parser.add_argument(
        "--webhook-configuration",
        default="ratify-webhook",
        metavar="NAME",
        help="the webhook configurations whose caBundle follows certificates that are made here (default: %(default)s)",
    )
    add_rules(parser)
    add_pull_secrets_flag(
        parser,
        "read images with the imagePullSecrets of the Pod, or those of a template's service account, too",
    )
    add_timeout(
        parser,
        "--timeout",
        10.0,  # the default timeoutSeconds of webhooks in admissionregistration.k8s.io/v1
        "the longest that the API server waits; answers come a little before it, or before what its request says",
    )


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `ratify webhook check`."""
    parser.add_argument("--rules", metavar="FILE", help="the webhook's rules and exceptions")
    parser.add_argument(
        "manifest",
        nargs="*",
        metavar="MANIFEST",
        help="YAML or JSON with webhook configurations; - is standard input",
    )


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the rules."""
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="the webhook's rules and exceptions, read again whenever they change (default: deny everywhere)",
    )


def _tells(flags: argparse.Namespace) -> "tuple[CaBundleTarget, ...]":
    """Return the configurations through which the API server finds the webhook."""
    from pyratify.kubernetes.rotation.ca_bundle import mutating_webhook, validating_webhook

    return validating_webhook(flags.webhook_configuration), mutating_webhook(flags.webhook_configuration)
