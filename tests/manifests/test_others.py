"""What else is in deploy/: the kustomize base, the dashboard, the image's recipe and the systemd unit."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests import kustomize
from manifests.helm import CHART, HELM, ROOT, documents
from pyratify.config.load import decode_config
from pyratify.entrypoints.service.service_flags import add_flags
from pyratify.serving.telemetry.metrics import Metrics

DEPLOY = ROOT / "deploy"
KUBECTL = HELM.parent / "kubectl"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "ratify.json").read_text())
UNIT = DEPLOY / "systemd" / "ratify-service.service"


@pytest.mark.interop
def test_the_base_is_what_the_chart_says(tmp_path: Path) -> None:
    """`python tests/manifests/kustomize.py` would change nothing."""
    if not HELM.exists():
        pytest.skip("run `make peers` first: there is no helm")
    for name, text in kustomize.files(tmp_path).items():
        assert (kustomize.BASE / name).read_text() == text


@pytest.mark.interop
@pytest.mark.parametrize("folder", ["base", "example"])
def test_kustomize_builds(folder: str) -> None:
    """Kubectl puts base and example together, one program and everything it needs."""
    if not KUBECTL.exists():
        pytest.skip("run `make peers` first: there is no kubectl")
    command = [str(KUBECTL), "kustomize", str(DEPLOY / "kustomize" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = documents(done.stdout)
    (deployment,) = [each for each in found if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert ("--enable-metrics" in container["args"]) == (folder == "example")
    cluster_wide = {"Assign", "Provider", "Executor", "ClusterRole", "CustomResourceDefinition"}
    assert not [each for each in found if each["kind"] in cluster_wide and "namespace" in each["metadata"]]


def test_the_examples_executor_is_one(tmp_path: Path) -> None:
    """The engine takes it as it stands there."""
    document = yaml.safe_load((DEPLOY / "kustomize" / "example" / "executor.yaml").read_text())
    (executor,) = decode_config({"executors": [document["spec"]]}, tmp_path).config.executors
    assert executor.scopes == ("registry.example.com",)


def test_providers_without_a_chart_are_the_charts() -> None:
    """`deploy/gatekeeper` has the names, paths and times that the base has."""
    plain = documents((DEPLOY / "gatekeeper" / "providers.yaml").read_text())
    base = documents((kustomize.BASE / "provider.yaml").read_text())
    wanted = {
        each["metadata"]["name"]: {**each["spec"], "caBundle": ""}
        for each in base
        if each["kind"] == "Provider"
    }
    assert {each["metadata"]["name"]: each["spec"] for each in plain} == wanted


def exposed() -> dict[str, str]:
    """Return every name of a sample that can be exposed, and what it is: counter, gauge or histogram."""
    lines = Metrics().expose().decode().splitlines()
    declared = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
    serving = ROOT / "src" / "pyratify" / "serving"
    written = {
        node.value
        for path in serving.rglob("*.py")
        if path.parent.name != "workers"  # these exist only where there are several
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"ratify_[a-z_]+[a-z]", node.value)
    }
    found = {}
    for name in written - {name.removesuffix("_total") for name in declared} - set(declared):
        caches = ("ratify_shared_cache_", "ratify_verdict_cache_", "ratify_tag_cache_")
        tallied = name.startswith(caches) or name.endswith("_refused")
        counter = tallied and not name.endswith("_left_alone")
        found[f"{name}_total" if counter else name] = "counter" if counter else "gauge"
    for name, kind in declared.items():
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {f"{name}{end}": kind for end in ends}
    return found


def expressions() -> list[str]:
    """Return every expression of the dashboard."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*found, *(each["definition"] for each in DASHBOARD["templating"]["list"] if "definition" in each)]


def test_the_dashboard_asks_for_what_there_is() -> None:
    """Every metric in it is one that a server exposes, and only what is counted is turned into rates."""
    known = exposed()
    for text in expressions():
        names = re.findall(r"\bratify_[a-z_]+", text)
        assert names
        for name in names:
            assert name in known, name
            rated = re.search(rf"rate\({name}\b", text) is not None
            assert rated == (known[name] != "gauge") or "label_values" in text, text


