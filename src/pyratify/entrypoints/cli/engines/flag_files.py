"""Files that flags name."""

from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.key import KeyMaterial

_MAX_BYTES = 4 * 1024 * 1024  # a bundle with its certificates and proofs has some 10 KiB


def read_flag_file(path: str, flag: str, *, most: int = _MAX_BYTES) -> bytes:
    """Return the bytes of a file that a flag names, at most so many.

    Raises:
        ConfigurationError: It cannot be read, is empty or is too large to be what it should be.
    """
    try:
        # Pipes are allowed, for `--key <(command)`.
        data = read_file(Path(path), most)
    except UnreadableFile as error:
        from pyratify.keys.references import check_reference

        # After the failure: what can be opened is a file, whatever its name looks like.
        check_reference(path, flag)
        raise ConfigurationError(f"{flag}: {path} {error}", remedy=error.remedy) from None
    if not data:
        raise ConfigurationError(
            f"{flag}: {path} is empty", remedy="Check that this is the file that you mean."
        )
    return data


def material(paths: list[str], flag: str) -> tuple[KeyMaterial, ...]:
    """Return the documents that a repeatable flag names; errors as in `read_flag_file`."""
    return tuple(KeyMaterial(read_flag_file(path, flag), path) for path in paths)


def keys(texts: list[str], flag: str) -> tuple[KeyMaterial, ...]:
    """Return the keys that a repeatable flag names: files, and references that an installed plugin reads.

    Raises:
        ConfigurationError: A file or a service cannot be read.
    """
    return tuple(each for text in texts for each in _keys(text, flag))


def _keys(text: str, flag: str) -> tuple[KeyMaterial, ...]:
    # Almost every key is a file: the plugins are looked up only for a text with a scheme that names no file.
    if "://" in text and not Path(text).exists():
        from pyratify.keys.references import is_readable

        if is_readable(text):
            return _of_service(text, flag)
    return material([text], flag)


def _of_service(text: str, flag: str) -> tuple[KeyMaterial, ...]:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from pyratify.config.plugin_resources import BuildResources
    from pyratify.core.clock import SystemClock

    async def read() -> tuple[KeyMaterial, ...]:
        resources = BuildResources(SystemClock(), Path.cwd())
        return await (await resources.keys({"references": [text]}, flag)).keys()

    # In a thread with a loop of its own: verifiers are made of flags while the command's loop runs.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, read()).result()
