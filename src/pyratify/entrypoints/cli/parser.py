"""The command line's grammar: the commands, and the arguments of those that verify nothing."""

import argparse
from collections.abc import Callable
from functools import partial

from pyratify.entrypoints.cli.reading_flags import (
    add_discover,
    add_inspect,
    add_prove,
    add_resolve,
    add_store_flags,
)
from pyratify.entrypoints.cli.serving_flags import add_gatekeeper, add_node, add_service, add_webhook
from pyratify.entrypoints.cli.verify_flags import add_trust_flags, add_verify, add_verify_file
from pyratify.terminal.arguments import EXITS, Parser, add_config, add_debug, add_output


def build_parser(command: str | None = None) -> Parser:
    """Return the grammar: of the named command alone, or the whole where there is no such command."""
    parser = Parser(
        prog="ratify",
        description="Decides from signatures and attestations whether an OCI artifact may be trusted.",
        epilog=EXITS,
    )
    parser.add_argument("--version", action="store_true", help="print the version, as `ratify version` does")
    add_debug(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser, prog="ratify")
    # An unknown command needs them all, for the list of choices and the nearest one.
    for name in (command,) if command in _COMMANDS else _COMMANDS:
        _COMMANDS[name](partial(_command, commands))
    return parser


Add = Callable[..., Parser]


def _command(
    commands: "argparse._SubParsersAction[Parser]", name: str, text: str, epilog: str | None = None
) -> Parser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog)
    # dispatch imports the module by this name, so parsing imports no command.
    parser.set_defaults(module=name.replace("-", "_"))
    # Again for each command, so that the flag may stand after it.
    add_debug(parser)
    return parser


def _explain(add: Add) -> None:
    parser = add("explain", "say what a reason code means and what to do about it")
    parser.add_argument(
        "code", metavar="CODE", help="a code, as SIG_INVALID; without one all are listed", nargs="?"
    )
    add_output(parser)


def _trust(add: Add) -> None:
    from pyratify.entrypoints.cli.trust_flags import add_notation_action, add_sigstore_action

    parser = add("trust", "show, check and refresh what is trusted")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)
    add_notation_action(actions)
    add_sigstore_action(actions)


def _sbom(add: Add) -> None:
    from pyratify.entrypoints.cli.sbom_flags import add_sbom

    add_sbom(add)


def _plugins(add: Add) -> None:
    add_output(add("plugins", "list the plugins that are installed"))


def _config(add: Add) -> None:
    parser = add("config", "check, show, convert or start a configuration")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)
    for name, text, arguments in (
        ("check", "build everything that a configuration names, and say every fault", _check),
        ("show", "print a configuration as it is understood, with defaults and without secrets", _show),
        ("schema", "print the JSON Schema of configurations, with the plugins that are installed", None),
        (
            "convert",
            "turn a configuration file into resources of a cluster, or resources into a file",
            _convert,
        ),
        ("crds", "print the definitions of Executor and NamespacedExecutor for a cluster", None),
        ("init", "write a configuration to start from, or that of the flags of `ratify verify`", _init),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if arguments is not None:
            arguments(action)
        add_debug(action)


def _check(parser: Parser) -> None:
    _add_configuration(parser)
    add_output(parser)


def _show(parser: Parser) -> None:
    _add_configuration(parser)
    add_output(parser, ("yaml", "text", "tree", "json"), "yaml")


def _add_configuration(parser: Parser) -> None:
    """Add -c, and its value as an argument: a command about a file takes the file without a flag too."""
    add_config(parser)
    parser.add_argument(
        "config", nargs="?", metavar="FILE", default=argparse.SUPPRESS, help="the configuration, as with -c"
    )


def _init(parser: Parser) -> None:
    parser.epilog = (
        "Without flags of `ratify verify` a small configuration with comments is written. With them, the one that means\n"
        "the same is printed, or written where FILE is given."
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="where to (default: ratify.yaml, with flags standard output; - is standard output)",
    )
    add_trust_flags(parser, parser.add_argument_group("what is trusted"))
    add_store_flags(parser)
    for flags in (("-c", "--config"), ("--from-file",), ("-o", "--output"), ("--scope",)):
        parser.add_argument(*flags, help=argparse.SUPPRESS)  # refused with a sentence of their own
    for flag in ("--no-cache", "--only-failures"):
        parser.add_argument(flag, action="store_true", help=argparse.SUPPRESS)


def _convert(parser: Parser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="a configuration or resources, YAML or JSON; - is standard input")
    add("--name", default="ratify", metavar="NAME", help="what resources are to be called (default: ratify)")
    add("--namespace", default="", metavar="NAME", help="make NamespacedExecutors of this namespace")
    add(
        "--inline-files",
        action="store_true",
        help="put keys, certificates and policies of files into the resources",
    )


def _completion(add: Add) -> None:
    parser = add("completion", "print a shell's completion script")
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")


def _help(add: Add) -> None:
    parser = add("help", "show the arguments of a command")
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="which command")


def _version(add: Add) -> None:
    add_output(add("version", "print the version"))


_COMMANDS: dict[str | None, Callable[[Add], None]] = {
    "verify": add_verify,
    "verify-file": partial(add_verify_file, name="verify-file"),
    # Older names (decision 0030); scripts use them.
    "verify-blob": partial(add_verify_file, name="verify-blob"),
    "verify-bundle": partial(add_verify_file, name="verify-bundle"),
    "discover": add_discover,
    "inspect": add_inspect,
    "resolve": add_resolve,
    "sbom": _sbom,
    "explain": _explain,
    "trust": _trust,
    "plugins": _plugins,
    "config": _config,
    "gatekeeper": add_gatekeeper,
    "webhook": add_webhook,
    "service": add_service,
    "node": add_node,
    "prove": add_prove,
    "completion": _completion,
    "help": _help,
    "version": _version,
}
