"""The chart, rendered by helm, and read so that nothing written twice goes unseen."""

import json
import subprocess
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "charts" / "ratify-gatekeeper-provider"
HELM = Path.home() / ".cache" / "pyratify" / "peers" / "bin" / "helm"
NAMESPACE = "gatekeeper-system"
IMAGE = {"repository": "registry.example.com/platform/pyratify"}


class NotRendered(Exception):
    """Helm refuses the values."""


class _Once(yaml.SafeLoader):
    """A loader that refuses keys written twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping.

        Raises:
            yaml.constructor.ConstructorError: A key stands in it twice.
        """
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, f"written twice: {keys}", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(text: str) -> list[dict[str, Any]]:
    """Return the documents of a YAML text that are not empty."""
    return [found for found in yaml.load_all(text, Loader=_Once) if found]


def run(*arguments: object) -> str:
    """Run helm and return what it prints.

    Raises:
        NotRendered: It refused.
    """
    command = [str(HELM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise NotRendered(done.stderr)
    return done.stdout


def render(
    values: dict[str, Any],
    folder: Path,
    namespace: str = NAMESPACE,
    chart: Path = CHART,
    *more: str,
) -> list[dict[str, Any]]:
    """Return everything that the chart makes of the values, as the release `r`, with an image where they name none."""
    path = folder / "values.json"
    path.write_text(json.dumps({**values, "image": {**IMAGE, **values.get("image", {})}}))
    flags = ("--kube-version", "1.34.4", "--namespace", namespace, "-f", path, *more)
    return documents(run("template", "r", chart, *flags))


def one(found: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """Return the one document of a kind, and of a name where there are several."""
    (document,) = [each for each in found if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    return document
