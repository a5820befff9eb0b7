"""`ratify config convert`: from a file to resources, or back."""

import sys
from pathlib import Path
from typing import Any

from pyratify.config import yaml
from pyratify.config.load import MAX_BYTES, parse, read
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.convert import is_resource, to_file, to_resources


def converted(file: str, name: str, namespace: str) -> str:
    """Return resources for a configuration file, and a configuration file for resources, as YAML.

    Args:
        file: Either of both, JSON when its name ends so; `-` for standard input.
        name: What resources are to be called.
        namespace: Whose they are to be; the cluster's when empty.

    Raises:
        ConfigurationError: It cannot be read, is not valid, or has something that the other side cannot express.
    """
    documents = _documents(file)
    if any(is_resource(each) for each in documents):
        if namespace:
            raise ConfigurationError("--namespace is for resources that are made, and these are resources")
        found: tuple[dict[str, Any], ...] = (to_file(documents),)
    elif len(documents) != 1:
        raise ConfigurationError(f"there are {len(documents)} documents, and a configuration is one")
    else:
        found = to_resources(documents[0], name, namespace)
    return "---\n".join(yaml.dumps(each) for each in found)


def _documents(file: str) -> tuple[Any, ...]:
    data = _standard_input() if file == "-" else read(Path(file))
    if file.endswith(".json"):
        return (parse(data, is_json=True),)
    return tuple(each for each in yaml.loads_all(data) if each is not None)


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"standard input has more than {MAX_BYTES} bytes")
    return data
