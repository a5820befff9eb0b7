"""`ratify node verify`: the answer to containerd by an engine in this process, where no daemon listens."""

import asyncio
import sys
from argparse import Namespace
from contextlib import AsyncExitStack

from pyratify.caches.last_verdicts import LastVerdicts
from pyratify.core.clock import SystemClock
from pyratify.core.errors import RatifyError
from pyratify.core.isolation import internal
from pyratify.core.telemetry import NULL_OBSERVER
from pyratify.entrypoints.node.answer import NodeAnswer, malformed
from pyratify.entrypoints.node.containerd.request import MAX_BODY, judged
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.serving.choose_source import choose_source
from pyratify.serving.context_from_flags import verdicts_of
from pyratify.serving.server_flags import answer_within
from pyratify.serving.shared_verdicts import open_shared
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print the answer to containerd's question and return the exit code; nothing but 0 lets the image be pulled."""
    try:
        answer = asyncio.run(_answer(arguments))
    except RatifyError as error:
        answer = malformed(error.failure)
    # On standard output: containerd shows nothing else to the user.
    except Exception as error:  # noqa: BLE001 - the end is a refusal
        answer = malformed(internal(error))
    console.result(answer.text)
    return answer.exit


async def _answer(arguments: Namespace) -> NodeAnswer:
    descriptor = sys.stdin.buffer.read(MAX_BODY)
    reference = judged(arguments.name, arguments.digest, arguments.stdin_media_type, descriptor)
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        source, shared = choose_source(arguments, clock), open_shared(arguments, clock)
        stack.push_async_callback(source.aclose)
        if shared is not None:
            stack.push_async_callback(shared.aclose)
            source.secret = shared.secret.generations
        verdicts = verdicts_of(arguments, clock, shared, NULL_OBSERVER)
        stack.push_async_callback(verdicts.aclose)
        last = None if shared is None else LastVerdicts(shared, clock)
        judge = NodeJudge(
            source=source, verdicts=verdicts, clock=clock, lifetime=arguments.verdict_lifetime, last=last
        )
        await source.refresh()
        answer = await judge.judge(reference, answer_within(arguments.timeout))
        # The process ends here, and verdicts are written in the background.
        await verdicts.flush()
        return answer
