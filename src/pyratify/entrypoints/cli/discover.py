"""`ratify discover`: show everything that is attached to a reference."""

import asyncio
from argparse import Namespace

from pyratify.core.discovery import NoVerifier
from pyratify.core.report import ValidationResult
from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.readonly import reading_session
from pyratify.entrypoints.cli.targets import Target, parse_target


def run(arguments: Namespace, console: Console) -> int:
    """Print what is attached and return the exit code."""
    from pyratify.render.attached import render_json, render_tree

    result = asyncio.run(_discover(arguments, console, parse_target(arguments.reference)))
    failure = result.error or (result.failure if not result.subject else None)
    if failure is not None:
        console.fault(f"{failure.message} [{failure.reason}]", failure.remedy, debug=False)
    if result.subject is not None:
        render = render_json if arguments.output == "json" else render_tree
        console.result(render(result))
    return exits.UNDECIDED if failure is not None else exits.ALLOWED


async def _discover(arguments: Namespace, console: Console, target: Target) -> ValidationResult:
    async with reading_session(arguments, console, target, NoVerifier()) as session:
        return await session.validate(target)
