"""`ratify config init`: a configuration to start from, or the one that flags of `ratify verify` spell."""

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_PRINTED = "-"
_STARTER = "ratify.yaml"
_KEEP = "Leave it out here, and give it to `ratify verify -c FILE`."
_REFUSED = {
    "config": (
        "-c",
        "names a configuration that exists, and this command writes a new one",
        "Leave out -c; `ratify config show -c FILE` prints a configuration with every default.",
    ),
    "no_cache": ("--no-cache", "is about one run: a configuration does not say what is kept on disk", _KEEP),
    "scope": ("--scope", "belongs to a layout that is verified, and a configuration names none", _KEEP),
    "from_file": ("--from-file", "names references, and a configuration names none", _KEEP),
    "only_failures": ("--only-failures", "is about what is printed, which no configuration says", _KEEP),
    "output": ("-o", "is about how results are printed, which no configuration says; this is YAML", _KEEP),
}
_NOT_FLAGS = frozenset({"file", "module", "action", "debug"})


def write_configuration(arguments: Namespace, console: Console) -> int:
    """Write or print the configuration and return the exit code.

    Raises:
        ConfigurationError: A flag has no spelling in a configuration or cannot be used, or the file cannot be written.
    """
    # Dropped silently, such a flag would make the file mean less than the command line did.
    for name, (flag, why, remedy) in _REFUSED.items():
        if getattr(arguments, name):
            raise ConfigurationError(f"{flag} {why}", remedy=remedy)
    flags = any(value for name, value in vars(arguments).items() if name not in _NOT_FLAGS)
    # The starter is for editing, so it is a file; a translation is often piped.
    target = arguments.file or (_PRINTED if flags else _STARTER)
    text = _spelt(arguments, target) if flags else _starter()
    if target == _PRINTED:
        console.result(text.rstrip("\n"))
        return exits.ALLOWED
    _write(target, text)
    begin = "" if flags else "put your key beside it as cosign.pub, then "
    console.note(f"wrote {target}; {begin}`ratify config check -c {target}`")
    return exits.ALLOWED


def _starter() -> str:
    from pyratify.config.starter import STARTER

    return STARTER


def _spelt(arguments: Namespace, target: str) -> str:
    """Return the configuration of the flags in YAML, after the same checks as `verify` and `config check` make."""
    from pyratify.config.yaml import dumps
    from pyratify.entrypoints.cli.engines.document_flags import document_flag
    from pyratify.entrypoints.cli.engines.flags_as_configuration import configuration_of, relative_to
    from pyratify.entrypoints.cli.engines.trust_from_flags import is_direct
    from pyratify.entrypoints.cli.engines.verifiers_from_flags import direct_verifiers

    if not is_direct(arguments):
        raise ConfigurationError(
            "the flags do not say what is trusted",
            remedy="Add --key, --certificate-identity, --cert, --trust-policy or --notation.",
        )
    # Called for its errors: keys and identities are refused in the words of the flags.
    trusted = direct_verifiers(arguments)
    if document_flag(arguments):
        from pyratify.entrypoints.cli.engines.document_evidence import add_documents

        add_documents(arguments, trusted)
    _check_files(arguments)
    folder = Path() if target == _PRINTED else Path(target).parent
    document = configuration_of(arguments, relative_to(folder))
    # A file that `config check` would refuse is never written.
    _check(document, folder.absolute())
    return dumps(document)


def _check_files(arguments: Namespace) -> None:
    """Refuse pipes: `verify` reads them once, and a configuration would be read when they are gone."""
    singles = ("trusted_root", "ca_file", "trust_policy")
    paths = [("--key", path) for path in arguments.key] + [("--cert", path) for path in arguments.cert]
    paths += [(f"--{name.replace('_', '-')}", getattr(arguments, name) or "") for name in singles]
    for flag, path in paths:
        if path and Path(path).exists() and not Path(path).is_file():
            raise ConfigurationError(
                f"{flag}: {path} is no regular file, and a configuration is read again later",
                remedy="Write what it holds into a file, and name that.",
            )


def _check(document: dict[str, Any], base: Path) -> None:
    from pyratify.config.check import check_document

    faults = asyncio.run(check_document(document, base))
    if faults:
        raise faults[0]


def _write(target: str, text: str) -> None:
    try:
        with Path(target).open("x", encoding="utf-8") as file:  # never over a file or through a link
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            f"{target} exists", remedy="Name another file; nothing is overwritten."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{target} cannot be written: {getattr(error, 'strerror', None) or error}",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from None
