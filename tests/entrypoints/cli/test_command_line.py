"""The command line as people type it: help, suggestions, flags in other places, and what explains codes."""

import argparse
import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.parser import build_parser
from pyratify.terminal.examples import EXAMPLES

Run = Callable[..., Any]


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Iterate over a parser and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


ALL = {parser.prog: parser for parser in parsers(build_parser())}


@pytest.mark.parametrize("prog", ALL)
def test_every_help_has_two_examples_that_parse(prog: str) -> None:
    """Each example is a command line of the grammar, as far as the shell's own signs."""
    examples = EXAMPLES[prog]
    shown = ALL[prog].format_help()
    assert len(examples) >= 2
    for line in examples:
        assert f"  {line}\n" in shown
        ours = next(part for part in line.split(" | ") if part.startswith("ratify"))
        words = shlex.split(ours.partition(" > ")[0])[1:]
        if words[0] not in ("help", "--version"):
            build_parser().parse_args(words)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("verfy", "x"), "verify"),
        (("VERIFY", "x"), "verify"),
        (("config", "chek"), "check"),
        (("trust", "sigstor"), "sigstore"),
        (("verify", "--kee", "x"), "--key"),
        (("verify", "--certificate-identiy=x"), "--certificate-identity"),
        (("verify", "-o", "jsn", "x"), "json"),
        (("completion", "bsh"), "bash"),
        (("help", "verfy"), "verify"),
        (("explain", "SIG_INVALD"), "SIG_INVALID"),
        (("show",), "config show"),
        (("schema",), "config schema"),
        (("verify", "-key", "x"), "--key"),
        (("-V",), "--version"),
        (("--versoin",), "--version"),
    ],
)
def test_a_misspelled_word_is_followed_by_the_right_one(given: tuple[str, ...], meant: str, run: Run) -> None:
    """Commands, actions, flags, values and codes."""
    code, out, err = run(*given)
    assert (code, out) == (3, "")
    assert f"did you mean {meant!r}?" in err.lower().replace(meant.lower(), meant)


def test_nothing_is_suggested_where_nothing_is_near(run: Run) -> None:
    """A guess that is none would mislead."""
    assert "Did you mean" not in run("verify", "--xyz", "x").err
    err = run("xyzzy").err
    assert "Did you mean" not in err
    assert "`ratify --help`" in err


@pytest.mark.parametrize(
    ("words", "prog"),
    [((), "ratify"), (("verify",), "ratify verify"), (("config", "check"), "ratify config check")],
)
def test_help_is_a_command_too(words: tuple[str, ...], prog: str, run: Run) -> None:
    """`ratify help COMMAND` prints what `ratify COMMAND --help` prints."""
    asked = run("help", *words)
    assert asked.code == 0
    assert asked.out.startswith(f"usage: {prog} ")
    assert asked.out == run(*words, "--help").out


def test_debug_may_stand_before_the_command(run: Run) -> None:
    """And shows the same as behind it; other flags are told where they belong."""
    before = run("--debug", "config", "check", "-c", "missing.yaml")
    assert before.code == 3
    assert "Traceback" in before.err
    assert run("--debug", "--version").code == 0
    assert run("--debug").code == 3
    misplaced = run("-o", "json", "verify", "x")
    assert misplaced.code == 3
    assert "-o stands before the command" in misplaced.err


def test_codes_are_explained(run: Run) -> None:
    """One in any spelling, or all."""
    for spelled in ("SIG_INVALID", "sig-invalid", "[SIG_INVALID]"):
        assert Reason.SIG_INVALID.remedy in run("explain", spelled).out
    assert json.loads(run("explain", "-o", "json", "TIMEOUT").out)["code"] == "TIMEOUT"
    assert len(json.loads(run("explain", "-o", "json").out)) == len(Reason)


@pytest.mark.parametrize("output", ["text", "tree", "json"])
@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--key", "KEY", "IMAGE"),
        ("discover", "IMAGE"),
        ("inspect", "IMAGE"),
        ("inspect", "KEY"),
        ("resolve", "IMAGE"),
        ("explain", "TIMEOUT"),
        ("plugins",),
        ("version",),
        ("trust", "notation", "--cert", "CA"),
        ("trust", "sigstore"),
    ],
)
def test_every_output_has_every_form(words: tuple[str, ...], output: str, run: Run, material: Any) -> None:
    """Text, tree and JSON, wherever something is printed."""
    places = {
        "KEY": material / "keys" / "cosign.pub",
        "IMAGE": f"oci:{material / 'layout'}:both",
        "CA": material / "certs" / "ca.pem",
    }
    code, out, _ = run(*(places.get(word, word) for word in words), "-o", output)
    assert code == 0
    assert ("── " in out) is (output == "tree")
    if output == "json":
        json.loads(out)
