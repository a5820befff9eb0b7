"""The command line's grammar: names, arguments and help."""

import argparse
from collections.abc import Callable
from functools import partial

from pyratify.entrypoints.cli.arguments import OpenChoices, Parser, count, seconds
from pyratify.entrypoints.cli.identity_flags import add_annotations_flag, add_identity_flags
from pyratify.entrypoints.cli.notation_flags import add_notation_flags
from pyratify.entrypoints.cli.serving_flags import add_gatekeeper, add_service, add_webhook
from pyratify.render import BUILT_IN

RENDERERS = OpenChoices(BUILT_IN)
_EXITS = """\
exit codes:
  0  every reference is allowed
  1  some reference is denied
  2  some reference could not be decided (registry unreachable, no such tag), and none is denied
  3  the command line, a reference, a key or the configuration is wrong
"""
_REFERENCE = "host/repo[:tag][@digest], oci:DIR[:TAG|@DIGEST] or oci-archive:FILE[:TAG|@DIGEST]"


def build_parser(command: str | None = None) -> Parser:
    """Return the grammar: of the named command alone, or the whole where there is no such command."""
    parser = Parser(
        prog="ratify",
        description="Decides from signatures and attestations whether an OCI artifact may be trusted.",
        epilog=_EXITS,
    )
    parser.add_argument("--version", action="store_true", help="print the version, as `ratify version` does")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser, prog="ratify")
    for name in (command,) if command in _COMMANDS else _COMMANDS:
        _COMMANDS[name](partial(_command, commands))
    return parser


Add = Callable[..., Parser]


def _command(
    commands: "argparse._SubParsersAction[Parser]", name: str, text: str, epilog: str | None = None
) -> Parser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog)
    parser.set_defaults(module=name.replace("-", "_"))
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from, with a traceback"
    )
    return parser


def _verify(add: Add) -> None:
    parser = add("verify", "decide whether references may be trusted", epilog=_VERIFY + _EXITS)
    parser.add_argument("reference", nargs="*", metavar="REFERENCE", help=_REFERENCE)
    parser.add_argument(
        "--from-file", metavar="FILE", help="read references from a file, one a line; - is standard input"
    )
    _add_renderer(parser)
    trust = parser.add_argument_group("what is trusted")
    trust.add_argument("-c", "--config", metavar="FILE", help="the configuration, YAML or JSON")
    trust.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="a public key of cosign signatures (repeatable)",
    )
    add_notation_flags(trust)
    trust.add_argument(
        "--scope", metavar="REPOSITORY", help="the repository that a layout stands for, as policies name it"
    )
    trust.add_argument(
        "--wildcard-scopes",
        action="store_true",
        help="allow host/team/*, hosts and *.example.com as scopes of the trust policy, which notation refuses",
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
    _registry(parser)


def _verify_blob(add: Add) -> None:
    parser = add("verify-blob", "decide whether a file may be trusted", epilog=_VERIFY_BLOB + _EXITS)
    parser.add_argument("file", metavar="FILE", help="the file that was signed")
    parser.add_argument(
        "--signature",
        action="append",
        required=True,
        metavar="FILE",
        help="a notation signature of it, as FILE.jws.sig or FILE.cose.sig (repeatable)",
    )
    parser.add_argument("--media-type", metavar="TYPE", help="the media type that the signature must name")
    _add_renderer(parser)
    trust = parser.add_argument_group("what is trusted")
    trust.add_argument(
        "--policy-name", metavar="NAME", help="the statement of the trust policy (default: the global one)"
    )
    add_notation_flags(trust)
    parser.add_argument(
        "--timeout", type=seconds, default=None, metavar="SECONDS", help="for everything (default: 60)"
    )
    parser.add_argument("--no-cache", action="store_true", help="keep nothing on disk between runs")


_VERIFY_BLOB = """\
One of --cert, --trust-policy (a trustpolicy.blob.json), --notation and --notation-config says what is trusted; one signature
that it accepts is enough.

"""


_VERIFY = """\
Without -c, $RATIFY_CONFIG or the user's configuration folder is used, and never the current folder.
With --key, --certificate-identity, --cert, --trust-policy or --notation no configuration is read, and one signature that
any of them accepts is enough.

"""


def _add_renderer(parser: argparse.ArgumentParser) -> None:
    text = f"how results are printed: {', '.join(RENDERERS)}, or a renderer that is installed (default: text)"
    parser.add_argument("-o", "--output", choices=RENDERERS, metavar="NAME", default="text", help=text)


def _verify_bundle(add: Add) -> None:
    parser = add("verify-bundle", "decide whether a sigstore bundle is a signature of a file", epilog=_EXITS)
    parser.add_argument("artifact", metavar="FILE_OR_DIGEST", help="the artifact, or sha256: and its digest")
    parser.add_argument("--bundle", metavar="FILE", required=True, help="the sigstore bundle")
    parser.add_argument(
        "--staging", action="store_true", help="trust Sigstore's staging instance where no root is named"
    )
    parser.add_argument(
        "--key", action="append", default=[], metavar="FILE", help="a public key (repeatable)"
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="how the result is printed (default: text)",
    )
    add_identity_flags(parser)


def _discover(add: Add) -> None:
    parser = add("discover", "show everything that is attached to a reference")
    parser.add_argument("reference", metavar="REFERENCE", help=_REFERENCE)
    parser.add_argument(
        "-o", "--output", choices=("tree", "json"), default="tree", help="how it is printed (default: tree)"
    )
    _configured(parser)


def _inspect(add: Add) -> None:
    parser = add("inspect", "take signatures apart without judging them")
    parser.add_argument(
        "target",
        metavar="REFERENCE|FILE",
        help="a reference, or a file with an envelope, a bundle, a payload or certificates",
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="how it is printed (default: text)"
    )
    _configured(parser)


def _resolve(add: Add) -> None:
    parser = add("resolve", "print the digest that a reference stands for")
    parser.add_argument("reference", metavar="REFERENCE", help=_REFERENCE)
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="how it is printed (default: text)"
    )
    _configured(parser)


