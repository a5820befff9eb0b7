"""`ratify config convert`: from a file to resources, or back."""

import asyncio
from pathlib import Path
from typing import Any

from pyratify.config import yaml
from pyratify.config.load import MAX_BYTES, parse, read
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.executors.convert_configuration import is_resource, to_file, to_resources
from pyratify.kubernetes.executors.local_files import inlined, local_files
from pyratify.terminal.inputs import STANDARD_INPUT, read_standard_input


def convert_file(
    file: str, name: str, namespace: str, *, inline: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Return resources for a configuration file, and a configuration file for resources, as YAML, and what a cluster lacks.

    Args:
        file: Either of both, JSON when its name ends so; `-` for standard input.
        name: What resources are to be called.
        namespace: Whose they are to be; the cluster's when empty.
        inline: Whether keys and certificates of files are put into the resources.

    Raises:
        ConfigurationError: It cannot be read, is not valid, or has something that the other side cannot express.
    """
    documents = _documents(file)
    warnings: tuple[str, ...] = ()
    if any(is_resource(each) for each in documents):
        if namespace or inline:
            raise ConfigurationError(
                f"{'--namespace' if namespace else '--inline-files'} is for resources that are made, and these are resources",
                remedy="Leave it out: a file is made of resources.",
            )
        found: tuple[dict[str, Any], ...] = (to_file(documents),)
    # A second document would be dropped, and with it perhaps the stricter executor.
    elif len(documents) != 1:
        raise ConfigurationError(
            f"there are {len(documents)} documents, and a configuration is one",
            remedy="Convert one file at a time." if documents else "Give a file that is not empty.",
        )
    else:
        document = documents[0]
        if inline:
            document = asyncio.run(inlined(document, _folder(file)))
        warnings = tuple(f"{place}: {text}" for place, text in local_files(document))
        found = _resources(document, name, namespace, inline=inline)
    return "---\n".join(yaml.dumps(each) for each in found), warnings


def _resources(document: Any, name: str, namespace: str, *, inline: bool) -> tuple[dict[str, Any], ...]:
    try:
        return to_resources(document, name, namespace)
    except ConfigurationError as error:
        # With --inline-files the remedy would name a flag that is given already.
        if inline or not error.path.endswith(".files"):
            raise
        remedy = "Give --inline-files, or name a Secret of the namespace (provider kubernetes)."
        raise ConfigurationError(error.detail, path=error.path, reason=error.reason, remedy=remedy) from None


def _folder(file: str) -> Path:
    return Path.cwd() if file == "-" else Path(file).absolute().parent


def _documents(file: str) -> tuple[Any, ...]:
    data = (
        read_standard_input(MAX_BYTES, "Give a smaller document, or a file.")
        if file == STANDARD_INPUT
        else read(Path(file))
    )
    if file.endswith(".json"):
        return (parse(data, is_json=True),)
    # A `---` at the end of a file makes an empty document.
    return tuple(each for each in yaml.loads_all(data) if each is not None)