def test_the_dashboard_shows_every_metric() -> None:
    """What the documentation promises can be seen, without the parts of histograms that are not plotted."""
    shown = " ".join(expressions())
    plotted = [name for name in exposed() if not name.endswith(("_sum", "_count", "_created"))]
    assert [name for name in plotted if name not in shown] == []


def test_the_dashboard_is_well_formed() -> None:
    """Every panel has its own number and place, and its data source is the one that is chosen."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    assert (CHART / "files" / "grafana" / "ratify.json").resolve() == (DEPLOY / "grafana" / "ratify.json")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions: their names, and what follows on one line."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_image_has_what_the_chart_starts() -> None:
    """Not root, one entry point that is the command, and both stages of the base that can be pinned."""
    found = instructions()
    assert [what for name, what in found if name == "FROM"] == ["${BASE} AS build", "${BASE}"]
    assert [what for name, what in found if name == "USER"] == ["65532:65532"]
    (entry,) = [json.loads(what) for name, what in found if name == "ENTRYPOINT"]
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert entry == ["ratify"]
    assert "ratify" in scripts
    assert "- ratify\n" in (kustomize.BASE / "provider.yaml").read_text()


def test_the_image_has_extras_that_exist_and_plugins_that_are_asked_for() -> None:
    """The extras are the project's; plugins go into the same resolution as the engine."""
    found = instructions()
    arguments = dict(what.partition("=")[::2] for name, what in found if name == "ARG")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(arguments["EXTRAS"].split(",")) <= set(extras)
    assert arguments["EXTRAS"] == "all"
    (everything,) = extras["all"]
    # Clouds are asked for one by one: their SDKs are large, and few clusters need more than one.
    clouds = {folder.name.removeprefix("pyratify-") for folder in (ROOT / "plugins").glob("pyratify-*")}
    assert everything == f"pyratify[{','.join(sorted(set(extras) - clouds - {'all', 'dev', 'mutants'}))}]"
    assert arguments["PLUGINS"] == '""'
    (install,) = [what for name, what in found if name == "RUN" and "pip install" in what]
    assert install.endswith('".${EXTRAS:+[${EXTRAS}]}" ${PLUGINS}')


@pytest.mark.parametrize(
    ("plugins", "words"),
    [("", [".[a,b]"]), ("x==1 y@https://z/y.whl", [".[a,b]", "x==1", "y@https://z/y.whl"])],
)
def test_the_shell_hands_pip_one_word_for_each_plugin(plugins: str, words: list[str]) -> None:
    """The line of the recipe, run by a shell with pip's place taken."""
    (install,) = [what for name, what in instructions() if name == "RUN" and "pip install" in what]
    line = install.replace("/opt/ratify/bin/pip install", "printf '%s\\n'")
    environment = {"EXTRAS": "a,b", "PLUGINS": plugins, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == words


def test_the_image_is_made_of_the_sources_alone() -> None:
    """What is copied is let through by the ignore file, and exists."""
    copied = [
        source
        for name, what in instructions()
        if name == "COPY" and not what.startswith("--from")
        for source in shlex.split(what)[:-1]
    ]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source.removeprefix('./')}" in ignored


def test_the_units_command_is_the_programs() -> None:
    """Its arguments are parsed by the service's own parser."""
    (line,) = [line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart=")]
    program, command, verb, *given = shlex.split(line.partition("=")[2])
    assert (Path(program).name, command, verb) == ("ratify", "service", "serve")
    parser = ArgumentParser(exit_on_error=False)
    add_flags(parser)
    assert parser.parse_args(given).token_file == "/etc/ratify/tokens"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_confined(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, and its exposure is below 2.5 of 10."""
    unit = tmp_path / "ratify-service.service"
    text = UNIT.read_text().replace("/opt/ratify/bin/ratify", "/bin/true")
    unit.write_text(re.sub(r"(?m)^(User|Group)=.*$", "", text))
    verify = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (verify.returncode, verify.stderr) == (0, "")
    security = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25", str(unit)]
    done = subprocess.run(security, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-600:]
