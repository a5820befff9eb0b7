"""`ratify config`: check, show, convert or start a configuration."""

import asyncio
import json
from argparse import Namespace
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Do what is asked and return the exit code."""
    actions = {
        "check": _check,
        "show": _show,
        "schema": _schema,
        "init": _init,
        "crds": _crds,
        "convert": _convert,
    }
    return actions[arguments.action](arguments, console)


def _check(arguments: Namespace, console: Console) -> int:
    from pyratify.config.check import check_file
    from pyratify.entrypoints.cli.configured import find_config

    path = find_config(arguments, console)
    faults = asyncio.run(check_file(path))
    for fault in faults:
        console.fault(f"{fault.message} [{fault.reason}]", fault.remedy, debug=False)
    if not faults:
        from pyratify.render.plain import clean

        console.result(f"{clean(str(path), 4096)}: nothing is wrong")
    return exits.USAGE if faults else exits.ALLOWED


def _show(arguments: Namespace, console: Console) -> int:
    from pyratify.config.load import load_config
    from pyratify.config.show import understood
    from pyratify.entrypoints.cli.configured import find_config

    console.result(json.dumps(understood(load_config(find_config(arguments, console))), indent=2))
    return exits.ALLOWED


def _schema(arguments: Namespace, console: Console) -> int:
    from pyratify.config.jsonschema import json_schema

    del arguments
    console.result(json.dumps(json_schema(), indent=2))
    return exits.ALLOWED


def _crds(arguments: Namespace, console: Console) -> int:
    from pyratify.kubernetes.crds import definition_files

    del arguments
    console.result("---\n".join(definition_files().values()).rstrip("\n"))
    return exits.ALLOWED


def _convert(arguments: Namespace, console: Console) -> int:
    from pyratify.entrypoints.cli.convert import converted

    console.result(converted(arguments.file, arguments.name, arguments.namespace).rstrip("\n"))
    return exits.ALLOWED


def _init(arguments: Namespace, console: Console) -> int:
    from pyratify.config.starter import STARTER

    if arguments.file == "-":
        console.result(STARTER.rstrip("\n"))
        return exits.ALLOWED
    try:
        with Path(arguments.file).open("x", encoding="utf-8") as file:  # never over a file or through a link
            file.write(STARTER)
    except OSError as error:
        raise ConfigurationError(
            f"{arguments.file} cannot be written: {error.strerror}",
            remedy="Name another file; nothing is overwritten.",
        ) from None
    console.note(
        f"wrote {arguments.file}; put your key beside it as cosign.pub, then `ratify config check -c {arguments.file}`"
    )
    return exits.ALLOWED
