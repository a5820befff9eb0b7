"""The tour of the core, which its docstring is, stays true to the files."""

import re
from pathlib import Path

from pyratify import core

FOLDER = Path(core.__path__[0])
TOUR = core.__doc__ or ""


def test_the_tour_names_every_file_once_and_no_other() -> None:
    """A file that is added has its place in the tour."""
    named = re.findall(r"`([a-z_]+\.py)`", TOUR)
    assert sorted(named) == sorted(path.name for path in FOLDER.glob("*.py") if path.name != "__init__.py")


def test_the_files_with_a_star_are_read_in_one_sitting() -> None:
    """About 700 lines, as the tour says."""
    starred = re.findall(r"`([a-z_]+\.py)`\*", TOUR)
    assert 600 <= sum(len((FOLDER / name).read_text().splitlines()) for name in starred) <= 800


def test_the_names_of_the_tour_are_in_the_code() -> None:
    """Classes and methods that it names."""
    code = "\n".join(path.read_text() for path in FOLDER.glob("*.py") if path.name != "__init__.py")
    names = re.findall(r"`([A-Za-z]+)`", TOUR) + re.findall(r"`[A-Z][A-Za-z]+\.([a-z]+)`", TOUR)
    missing = {name for name in names if not re.search(rf"(?:class|def) {name}\b", code)}
    assert missing == set()
