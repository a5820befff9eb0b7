"""`ratify completion`: a shell's completion script, generated from the parser; it never asks a registry."""

import argparse
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.parser import build_parser


@dataclass(frozen=True, slots=True)
class Word:
    """What may follow a command.

    Attributes:
        command: The command, as `config check`; empty for the program itself.
        text: The word.
        help: What it means.
        choices: What may follow the word; empty for a file or anything.
        takes: Whether something follows the word.
    """

    command: str
    text: str
    help: str
    choices: tuple[str, ...] = ()
    takes: bool = False


def run(arguments: Namespace, console: Console) -> int:
    """Print the script and return the exit code."""
    words = tuple(_words(build_parser(), ""))
    console.result({"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell](words))
    return exits.ALLOWED


def _words(parser: argparse.ArgumentParser, command: str) -> Iterator[Word]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            for name, below in action.choices.items():
                yield Word(command, name, helps.get(name, ""))
                yield from _words(below, f"{command} {name}".strip())
            continue
        choices = tuple(map(str, action.choices or ()))
        text = (action.help or "").replace("%", "%%")
        for option in action.option_strings:
            yield Word(command, option, text, choices, takes=action.nargs != 0)
        if not action.option_strings:
            yield from (Word(command, choice, "") for choice in choices)


def _bash(words: tuple[Word, ...]) -> str:
    cases = "\n".join(
        f'    "{command}") words="{" ".join(word.text for word in words if word.command == command)}" ;;'
        for command in dict.fromkeys(word.command for word in words)
    )
    values = "\n".join(
        f'    "{word.command} {word.text}") COMPREPLY=($(compgen -W "{" ".join(word.choices)}" -- "$current")); return ;;'
        for word in words
        if word.choices
    )
    return _BASH.format(cases=cases, values=values)


_BASH = """\
# bash completion for ratify; load it with: source <(ratify completion bash)
_ratify() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="" words="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) break ;; esac
    case "$command" in "" | config | trust) command="${{command:+$command }}$word" ;; esac
  done
  case "$command $previous" in
{values}
  esac
  case "$command" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}}
complete -o filenames -F _ratify ratify"""


def _zsh(words: tuple[Word, ...]) -> str:
    return "\n".join(
        (
            "#compdef ratify",
            "# zsh completion for ratify; load it with: source <(ratify completion zsh)",
            "autoload -U +X bashcompinit && bashcompinit",
            _bash(words).partition("\n")[2],
        )
    )


def _fish(words: tuple[Word, ...]) -> str:
    return "\n".join(
        ("# fish completion for ratify; load it with: ratify completion fish | source", *map(_line, words))
    )


def _line(word: Word) -> str:
    condition = (
        " and ".join(f"__fish_seen_subcommand_from {part}" for part in word.command.split())
        or "__fish_use_subcommand"
    )
    described = word.help.replace("\\", "\\\\").replace("'", "\\'")
    line = f"complete -c ratify -n '{condition.replace(' and ', '; and ')}'"
    if word.text.startswith("--"):
        line += f" -l {word.text[2:]}"
    elif word.text.startswith("-"):
        line += f" -s {word.text[1:]}"
    else:
        line += f" -a {word.text}"
    if word.takes:
        line += " -r"
    if word.choices:
        line += f" -f -a '{' '.join(word.choices)}'"
    return f"{line} -d '{described}'"