def _trust(add: Add) -> None:
    from pyratify.entrypoints.cli.trust_flags import add_notation_action, add_sigstore_action

    parser = add("trust", "show, check and refresh what is trusted")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)
    add_notation_action(actions)
    add_sigstore_action(actions)


def _plugins(add: Add) -> None:
    parser = add("plugins", "list the plugins that are installed")
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="how they are printed (default: text)",
    )


def _config(add: Add) -> None:
    parser = add("config", "check, show or start a configuration")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)
    for name, text in (
        ("check", "build everything that a configuration names, and say every fault"),
        ("show", "print a configuration as it is understood, with defaults and without secrets"),
        ("schema", "print the JSON Schema of configurations, with the plugins that are installed"),
        ("convert", "turn a configuration file into resources of a cluster, or resources into a file"),
        ("crds", "print the definitions of Executor and NamespacedExecutor for a cluster"),
        ("init", "write a small configuration to start from"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name in ("check", "show"):
            action.add_argument("-c", "--config", metavar="FILE", help="the configuration, YAML or JSON")
        if name == "convert":
            _convert(action)
        if name == "init":
            action.add_argument(
                "file",
                nargs="?",
                default="ratify.yaml",
                metavar="FILE",
                help="where to (default: ratify.yaml; - is standard output)",
            )
        action.add_argument(
            "--debug", action="store_true", help="show where an error comes from, with a traceback"
        )


def _convert(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="a configuration or resources, YAML or JSON; - is standard input")
    add("--name", default="ratify", metavar="NAME", help="what resources are to be called (default: ratify)")
    add("--namespace", default="", metavar="NAME", help="make NamespacedExecutors of this namespace")


def _completion(add: Add) -> None:
    parser = add("completion", "print a shell's completion script")
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def _version(add: Add) -> None:
    add("version", "print the version")


def _configured(parser: Parser) -> None:
    parser.add_argument("-c", "--config", metavar="FILE", help="use the stores of this configuration")
    _registry(parser)


def _registry(parser: Parser) -> None:
    group = parser.add_argument_group("registries")
    group.add_argument(
        "--timeout",
        type=seconds,
        default=None,
        metavar="SECONDS",
        help="for each reference (default: 60, or the configuration's)",
    )
    group.add_argument(
        "--plain-http", action="store_true", help="use http; registries on this machine are plain http anyway"
    )
    group.add_argument(
        "--ca-file", metavar="FILE", help="the certificate authorities of registries, instead of the system's"
    )
    group.add_argument(
        "--signature-repository",
        metavar="REPOSITORY",
        help="where everything attached is, if not with its image (default for cosign: $COSIGN_REPOSITORY)",
    )
    group.add_argument(
        "--attachment-tag-prefix",
        default="",
        metavar="TEXT",
        help="what stands before cosign's tags sha256-<hex>.sig",
    )
    group.add_argument("--no-cache", action="store_true", help="keep no content on disk between runs")


_COMMANDS: dict[str | None, Callable[[Add], None]] = {
    "verify": _verify,
    "verify-blob": _verify_blob,
    "verify-bundle": _verify_bundle,
    "discover": _discover,
    "inspect": _inspect,
    "resolve": _resolve,
    "trust": _trust,
    "plugins": _plugins,
    "config": _config,
    "gatekeeper": add_gatekeeper,
    "webhook": add_webhook,
    "service": add_service,
    "completion": _completion,
    "version": _version,
}
