"""The grammar of `ratify trust`."""

import argparse

from pyratify.terminal.arguments import Parser, add_debug, add_output

_EXITS = """\
Without any of these, notation's own folder is looked at, as with --notation.

exit codes:
  0  nothing has to be mended; there may be warnings
  1  something is expired, weak, missing or invalid, so that signatures will be denied over it
  3  the command line is wrong, or a file that it names cannot be read
"""


def add_notation_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Add the action, with the flags that say which trust policy and trust store are meant."""
    text = "list and check notation's trust policies and trust stores"
    action = actions.add_parser(
        "notation", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=_EXITS
    )
    action.set_defaults(module="trust_notation")
    action.add_argument(
        "--cert",
        action="append",
        default=[],
        metavar="FILE",
        help="check certificates of these files (repeatable)",
    )
    action.add_argument("--trust-policy", metavar="FILE", help="a trust policy; needs --trust-store")
    action.add_argument("--trust-store", metavar="DIR", help="a trust store, the folder that holds x509/")
    action.add_argument("--notation", action="store_true", help="notation's own folder (the default)")
    action.add_argument("--notation-config", metavar="DIR", help="this folder as notation's")
    action.add_argument(
        "--wildcard-scopes", action="store_true", help="allow scopes that notation refuses, as in verify"
    )
    add_output(action)
    add_debug(action)


def add_sigstore_action(actions: "argparse._SubParsersAction[Parser]") -> None:
    """Add `ratify trust sigstore`."""
    text = "show the trusted roots of Sigstore in use, their age and origin, and refresh them"
    action = actions.add_parser("sigstore", help=text, description=f"{text[0].upper()}{text[1:]}.")
    action.set_defaults(module="trust_sigstore")
    action.add_argument("--refresh", action="store_true", help="bring it up to date through TUF")
    action.add_argument(
        "--if-stale",
        action="store_true",
        help="with --refresh: only where the last one was 30 days ago or never",
    )
    action.add_argument("--staging", action="store_true", help="Sigstore's staging instance")
    action.add_argument(
        "--github",
        nargs="?",
        const="",
        metavar="TRUST_DOMAIN",
        help="GitHub's own instance, or that of an enterprise at TRUST_DOMAIN.ghe.com",
    )
    action.add_argument("--mirror", metavar="URL", help="another TUF repository; needs --root")
    action.add_argument("--root", metavar="FILE", help="the TUF root metadata of the mirror")
    add_output(action)
    add_debug(action)
