"""An engine from a configuration file."""

import re
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from pyratify.config.build import build_engine
from pyratify.config.decode import ShapeError
from pyratify.config.load import MAX_BYTES, LoadedConfig, decode_config, parse, read
from pyratify.config.locate import VARIABLE, locate, passed_over
from pyratify.config.yaml import lines
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.files import UnreadableFile
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.cli.engines.disk_cache import disk_cache
from pyratify.entrypoints.cli.engines.executor_from_flags import chosen_platforms
from pyratify.entrypoints.cli.engines.session import Session, open_session
from pyratify.entrypoints.cli.engines.store_from_flags import TIMEOUT
from pyratify.terminal.console import Console
from pyratify.terminal.inputs import STANDARD_INPUT, read_input

_BEGIN = "Give --key FILE for cosign or --cert FILE for notation, or begin with `ratify config init`, then -c ratify.yaml."


def find_config(arguments: Namespace, console: Console) -> Path:
    """Return the configuration to use, and say which when none was named.

    Raises:
        ConfigurationError: There is none.
    """
    found, here = locate(arguments.config), passed_over(arguments.config)
    # The current folder is not searched: a checkout must not bring the rules by which it is judged.
    if found is None:
        unread = f"; {here} of this folder is read only where it is named" if here else ""
        raise ConfigurationError(
            f"nothing says what to trust: no -c, no ${VARIABLE}, no configuration in ~/.config/ratify{unread}",
            remedy=f"If you trust what it says: -c {here}" if here else _BEGIN,
        )
    if arguments.config is None:
        unread = f"; {here} of this folder is not read unless it is named: -c {here}" if here else ""
        # Said aloud: a verdict is worth what its configuration is, and this one was not named.
        console.note(f"using the configuration {found}{unread}")
    return found


def read_source(arguments: Namespace, console: Console) -> tuple[str, bytes, bool, Path]:
    """Return the configuration's name, its bytes, whether it is JSON, and the folder that relative paths start from.

    Raises:
        ConfigurationError: There is none, or it cannot be read.
    """
    if arguments.config != "-":
        path = find_config(arguments, console)
        return str(path), read(path), path.suffix == ".json", path.absolute().parent
    if getattr(arguments, "from_file", None) == "-":
        raise ConfigurationError(
            "-c - and --from-file - both read standard input", remedy="Give one of them as a file."
        )
    try:
        data = read_input(STANDARD_INPUT, MAX_BYTES)
    except UnreadableFile as error:
        raise ConfigurationError(
            f"-c -: standard input {error}", remedy="Give a smaller configuration, or a file."
        ) from None
    # The program before the pipe failed; an empty document would be reported as a list of missing members.
    if not data.strip():
        raise ConfigurationError(
            "-c -: standard input is empty", remedy="Look at the program that was to write the configuration."
        )
    # There is no extension to tell the format: what begins with { is read as JSON.
    return "standard input", data, data.lstrip()[:1] == b"{", Path.cwd()


def load(arguments: Namespace, console: Console) -> LoadedConfig:
    """Return the configuration; faults in it are named with their file and line.

    Raises:
        ConfigurationError: There is none, it cannot be read, or it has a fault.
    """
    name, data, is_json, base = read_source(arguments, console)
    try:
        return decode_config(parse(data, is_json=is_json), base)
    except ConfigurationError as error:
        raise located(error, name, lines(data)) from None


def located(error: ConfigurationError, name: str, places: Mapping[str, int]) -> ConfigurationError:
    """Return the same error with the file and line of its place before it."""
    line = line_of(error, places)
    where = f"{name}:{line}: " if line else f"{name}: "
    message = f"{where}{error.message}"
    return ConfigurationError(message, reason=error.reason, remedy=error.remedy)


def line_of(error: ConfigurationError, places: Mapping[str, int]) -> int:
    """Return the line of what is wrong, or of the nearest thing around it; 0 where that is not known."""
    path = error.place if isinstance(error, ShapeError) else error.path
    while path:
        if path in places:
            return places[path]
        # A missing member has no line; the mapping that lacks it has.
        path = re.sub(r"(?:^|\.)[^.\[\]]*\Z|\[[^\]]*\]\Z", "", path)
    return 0


@asynccontextmanager
async def configured_session(arguments: Namespace, console: Console) -> AsyncIterator[Session]:
    """Open a session with the engine that the configuration describes.

    Raises:
        ConfigurationError: There is none, it has a fault, or a flag belongs into it.
    """
    loaded = load(arguments, console)
    for flag, given, parameter in (
        ("--plain-http", arguments.plain_http, "plainHttp"),
        ("--https", arguments.https, "plainHttp: false"),
        ("--ca-file", arguments.ca_file, "caFile"),
        ("--signature-repository", arguments.signature_repository, "signatureRepository"),
        ("--attachment-tag-prefix", arguments.attachment_tag_prefix, "cosignTagPrefix"),
    ):
        # Refused, not applied: the same file must mean the same on a server, which has no such flags.
        if given:
            raise ConfigurationError(
                f"{flag} is for runs without a configuration",
                remedy=f"Set {parameter} in the parameters of the configuration's registry-store.",
            )
    async with AsyncExitStack() as stack:
        engine = await build_engine(loaded, stack, cache=disk_cache(arguments))
        # Without a cache of ours, build_engine has given them the configuration's own in memory.
        if arguments.no_cache:
            engine = _each(engine, lambda executor: replace(executor, cache=None))
        limited = _each(engine, lambda executor: replace(executor, timeout=_seconds(arguments, executor)))
        # The question of this run, as the reference is, not what is trusted, so it may be asked beside a configuration.
        if (platforms := chosen_platforms(arguments)) is not None:
            limited = _each(limited, lambda executor: replace(executor, platforms=platforms))
        # The outer stack closes the stores; this one has nothing of its own.
        async with open_session(limited, AsyncExitStack()) as session:
            yield session


def _each(engine: Engine, change: Callable[[Executor], Executor]) -> Engine:
    """Return the engine with every executor changed; one that has several scopes stays one."""
    # By identity: an executor with several scopes is one object under several keys.
    changed = {id(executor): change(executor) for executor in engine.executors.values()}
    pairs = zip(engine.executors, engine.executors.values(), strict=True)
    return replace(engine, executors=ScopeMap((scope, changed[id(executor)]) for scope, executor in pairs))


def _seconds(arguments: Namespace, executor: Executor) -> float:
    return float(arguments.timeout or executor.timeout or TIMEOUT)
