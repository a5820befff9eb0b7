"""Which arguments are files, where a command takes files and references."""

from pathlib import Path

from pyratify.core.errors import ConfigurationError

_PATHS = ("/", "./", "../")
_ENDINGS = (".json", ".jsonl", ".pem", ".pub", ".crt", ".cer", ".der", ".sig", ".jws", ".cose", ".bundle")


def is_file(text: str) -> bool:
    """Return whether an argument is a file, `-` for standard input; otherwise it is a reference.

    Raises:
        ConfigurationError: It is written like the path of a file, and there is none.
    """
    if text == "-" or Path(text).is_file():
        return True
    # As a reference, its error would speak of registries.
    if text.startswith(_PATHS) or (text.lower().endswith(_ENDINGS) and ":" not in text):
        raise ConfigurationError(
            f"there is no file {text[:200]}",
            remedy="Check the path. A layout is written oci:DIR:TAG, and an image that is called so with its tag.",
        )
    return False
