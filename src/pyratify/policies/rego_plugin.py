"""The plugin `rego-policy`: a policy in Rego, evaluated here or by an Open Policy Agent."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from pyratify.core.decision import in_thread
from pyratify.core.errors import ConfigurationError, InconclusiveError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.plugin import Plugin, Registry, Resources
from pyratify.core.reason import Reason
from pyratify.expressions.language import MAX_TEXT, Answer, AsyncProgram, Kind, Language, Program, Source
from pyratify.expressions.rego.answer import UNDEFINED, answer_of
from pyratify.expressions.rego.reads import may_read_nested, may_read_tag
from pyratify.policies.rego_contract import Contract, RegoInput
from pyratify.policies.rego_policy import RegoPolicy

_NOT_LOADED = (
    "Load a policy of the package pyratify into OPA; after a start, wait until its bundles are there."
)
_START = 20.0  # seconds that an engine may take to start again, after one was ended


class OpaOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where an Open Policy Agent is.

    Attributes:
        url: Its address, as `https://opa.example.com:8181`, `http://127.0.0.1:8181` or `unix:/run/opa.sock`.
        token: Its bearer token, as `${OPA_TOKEN}`.
        ca_file: CA certificates that replace the system's.
        strict_builtin_errors: Whether an error of a built-in function is an error; otherwise OPA takes it for undefined, and a
            negation of it is true.
    """

    url: Annotated[str, msgspec.Meta(min_length=1)]
    token: str = ""
    ca_file: str = ""
    strict_builtin_errors: bool = True


class RegoOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the policy.

    Attributes:
        contract: `ratify` for policies of Ratify v1 (`data.ratify.policy.valid`), `pyratify` for ours (`data.pyratify`).
        engine: `embedded` evaluates the policy here; `opa` asks an Open Policy Agent that has it.
        policy: The policy's text, for the embedded engine.
        policy_path: Its file, in place of the text.
        rego_version: The syntax, `v0` or `v1`; required for the embedded engine. Ratify v1's policies are `v0`.
        opa: Where the Open Policy Agent is.
        passthrough_enabled: Whether nothing is decided, and the reader of the report does.
        image: Whether the input has `subject.image`; then the answer must be true for every platform.
        timeout: Seconds that a decision may take.
    """

    contract: Contract = Contract.RATIFY
    engine: Literal["embedded", "opa"] = "embedded"
    policy: str = ""
    policy_path: str = ""
    rego_version: Literal["", "v0", "v1"] = ""
    opa: OpaOptions | None = None
    passthrough_enabled: bool = False
    image: bool = False
    timeout: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0


async def build(name: str, options: RegoOptions, resources: Resources) -> RegoPolicy:
    """Build the policy.

    Raises:
        ConfigurationError: Parameters of one engine beside the other, a policy that cannot be used, or an address that is none.
    """
    del name
    if options.image and not options.contract.reads_more:
        raise ConfigurationError(
            "the input of Ratify v1 has no image",
            path="image",
            remedy="Write contract: pyratify, or leave image out.",
        )
    make = _opa if options.engine == "opa" else _embedded
    return await make(options, resources)


async def _embedded(options: RegoOptions, resources: Resources) -> RegoPolicy:
    if options.opa is not None:
        raise ConfigurationError(
            "is for engine: opa", path="opa", remedy="Write engine: opa, or leave opa out."
        )
    if not options.rego_version:
        raise ConfigurationError(
            "is needed: one text can mean two policies",
            path="regoVersion",
            remedy="Write v0 for policies of Ratify v1 and of OPA before 1.0, v1 for others.",
            stand_in="v1",
        )
    text, path = await asyncio.to_thread(_text, options, resources)
    language: Language = Registry[Any]("languages").load("rego", "engine")
    more = {
        "version": options.rego_version,
        "query": options.contract.query,
        "seconds": str(options.timeout),
        "answer": "bool" if options.contract.only_bool else "",
    }
    program = await asyncio.to_thread(language.compile, Source(text, {"input": Kind.ANY}, path, more))
    reads_more = options.contract.reads_more
    # A name that is put together while it is evaluated is missing in the input.
    nested = not reads_more or may_read_nested(text)
    time = reads_more and "now" in text
    return RegoPolicy(
        ask=partial(_evaluate_async, program)
        if isinstance(program, AsyncProgram)
        else partial(_evaluate, program, options.timeout),
        inputs=RegoInput(options.contract, dict(resources.verifier_types), nested, time),
        descends_always=nested,
        reads_tag=reads_more and may_read_tag(text),
        reads_image=options.image,
        reads_time="now" in program.reads or time,
        passthrough=options.passthrough_enabled,
        budget=options.timeout + 2 * _START,
    )


async def _evaluate(program: Program, seconds: float, document: dict[str, Any], now: datetime) -> Answer:
    # More than the program's own budget, which ends the process and says so.
    return await in_thread(partial(program.evaluate, {"input": document, "now": now}), seconds + _START)


async def _evaluate_async(program: AsyncProgram, document: dict[str, Any], now: datetime) -> Answer:
    return await program.evaluate_async({"input": document, "now": now})


async def _opa(options: RegoOptions, resources: Resources) -> RegoPolicy:
    # Lazy: the embedded engine needs no HTTP client.
    from pyratify.policies.opa_connection import connect_opa

    if options.opa is None:
        raise ConfigurationError("is needed for engine: opa", path="opa", remedy="Write opa: {url: ...}.")
    for name in ("policy", "policy_path", "rego_version"):
        if getattr(options, name):
            raise ConfigurationError(
                "is for the embedded engine; OPA has the policy itself",
                path={"policy_path": "policyPath", "rego_version": "regoVersion"}.get(name, name),
                remedy="Leave it out.",
                stand_in="",
            )
    client = connect_opa(options.opa, options.timeout, resources)
    contract = options.contract

    async def ask(document: dict[str, Any], now: datetime) -> Answer:
        del now  # OPA has a clock of its own
        found = await client.query(contract.query, document)
        # A package that is there has a value, an object. A rule of Ratify v1's contract may have none.
        if found is UNDEFINED and not contract.only_bool:
            raise InconclusiveError(Reason.POLICY_ERROR, f"OPA has no {contract.query}", remedy=_NOT_LOADED)
        return answer_of(found, contract.query, only_bool=contract.only_bool)

    return RegoPolicy(
        ask=ask,
        inputs=RegoInput(options.contract, dict(resources.verifier_types)),
        reads_tag=options.contract.reads_more,
        reads_image=options.image,
        # What OPA knows may change at any time.
        reads_time=True,
        passthrough=options.passthrough_enabled,
        # More than the client's own, whose error says that nothing was decided.
        budget=options.timeout * 2 + 1,
    )


def _text(options: RegoOptions, resources: Resources) -> tuple[str, str]:
    if bool(options.policy) == bool(options.policy_path):
        raise ConfigurationError(
            "policy and policyPath are both given"
            if options.policy
            else "either policy or policyPath is needed",
            path="policy",
            remedy="Write the policy there, or name its file in policyPath.",
        )
    if options.policy:
        return options.policy, "policy"
    try:
        data = read_file(resources.base / options.policy_path, MAX_TEXT)
        text = data.decode()
    except UnreadableFile as error:
        raise ConfigurationError(
            f"{options.policy_path[:200]} {error}", path="policyPath", remedy=error.remedy
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{options.policy_path[:200]} is no text in UTF-8",
            path="policyPath",
            remedy="Name a file with a policy in Rego.",
        ) from None
    resources.shared.fingerprint.add("rego", data)
    return text, "policyPath"


plugin: Plugin[RegoPolicy] = Plugin(
    options=RegoOptions,
    build=build,
    summary="A policy in Rego: Ratify v1's contract or ours, embedded or by a real OPA",
)
