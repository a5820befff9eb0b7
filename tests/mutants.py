"""Change the security modules in one small place at a time, and count the changes that no test notices.

    python tests/mutants.py             a sample: of each function the first mutant and every tenth after it
    python tests/mutants.py '*'         all of them
    python tests/mutants.py 'pyratify.pki.chain.*'

The modules, the tests that are run against them and what is not worth a change stand in pyproject.toml, `[tool.mutmut]`.
"""

import subprocess
import sys
from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

SAMPLE = "*__mutmut_*1"
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
Tried = dict[str, str]


def run(pattern: str) -> Tried:
    """Try the mutants that a pattern names, and return the outcome of each by its name.

    Raises:
        SystemExit: The tests fail without any mutant, or no mutant has such a name.
    """
    noise = None if sys.stdout.isatty() else subprocess.DEVNULL
    if subprocess.run([MUTMUT, "run", pattern], stdout=noise, check=False).returncode:
        raise SystemExit(f"mutmut gave up; see what it says: {MUTMUT} run {pattern!r}")
    listed = subprocess.run([MUTMUT, "results", "--all", "true"], capture_output=True, text=True, check=True)
    pairs = (line.strip().rpartition(": ") for line in listed.stdout.splitlines() if "__mutmut_" in line)
    return {name: outcome for name, _, outcome in pairs if fnmatchcase(name, pattern)}


def module(name: str) -> str:
    """Return the module of a mutant, whose name goes on with that of the function."""
    return name.rpartition(".")[0].removeprefix("pyratify.")


def share(part: int, whole: int) -> str:
    """Return a part in percent."""
    return f"{100 * part / whole:5.1f} %"


def main() -> None:
    """Print what came of the mutants by module, the survivors, and the score in the last line."""
    tried = run(sys.argv[1] if len(sys.argv) > 1 else SAMPLE)
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, outcome in tried.items():
        by_module[module(name)][outcome] += 1
    print(f"{'module':40}  tried  noticed")
    for name, outcomes in sorted(by_module.items()):
        whole = outcomes.total()
        print(f"{name:40}  {whole:5}  {share(outcomes['killed'], whole)}")
    unnoticed = {name: outcome for name, outcome in sorted(tried.items()) if outcome != "killed"}
    for name, outcome in unnoticed.items():
        print(f"{outcome}: mutmut show {name}")
    noticed = len(tried) - len(unnoticed)
    print(f"mutation score: {noticed} of {len(tried)} noticed, {share(noticed, len(tried)).strip()}")


if __name__ == "__main__":
    main()
