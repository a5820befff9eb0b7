"""The grammar of `ratify verify` and `ratify verify-file`."""

from argparse import _ArgumentGroup
from collections.abc import Callable

from pyratify.entrypoints.cli.engines.attestation_flags import add_attestation_flags
from pyratify.entrypoints.cli.engines.cosign_flags import add_annotations_flag, add_identity_flags
from pyratify.entrypoints.cli.engines.document_flags import add_document_flags
from pyratify.entrypoints.cli.engines.notation_flags import add_notation_flags
from pyratify.entrypoints.cli.reading_flags import add_registry_flags
from pyratify.terminal.arguments import EXITS, REFERENCE, Parser, add_renderer, count, seconds

_VERIFY = """\
Without -c, $RATIFY_CONFIG or the user's configuration folder is used, and never the current folder.
With --key, --certificate-identity, --cert, --trust-policy or --notation no configuration is read, and one signature that
any of them accepts is enough. With --type or a rule for attestations, one statement that a trusted signer made takes its place.

"""
_VERIFY_FILE = """\
A signature is what cosign or notation wrote: a sigstore bundle, a notation envelope (JWS or COSE), or cosign's base64.
Bundles and base64 need --key or --certificate-identity; envelopes need --cert, --trust-policy (a trustpolicy.blob.json),
--notation or --notation-config. One signature that is accepted is enough. verify-blob and verify-bundle are older names.

"""


def add_verify(add: Callable[..., Parser]) -> None:
    """Add `ratify verify` with what adds a command."""
    parser = add("verify", "decide whether references may be trusted", epilog=_VERIFY + EXITS)
    parser.add_argument("reference", nargs="*", metavar="REFERENCE", help=REFERENCE)
    parser.add_argument(
        "--from-file",
        metavar="FILE",
        help="read references from a file, one a line, # begins a comment; - is standard input",
    )
    # A plugin may add renderers, and to list them would import importlib.metadata, 25 ms (decision 0004).
    add_renderer(parser)
    parser.add_argument(
        "--only-failures",
        action="store_true",
        help="print only what is not allowed; totals are on standard error",
    )
    trust = parser.add_argument_group("what is trusted")
    trust.add_argument(
        "-c", "--config", metavar="FILE", help="the configuration, YAML or JSON; - is standard input"
    )
    trust.add_argument(
        "--scope", metavar="REPOSITORY", help="the repository that a layout stands for, as policies name it"
    )
    add_trust_flags(parser, trust)
    add_registry_flags(parser)


def add_trust_flags(parser: Parser, trust: _ArgumentGroup) -> None:
    """Add the flags that say which signatures count; each has a spelling in a configuration."""
    _add_key_flag(trust)
    add_notation_flags(trust)
    trust.add_argument(
        "--wildcard-scopes",
        action="store_true",
        help="allow host/team/*, hosts and *.example.com as scopes of the trust policy, which notation refuses",
    )
    trust.add_argument(
        "--platform",
        action="append",
        default=[],
        metavar="PLATFORM",
        help="what must have evidence in an image index: index, each or any, or a platform as linux/amd64 (repeatable; default: index)",
    )
    trust.add_argument(
        "--max-signatures",
        type=count,
        default=None,
        metavar="N",
        help="how many attached artifacts of a reference are looked at (default: 100)",
    )
    add_identity_flags(parser)
    add_annotations_flag(parser)
    add_attestation_flags(parser)
    add_document_flags(parser)


def _add_key_flag(trust: _ArgumentGroup) -> None:
    trust.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="a public key of cosign signatures (repeatable)",
    )


def add_verify_file(add: Callable[..., Parser], name: str) -> None:
    """Add `ratify verify-file`, or one of its older names, with what adds a command."""
    text = "decide whether a file may be trusted, from signatures beside it"
    shown = text if name == "verify-file" else "an older name of verify-file"
    parser = add(name, shown, epilog=_VERIFY_FILE + EXITS)
    parser.set_defaults(module="verify_file")
    parser.add_argument("file", metavar="FILE|DIGEST", help="what was signed, or the digest of it")
    for flag, what in (
        ("--signature", "a signature of it, of whatever kind"),
        ("--bundle", "a sigstore bundle"),
    ):
        parser.add_argument(flag, action="append", default=[], metavar="FILE", help=f"{what} (repeatable)")
    parser.add_argument(
        "--media-type", metavar="TYPE", help="the media type that notation signatures must name"
    )
    add_renderer(parser)
    trust = parser.add_argument_group("what is trusted")
    _add_key_flag(trust)
    trust.add_argument(
        "--staging", action="store_true", help="trust Sigstore's staging instance where no root is named"
    )
    trust.add_argument(
        "--policy-name", metavar="NAME", help="the statement of the trust policy (default: the global one)"
    )
    add_notation_flags(trust)
    add_identity_flags(parser)
    add_attestation_flags(parser)
    parser.add_argument(
        "--timeout", type=seconds, default=None, metavar="SECONDS", help="for everything (default: 60)"
    )
    parser.add_argument("--no-cache", action="store_true", help="keep nothing on disk between runs")
