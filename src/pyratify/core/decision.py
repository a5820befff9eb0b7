"""Asks a policy: expensive ones in a thread, within their budget; what fails, is late or returns no verdict denies."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from inspect import isawaitable
from time import monotonic
from typing import TypeVar

from pyratify.core.errors import Failure, InconclusiveError
from pyratify.core.invoke import is_moment
from pyratify.core.isolation import describe, is_caller_cancellation, release
from pyratify.core.policy import DEFAULT_BUDGET, PolicyEnforcer, Reports, Subject
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, Verdict, flatten

T = TypeVar("T")
_WORKERS = 2  # more would only compete for the interpreter
_QUEUE = 10  # budgets that a decision waits for a thread, where others take theirs whole


class LateError(Exception):
    """A policy has not decided within its budget."""


async def ask(policy: PolicyEnforcer, subject: Subject, reports: Reports) -> Verdict:
    """Return the policy's verdict.

    Raises:
        InconclusiveError: The policy cannot decide now.
    """
    try:
        verdict = _checked(await _answer(policy, subject, reports))
    # Undecided, and no denial: another try may help.
    except InconclusiveError:
        raise
    except LateError:
        return deny(Reason.POLICY_ERROR, f"the policy did not decide within {_budget(policy):g} seconds")
    except BaseException as fault:  # a policy that raises denies
        if is_caller_cancellation(fault):
            raise
        release(fault)  # a traceback would keep evidence and caches alive (decision 0035)
        return deny(Reason.POLICY_ERROR, f"the policy failed: {describe(fault)}")
    # Whatever a policy plugin returns: without evidence nothing is allowed.
    passed = any(result.passed for report in flatten(reports) for result in report.results)
    if verdict.decision is Decision.ALLOW and not passed:
        return deny(Reason.NO_EVIDENCE, "the policy would allow this without any evidence that passed")
    return verdict


def deny(reason: Reason, message: str, remedy: str | None = None) -> Verdict:
    """Return a denial, with the code's own remedy where none is given."""
    return Verdict(Decision.DENY, Failure(reason, message, remedy or reason.remedy))


async def in_thread(function: Callable[[], T], budget: float, threads: ThreadPoolExecutor | None = None) -> T:
    """Call a function in a thread; raises what it raises.

    A thread cannot be ended: a function that is late goes on, and holds its thread until it returns.

    Args:
        function: Must not touch anything that belongs to the event loop.
        budget: Seconds that it may take once it has begun.
        threads: Where to call it; those of all policies when omitted.

    Raises:
        LateError: It has not returned within its budget, or no thread was free for many times as long.
    """
    begun: list[float] = []

    def work() -> T:
        begun.append(monotonic())
        return function()

    context = copy_context()  # as `asyncio.to_thread` does
    loop = asyncio.get_running_loop()
    task = loop.run_in_executor(threads or _threads(), partial(context.run, work))
    end = monotonic() + budget * _QUEUE
    try:
        while True:
            # From its beginning: under load it must not be late for having waited its turn.
            left = (begun[0] + budget if begun else end) - monotonic()
            if left <= 0:
                raise LateError
            done, _ = await asyncio.wait((task,), timeout=min(left, budget))
            if done:
                return task.result()
    finally:
        task.cancel()


async def _answer(policy: PolicyEnforcer, subject: Subject, reports: Reports) -> object:
    decide = partial(policy.decide, subject, reports)
    # Compared with True: nothing else that a plugin may have there counts.
    if getattr(policy, "offload", False) is True:
        return await in_thread(decide, _budget(policy))
    answer = decide()
    return await _within(answer, _budget(policy)) if isawaitable(answer) else answer


async def _within(answer: Awaitable[T], budget: float) -> T:
    try:
        async with asyncio.timeout(budget) as deadline:
            return await answer
    except TimeoutError:
        # Otherwise it is one that the policy itself raised.
        if deadline.expired():
            raise LateError from None
        raise


def _budget(policy: PolicyEnforcer) -> float:
    budget = getattr(policy, "budget", DEFAULT_BUDGET)
    # A plugin's attribute is of any type: what is no positive number of seconds is no licence to run for ever.
    is_seconds = isinstance(budget, int | float) and 0 < budget < math.inf
    return float(budget) if is_seconds else DEFAULT_BUDGET


def _checked(verdict: object) -> Verdict:
    # Policies are plugins: `True` in place of a verdict must not allow.
    if not isinstance(verdict, Verdict) or not isinstance(verdict.decision, Decision):
        raise TypeError(f"it returned {type(verdict).__name__} and no verdict")
    if not is_moment(verdict.valid_until):
        raise TypeError("its verdict has a valid_until that is no aware moment")
    return verdict


# Threads start with the first expensive policy: most processes have none.
@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="pyratify-policies")
