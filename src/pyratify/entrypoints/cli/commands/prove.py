"""`ratify prove`: offer an unsigned image at every enforcement point, and say which ones refuse it."""

import asyncio
from argparse import Namespace
from contextlib import AsyncExitStack

from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import Reference
from pyratify.entrypoints.cli.commands.resolve import resolved
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.cli.targets import parse_target
from pyratify.entrypoints.prove.enforcement_point import EnforcementPoint, Offer, Outcome
from pyratify.entrypoints.prove.open_points import open_points
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Offer the image and return the exit code: 1 where an enforcement point let it pass, 2 where one proved nothing."""
    return asyncio.run(_prove(arguments, console))


async def _prove(arguments: Namespace, console: Console) -> int:
    async with AsyncExitStack() as stack:
        points = open_points(arguments, stack)
        if not points:
            raise ConfigurationError(
                "no enforcement point is named",
                remedy="Name one: --pod, --containerd, --docker, --gatekeeper or --webhook.",
            )
        offers = [(await _pinned(arguments, console, arguments.image), Outcome.REFUSED)]
        if arguments.allowed:
            offers.append((await _pinned(arguments, console, arguments.allowed), Outcome.PASSED))
        rows = [
            _row(point, reference, wanted, await point.offer(reference))
            for reference, wanted in offers
            for point in points
        ]
    show(console, arguments.output, {"offers": rows}, text=[_line(row) for row in rows])
    failed = [row for row in rows if row["outcome"] != row["wanted"]]
    # One that refuses what it should let pass, or that was not asked, has proved nothing.
    if any(row["outcome"] == Outcome.PASSED for row in failed):
        return exits.DENIED
    return exits.UNDECIDED if failed else exits.ALLOWED


async def _pinned(arguments: Namespace, console: Console, text: str) -> Reference:
    """Return an image by its digest; one that is not there would be refused everywhere, which proves nothing."""
    target = parse_target(text)
    if target.reference.is_layout:
        raise ConfigurationError(
            f"{text} is no image of a registry", remedy="Give one as registry/repository:tag."
        )
    descriptor = await resolved(arguments, console, target)
    return target.reference.at(descriptor.digest)


def _row(point: EnforcementPoint, reference: Reference, wanted: Outcome, offer: Offer) -> dict[str, str]:
    return {
        "enforcementPoint": point.name,
        "image": str(reference),
        "wanted": wanted.value,
        "outcome": offer.outcome.value,
        "code": offer.code,
        "message": offer.message,
    }


def _line(row: dict[str, str]) -> str:
    code = f" [{row['code']}]" if row["code"] else ""
    wanted = "" if row["outcome"] == row["wanted"] else f", and should be {row['wanted']}"
    return f"{row['outcome'].upper()}{wanted}: {row['enforcementPoint']}: {row['image']}{code}\n  {row['message']}"
