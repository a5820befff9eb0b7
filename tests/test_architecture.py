"""The architecture is a test: layers, sizes, what is imported where, what every module must and must not have."""

import ast
import importlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import pyratify

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(pyratify.__path__[0])
SOURCES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BIN = Path(sys.executable).parent
IDS = [str(path.relative_to(PACKAGE)) for path in SOURCES]

LONGEST_FILE = 300
LONGEST_FUNCTION = 60

# Below these, an advisory is open (docs/attacks.md, ATK-270).
FLOORS = {"aiohttp": (3, 14, 2), "cbor2": (5, 9), "cryptography": (50,), "PyYAML": (5, 4)}
UNSAFE = ("pyjwt", "python-jose", "joserfc", "jwcrypto", "authlib", "pyasn1", "diskcache", "defusedxml")


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the development environment in the checkout."""
    if not (BIN / name).exists():
        pytest.skip(f"{name} is not installed beside {sys.executable}")
    command = [str(BIN / name), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Iterate over all functions of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> set[str]:
    """Return the first parts of the names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_imports_point_one_way() -> None:
    """Every contract in pyproject.toml is kept, and the one about layers names every package."""
    done = tool("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout[-3000:]
    layers = [
        contract for contract in PROJECT["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"
    ]
    assert any(contract.get("exhaustive") and contract.get("containers") for contract in layers)


def test_every_public_name_is_documented() -> None:
    """Every module, class, function and method that does not begin with an underscore has its docstring."""
    done = tool("interrogate", "-q", "src")
    assert done.returncode == 0, done.stdout[-3000:]


def test_no_function_is_too_complex() -> None:
    """No function of the package has more than ten branches or fifty statements."""
    rules = PROJECT["tool"]["ruff"]["lint"]
    assert rules["mccabe"]["max-complexity"] <= 10
    done = tool("ruff", "check", "--isolated", "--select", "C901,PLR0915", "src")
    assert done.returncode == 0, done.stdout[-3000:]


CORE_ALONE = """
import sys
sys.path.insert(0, {src!r})
import importlib, pkgutil
import pyratify.core
for module in pkgutil.iter_modules(pyratify.core.__path__):
    importlib.import_module("pyratify.core." + module.name)
import json
print(json.dumps(sorted(name for name in sys.modules)))
"""


def test_the_core_needs_the_standard_library_only() -> None:
    """With no site-packages every module of the core is imported, and nothing foreign with it."""
    source = CORE_ALONE.format(src=str(PACKAGE.parent))
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", source], capture_output=True, text=True, check=True
    )
    modules = json.loads(done.stdout)
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"__main__"}
    assert foreign == {"pyratify"}
    ours = {name for name in modules if name.startswith("pyratify")}
    assert all(name in ("pyratify", "pyratify.core") or name.startswith("pyratify.core.") for name in ours)
    assert "pyratify.core.executor" in ours


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_files_and_functions_are_small(path: Path) -> None:
    """A file has at most 300 lines, a function at most 60."""
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    long = [
        f"{function.name}: {(function.end_lineno or 0) - function.lineno + 1} lines"
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_no_work_is_left_in_comments(path: Path) -> None:
    """What is not done stands in the tracker and not in the source."""
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
    assert not [word for word in words if word in path.read_text()]


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_nothing_is_deserialised_that_could_run(path: Path) -> None:
    """No pickle and its like, no unsafe YAML, no archive that is extracted, no evaluation of text."""
    assert not imported(path) & {"pickle", "marshal", "shelve", "dill", "xml"}
    banned = {"extractall", "extract", "unsafe_load", "full_load", "eval", "exec", "__import__"}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    # The constructors of dataclasses, from the names of their fields; the standard library does the same.
    own = {"exec"} if path.relative_to(PACKAGE).as_posix() == "core/dataclass.py" else set()
    assert not called & banned - own


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_grammars_are_matched_whole(path: Path) -> None:
    """A `$` also matches before a last line break: without it, `fullmatch` or a look-ahead ends a grammar."""
    faults = [
        f"line {node.lineno}: {node.value[:60]!r}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.endswith(("+$", "*$", ")$", "}$", "]$"))
        and not node.value.endswith(r"(?!\n)$")
    ]
    assert faults == []


def test_a_name_is_public_because_it_is_listed() -> None:
    """Everything in `pyratify.__all__` is there, sorted, and imported without the rest of the package."""
    names = list(pyratify.__all__)
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(pyratify, name) is not None
    with pytest.raises(AttributeError):
        _ = pyratify.no_such_name  # type: ignore[attr-defined]


def test_every_entry_point_exists() -> None:
    """What the distribution declares can be imported."""
    project = PROJECT["project"]
    groups = [*project["entry-points"].values(), project["scripts"]]
    for value in (value for group in groups for value in group.values()):
        module, _, name = value.partition(":")
        assert hasattr(importlib.import_module(module), name), value


def test_what_is_mutated_exists() -> None:
    """A module that moved would be left out of `make mutants` without a word."""
    mutants = PROJECT["tool"]["mutmut"]
    for pattern in (*mutants["only_mutate"], *mutants["pytest_add_cli_args_test_selection"]):
        assert list(ROOT.glob(pattern)), pattern


def test_dependencies_have_their_floors() -> None:
    """Declared and installed versions are not below those with open advisories."""
    declared = {
        name: tuple(int(part) for part in floor.split("."))
        for name, _, floor in (entry.partition(">=") for entry in PROJECT["project"]["dependencies"])
    }
    for name, floor in FLOORS.items():
        installed = tuple(int(part) for part in version(name).split(".")[:3])
        assert declared[name] >= floor, name
        assert installed >= declared[name], name


def test_what_need_not_be_trusted_is_not_depended_on() -> None:
    """No library for JSON web tokens, lenient ASN.1 or pickled caches is declared, and none imported."""
    everything = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    declared = {entry.split(">")[0].split("[")[0].lower() for group in everything for entry in group}
    assert not declared & set(UNSAFE)
    modules = {"jwt", "jose", "joserfc", "jwcrypto", "authlib", "pyasn1", "diskcache"}
    assert not {name for path in SOURCES for name in imported(path)} & modules


def test_the_sources_name_no_machine() -> None:
    """No absolute path of a developer's machine stands in the package."""
    home = os.fspath(Path.home())
    assert not [path for path in SOURCES if "/work/" in path.read_text() or f"{home}/" in path.read_text()]
