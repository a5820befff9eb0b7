"""`ratify config`: check, show, convert or start a configuration."""

import asyncio
import json
from argparse import Namespace

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.commands.config_init import write_configuration
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_THERE = "Correct it there; docs/configuration.md and `ratify config schema` say what may stand there."


def run(arguments: Namespace, console: Console) -> int:
    """Run the action and return the exit code."""
    actions = {
        "check": _check,
        "show": _show,
        "schema": _schema,
        "init": write_configuration,
        "crds": _crds,
        "convert": _convert,
    }
    return actions[arguments.action](arguments, console)


def _check(arguments: Namespace, console: Console) -> int:
    from pyratify.config.check import check_document
    from pyratify.config.load import parse
    from pyratify.config.yaml import lines
    from pyratify.entrypoints.cli.engines.from_configuration import line_of, located, read_source

    name, data, is_json, base = read_source(arguments, console)
    try:
        document = parse(data, is_json=is_json)
    except ConfigurationError as error:
        # Text that does not parse has no places; the parser's message has the line.
        raise located(error, name, {}) from None
    places = lines(data)
    # In the order of the file, where they are mended from top to bottom.
    faults = sorted(asyncio.run(check_document(document, base)), key=lambda each: line_of(each, places))
    if arguments.output == "text" and faults:
        for fault in faults:
            # The general remedy says to run this very command.
            remedy = _THERE if fault.remedy == Reason.CONFIG_INVALID.remedy else fault.remedy
            console.fault(f"{located(fault, name, places).message} [{fault.reason}]", remedy, debug=False)
        return exits.USAGE
    from pyratify.config.load import decode_config
    from pyratify.config.unsigned_evidence import unsigned_evidence
    from pyratify.entrypoints.cli.facts import show

    # Allowed, so no fault: on standard error, and the exit code stays.
    accepted = () if faults else unsigned_evidence(decode_config(document, base).config, base)
    for path, verifier in accepted:
        console.note(
            f"warning: {path} counts what the verifier {_clean(verifier)!r} accepts whatever account attached it: it asks for no signature of it"
        )
    found = [
        {
            "path": fault.path,
            "line": line_of(fault, places) or None,
            "code": str(fault.reason),
            "message": fault.detail,
            "remedy": fault.remedy,
        }
        for fault in faults
    ]
    show(
        console,
        arguments.output,
        {"file": name, "faults": found},
        text=(f"{_clean(name)}: nothing is wrong",),
    )
    return exits.USAGE if faults else exits.ALLOWED


def _clean(name: str) -> str:
    from pyratify.render.plain import clean

    return clean(name, 4096)


def _show(arguments: Namespace, console: Console) -> int:
    from pyratify.config.show import effective_configuration
    from pyratify.entrypoints.cli.engines.from_configuration import load
    from pyratify.entrypoints.cli.facts import show

    found = effective_configuration(load(arguments, console))
    if arguments.output == "yaml":
        from pyratify.config.yaml import dumps

        console.result(dumps(found).rstrip("\n"))
    elif arguments.output == "json":
        # Not `show`, which cuts long texts: this output is to be used as a configuration.
        console.result(json.dumps(found, indent=2))
    else:
        show(console, arguments.output, found)
    return exits.ALLOWED


def _schema(arguments: Namespace, console: Console) -> int:
    from pyratify.config.jsonschema import json_schema

    del arguments
    console.result(json.dumps(json_schema(), indent=2))
    return exits.ALLOWED


def _crds(arguments: Namespace, console: Console) -> int:
    from pyratify.kubernetes.executors.crds import definition_files

    del arguments
    console.result("---\n".join(definition_files().values()).rstrip("\n"))
    return exits.ALLOWED


def _convert(arguments: Namespace, console: Console) -> int:
    from pyratify.entrypoints.cli.commands.convert import convert_file

    text, lacking = convert_file(
        arguments.file, arguments.name, arguments.namespace, inline=arguments.inline_files
    )
    console.result(text.rstrip("\n"))
    # On standard error, so that `| kubectl apply -f -` gets resources alone.
    for each in lacking:
        console.note(f"warning: {each} is a path of this machine, and a cluster has no such file")
    if lacking:
        inline = (
            ""
            if arguments.inline_files
            else "--inline-files puts keys, certificates and policies into the resources; or "
        )
        how = "put them into a Secret and name that (provider kubernetes), or mount them into the Pod at this path"
        console.note(f"what to do: {inline}{how}")
    return exits.ALLOWED
