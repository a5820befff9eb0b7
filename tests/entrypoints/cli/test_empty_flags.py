"""Empty values of flags: an unset variable of a script must neither switch a demand off nor select what is trusted."""

import argparse
from collections.abc import Callable, Iterator

import pytest

from pyratify.entrypoints.cli.parser import build_parser

Run = Callable[..., tuple[int, str, str]]
MAY_BE_EMPTY = {
    ("node serve", "--socket"),
    ("node serve", "--docker"),
    ("node serve", "--nri"),
    ("node serve", "--state"),
    ("node verify", "--state"),
    ("node check", "--state"),
    ("node install containerd", "--state"),
}


def flags(parser: argparse.ArgumentParser, command: str = "") -> Iterator[tuple[str, str]]:
    """Iterate over the commands and the flags with values that each has."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, below in action.choices.items():
                yield from flags(below, f"{command} {name}".strip())
        elif action.nargs != 0:
            yield from ((command, flag) for flag in action.option_strings)


def ended(parser: argparse.ArgumentParser, words: list[str]) -> object:
    """Return the exit code of a command line that is refused; None for another."""
    try:
        parser.parse_args(words)
    except SystemExit as end:
        return end.code
    return None


@pytest.mark.parametrize("command", sorted({command for command, _ in flags(build_parser())}))
def test_every_flag_of_every_command_refuses_an_empty_value(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blanks too, and the message names the flag; only flags whose help says what an empty value means take one."""
    words = command.split()
    parser, accepted = build_parser(words[0]), set()
    for flag in [flag for found, flag in flags(parser) if found == command]:
        for given in ([flag, ""], [flag, " \t"], [f"{flag}="]):
            if given[-1].startswith("-") and not flag.startswith("--"):
                continue  # `-c=` is the value `=`
            code = ended(parser, [*words, *given])
            err = capsys.readouterr().err
            if "empty value" in err:
                assert code == 3
                assert flag in err
            else:
                accepted.add((command, flag))
    assert accepted == {each for each in MAY_BE_EMPTY if each[0] == command}


@pytest.mark.parametrize(
    "given",
    [
        ("--key", "cosign.pub", "--certificate-identity", ""),
        ("--key", "cosign.pub", "--trusted-root", ""),
        ("--key", "cosign.pub", "--certificate-github-workflow-repository", ""),
        ("--key", ""),
        ("-c", ""),
        ("--cert", "ca.pem", "--trusted-identity", " "),
    ],
)
def test_an_unset_variable_beside_a_key_is_an_error_of_the_command(run: Run, given: tuple[str, ...]) -> None:
    """Not the verdict of what is left of the demands."""
    code, out, err = run("verify", *given, "example.com/app:v1")
    assert (code, out) == (3, "")
    assert "an empty value asks for nothing" in err
