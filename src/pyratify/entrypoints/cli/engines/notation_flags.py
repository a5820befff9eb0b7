"""The flags for notation signatures."""

import argparse


def add_notation_flags(trust: "argparse._ArgumentGroup") -> None:
    """Add the flags that select trusted notation signatures."""
    trust.add_argument(
        "-m",
        "--user-metadata",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what notation signatures must say (repeatable)",
    )
    trust.add_argument(
        "--cert",
        action="append",
        default=[],
        metavar="FILE",
        help="a certificate authority of notation signatures (repeatable)",
    )
    trust.add_argument(
        "--trusted-identity",
        action="append",
        default=[],
        metavar="SUBJECT",
        help="whose notation signatures count, as 'x509.subject: C=US, O=Example', or * (repeatable)",
    )
    trust.add_argument("--trust-policy", metavar="FILE", help="notation's trust policy")
    trust.add_argument(
        "--trust-store", metavar="DIR", help="notation's trust store, the folder that holds x509/"
    )
    trust.add_argument(
        "--notation",
        action="store_true",
        help="trust what notation trusts here: its folder is $NOTATION_CONFIG, or notation in the user's configuration",
    )
    trust.add_argument("--notation-config", metavar="DIR", help="trust what notation trusts with this folder")
    trust.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="a verification plugin that notation signatures may ask for; it is run (repeatable)",
    )
    trust.add_argument(
        "--plugin-dir",
        metavar="DIR",
        help="the folder of the plugins (default: plugins in notation's folder)",
    )
