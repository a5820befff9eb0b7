"""The grammar of the commands that serve: `ratify gatekeeper`, `ratify webhook`, `ratify service` and `ratify node`."""

import argparse
from collections.abc import Callable

from pyratify.terminal.arguments import Parser, add_debug, add_output


def add_gatekeeper(add: Callable[..., Parser]) -> None:
    """Add `ratify gatekeeper` with what adds a command."""
    # Flags stand in modules that import no server, so that a help or completion stays fast.
    from pyratify.entrypoints.gatekeeper.provider_flags import add_flags

    parser = add("gatekeeper", "answer Gatekeeper's questions about images")
    _add(_actions(parser), "serve", "serve Gatekeeper's external data provider until SIGTERM", add_flags)


def add_webhook(add: Callable[..., Parser]) -> None:
    """Add `ratify webhook` with what adds a command."""
    from pyratify.entrypoints.webhook.webhook_flags import add_flags

    actions = _actions(add("webhook", "decide admissions for the Kubernetes API server"))
    _add(actions, "serve", "serve the validating and mutating admission webhook until SIGTERM", add_flags)
    text = "say what is wrong with rules, and what of a cluster's manifests would let images through"
    _add(actions, "check", text, _check_flags)


def _check_flags(parser: Parser) -> None:
    from pyratify.entrypoints.webhook.webhook_flags import add_check_flags

    add_check_flags(parser)
    add_output(parser)


def add_service(add: Callable[..., Parser]) -> None:
    """Add `ratify service` with what adds a command."""
    from pyratify.entrypoints.service.service_flags import add_flags

    text = "answer questions about references over HTTP, and show the answers on a page"
    parser = add("service", text)
    _add(_actions(parser), "serve", "serve the JSON API and its page until SIGTERM", add_flags)


def add_node(add: Callable[..., Parser]) -> None:
    """Add `ratify node` with what adds a command."""
    from pyratify.entrypoints.node.node_flags import add_serve_flags, add_verify_flags

    actions = _actions(add("node", "judge the images that the runtimes of this node pull"))
    text = "judge what the runtimes of this node pull and run, until SIGTERM"
    _add(actions, "serve", text, add_serve_flags, ("--socket", "--docker", "--nri", "--state"))
    text = "answer one question of containerd without the daemon"
    _add(actions, "verify", text, add_verify_flags, ("--state",))
    text = "say what of this node lets images past verification"
    _add(actions, "check", text, _check_node_flags, ("--state",))
    _add(
        actions,
        "install",
        "show or make the changes that put ratify before a runtime's pulls",
        _install_flags,
    )


def _check_node_flags(parser: Parser) -> None:
    from pyratify.entrypoints.node.node_flags import add_check_flags

    add_check_flags(parser)
    add_output(parser)


def _install_flags(parser: Parser) -> None:
    from pyratify.entrypoints.node.node_flags import (
        add_install_containerd_flags,
        add_install_docker_flags,
        add_install_nri_flags,
    )

    runtimes = parser.add_subparsers(metavar="RUNTIME", required=True, dest="runtime", parser_class=Parser)
    text = "have containerd ask before every pull"
    _add(runtimes, "containerd", text, add_install_containerd_flags, ("--state",))
    text = "have the Docker daemon ask before it creates, starts and pulls"
    _add(runtimes, "docker", text, add_install_docker_flags)
    text = "have containerd or CRI-O make no container while the NRI plugin is absent"
    _add(runtimes, "nri", text, add_install_nri_flags)


def _actions(parser: Parser) -> "argparse._SubParsersAction[Parser]":
    return parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)


def _add(
    actions: "argparse._SubParsersAction[Parser]",
    name: str,
    text: str,
    flags: Callable[[Parser], None],
    may_be_empty: tuple[str, ...] = (),
) -> None:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    flags(action)
    action.allow_empty(*may_be_empty)
    add_debug(action)
