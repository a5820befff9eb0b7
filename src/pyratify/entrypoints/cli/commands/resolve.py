"""`ratify resolve`: print the digest that a reference stands for."""

import asyncio
import time
from argparse import Namespace

from pyratify.core.deadline import due
from pyratify.core.descriptor import Descriptor
from pyratify.core.discovery import NoVerifier
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.engines.read_only import reading_session
from pyratify.entrypoints.cli.engines.store_from_flags import timeout
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.cli.targets import Target, parse_target
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print the digest and return the exit code."""
    target = parse_target(arguments.reference)
    descriptor = asyncio.run(resolved(arguments, console, target))
    found = {
        "reference": clean(str(target.reference), MAX_REFERENCE),
        "digest": descriptor.digest,
        "mediaType": clean(descriptor.media_type),
        "size": descriptor.size,
        "pinned": clean(str(target.reference.at(descriptor.digest)), MAX_REFERENCE),
    }
    show(console, arguments.output, found, text=(descriptor.digest,))
    return exits.ALLOWED


async def resolved(arguments: Namespace, console: Console, target: Target) -> Descriptor:
    """Return what a reference stands for.

    Raises:
        StoreError: It could not be resolved, or not in time.
    """
    seconds = timeout(arguments)
    async with reading_session(arguments, console, target, NoVerifier()) as session:
        try:
            async with asyncio.timeout(seconds):
                # With it, the store starts no retry that could not end in time.
                with due(time.monotonic() + seconds):
                    return await session.resolve(target)
        except TimeoutError:
            raise StoreError(
                Reason.TIMEOUT,
                f"not finished within {seconds:g} seconds",
                remedy="Check that the registry can be reached from here, or allow more time with --timeout.",
            ) from None
