"""Loads a configuration: reads bytes, parses them strictly, substitutes variables and files, decodes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyratify.config.decode import decode
from pyratify.config.schema import Config
from pyratify.config.substitute import substitute
from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file

MAX_BYTES = 1024 * 1024  # the most that a ConfigMap of Kubernetes holds


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where it comes from.

    Attributes:
        config: The decoded configuration.
        base: The folder that relative paths in it start from.
    """

    config: Config
    base: Path


def load_config(path: str | Path, environment: Mapping[str, str] | None = None) -> LoadedConfig:
    """Read a configuration file, JSON when its name ends so and YAML otherwise.

    Args:
        path: The file.
        environment: The environment for `${NAME}`; the process's own when omitted.

    Raises:
        ConfigurationError: With the path of the first thing that is wrong.
    """
    return decode_config(*read_document(Path(path)), environment)


def read_document(file: Path) -> tuple[Any, Path]:
    """Return a configuration file's JSON values and the folder it stands in.

    Raises:
        ConfigurationError: It cannot be read or parsed.
    """
    return parse(read(file), is_json=file.suffix == ".json"), file.absolute().parent


def read(file: Path, what: str = "the configuration") -> bytes:
    """Return the bytes of a configuration file, or of another that messages call `what`, at most 1 MiB.

    Raises:
        ConfigurationError: It cannot be read or is too large.
    """
    try:
        return read_file(file, MAX_BYTES)
    except UnreadableFile as error:
        raise ConfigurationError(f"{what} {file} {error}", remedy=error.remedy) from None


def parse(data: bytes, *, is_json: bool) -> Any:
    """Parse the bytes of a configuration into JSON values.

    Raises:
        ConfigurationError: It is not JSON or YAML, or not one that every reader understands in the same way.
    """
    if not data.strip():
        raise ConfigurationError("the file is empty", remedy=_REMEDY)
    document = _json(data) if is_json else _yaml(data)
    # Ratify v1's file: a list of its keys that are unknown would not say that.
    if isinstance(document, dict) and "executors" not in document and document.keys() >= _V1:
        raise ConfigurationError(
            "it is a configuration of Ratify v1, which has no executors", remedy=_FROM_V1
        )
    return document


def _json(data: bytes) -> Any:
    try:
        return strictjson.loads(data, what="the configuration")
    except strictjson.InvalidJson as error:
        raise ConfigurationError(error.message, reason=error.reason, remedy=_REMEDY) from None


def _yaml(data: bytes) -> Any:
    # Lazy: PyYAML is not needed for JSON.
    from pyratify.config import yaml

    return yaml.loads(data)


def decode_config(document: Any, base: Path, environment: Mapping[str, str] | None = None) -> LoadedConfig:
    """Return parsed JSON values as a configuration; errors as in `load_config`."""
    return LoadedConfig(decode(Config, fill(document, base, environment)), base)


def fill(document: Any, base: Path, environment: Mapping[str, str] | None = None) -> Any:
    """Return parsed JSON values with environment variables and files substituted; errors as in `load_config`."""
    import os

    return substitute(document, base, os.environ if environment is None else environment)


_REMEDY = "Correct the file; `ratify config init -` prints one to start from."
_V1 = {"store", "verifier"}
_FROM_V1 = (
    "Write executors with verifiers, stores and a policyEnforcer: `ratify config init -` prints one to start from. "
    "Ratify v1's policies are any-all (configPolicy), and rego-policy with regoVersion: v0 (regoPolicy)."
)
