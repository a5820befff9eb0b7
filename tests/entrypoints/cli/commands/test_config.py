"""`ratify config`, `plugins`, `version` and `completion`, and where a configuration is found."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

MATERIAL = Path(__file__).resolve().parents[4] / "examples" / "material"
LAYOUT = f"oci:{MATERIAL / 'layout'}"
SMALL = f"""\
executors:
  - scopes: ["*"]
    verifiers:
      - name: cosign
        type: cosign
        parameters: {{trustPolicies: [{{keys: {{files: [{MATERIAL / "keys" / "cosign.pub"}]}}}}]}}
"""
Run = Callable[..., Any]


def test_a_small_file_is_all_it_takes(run: Run, tmp_path: Path) -> None:
    """Six lines name a key, and everything else has a default."""
    (tmp_path / "some.yaml").write_text(SMALL)
    assert run("verify", "-c", "some.yaml", f"{LAYOUT}:cosign-v3")[0] == 0
    assert run("verify", "-c", "some.yaml", f"{LAYOUT}:wrong-key")[0] == 1


@pytest.mark.parametrize(
    "place",
    ["home/.config/ratify/ratify.yaml", "home/.config/ratify/ratify.json", "home/.ratify/config.json"],
)
def test_a_configuration_is_found_in_its_places(place: str, run: Run, tmp_path: Path) -> None:
    """In the user's folder, or where Ratify v2 keeps it; standard error says which was used."""
    from pyratify.config.load import parse

    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(parse(SMALL.encode(), is_json=False)) if place.endswith("json") else SMALL
    path.write_text(text)
    code, _, err = run("verify", f"{LAYOUT}:cosign-v3")
    assert code == 0
    assert place.rpartition("/")[2] in err


@pytest.mark.parametrize("named", ["conf/config.json", "conf"])
def test_the_environment_names_a_file_or_a_folder(
    named: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`RATIFY_CONFIG` is a file, or a folder with `config.json` as in Ratify v2."""
    from pyratify.config.load import parse

    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.json").write_text(json.dumps(parse(SMALL.encode(), is_json=False)))
    monkeypatch.setenv("RATIFY_CONFIG", str(tmp_path / named))
    assert run("verify", f"{LAYOUT}:cosign-v3")[0] == 0
    (tmp_path / "conf" / "config.json").unlink()
    assert run("verify", f"{LAYOUT}:cosign-v3")[0] == 3


def test_check_says_every_fault(run: Run, tmp_path: Path) -> None:
    """Each part is built by itself, so that one run shows all that is wrong."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        """
executors:
  - scopes: ["*"]
    stores: [{type: nosuch-store}]
    policyEnforcer: {type: threshold-policy, parameters: {policy: {rules: [{verifierName: other}]}}}
    verifiers:
      - {name: a, type: cosign, parameters: {trustPolices: []}}
      - {name: b, type: notary}
"""
    )
    code, out, err = run("config", "check", "-c", path)
    assert (code, out) == (3, "")
    for place in (
        "executors[0].stores[0].type",
        "executors[0].policyEnforcer.parameters.policy.rules[0].verifierName",
        "executors[0].verifiers[0].parameters",
        "executors[0].verifiers[1].type",
    ):
        assert place in err
    assert "Did you mean 'trustPolicies'" in err


def test_check_of_a_good_file_says_so(run: Run, tmp_path: Path) -> None:
    """Nothing is wrong, exit code 0."""
    (tmp_path / "good.yaml").write_text(SMALL)
    assert run("config", "check", "-c", "good.yaml") == (0, "good.yaml: nothing is wrong\n", "")


@pytest.mark.parametrize("action", ["check", "show"])
def test_the_file_needs_no_flag(action: str, run: Run, tmp_path: Path) -> None:
    """A command about a file takes it as an argument, and as -c, which counts where no argument is given."""
    (tmp_path / "some.yaml").write_text(SMALL)
    by_argument, by_flag = run("config", action, "some.yaml"), run("config", action, "-c", "some.yaml")
    assert by_argument == by_flag
    assert by_argument[0] == 0
    assert run("config", action, "absent.yaml")[0] == 3


def test_show_hides_secrets(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults are shown, passwords are not."""
    monkeypatch.setenv("SECRET", "hunter2")
    (tmp_path / "some.yaml").write_text(
        SMALL
        + "    stores: [{type: registry-store, parameters:"
        + ' {credential: {provider: static, username: me, password: "${SECRET}"}}}]\n'
    )
    code, out, _ = run("config", "show", "-c", "some.yaml", "-o", "json")
    assert code == 0
    shown = json.loads(out)["executors"][0]
    assert shown["limits"]["referrers"] == 100
    assert shown["stores"][0]["parameters"]["credential"] == {
        "provider": "static",
        "username": "me",
        "password": "<hidden>",
    }
    assert "hunter2" not in out


def test_show_hides_the_user_in_an_address(run: Run, tmp_path: Path) -> None:
    """Most addresses must not have one, and what is wrong is shown as well."""
    (tmp_path / "some.yaml").write_text(
        SMALL
        + "    stores: [{type: registry-store, parameters: {credential: {provider: chain, providers:"
        + " [{provider: aws, endpoint: 'https://me:hunter2@ecr.example.com/x@y'}]}}}]\n"
    )
    code, out, _ = run("config", "show", "-c", "some.yaml", "-o", "json")
    assert code == 0
    assert "https://<hidden>@ecr.example.com/x@y" in out
    assert "hunter2" not in out


def test_init_writes_a_file_that_works_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    """What `init` writes is right as soon as the key lies beside it."""
    assert run("config", "init")[0] == 0
    shutil.copy(MATERIAL / "keys" / "cosign.pub", tmp_path / "cosign.pub")
    assert run("config", "check", "-c", "ratify.yaml")[0] == 0
    assert run("verify", "-c", "ratify.yaml", f"{LAYOUT}:cosign-v3")[0] == 0
    assert run("config", "init")[0] == 3
    assert run("config", "init", "-")[1] == (tmp_path / "ratify.yaml").read_text()


def test_the_schema_accepts_what_the_reader_accepts(run: Run, tmp_path: Path) -> None:
    """The schema is valid, takes the starter and refuses a misspelled parameter of a plugin."""
    from pyratify.config.load import parse

    code, out, _ = run("config", "schema")
    schema = json.loads(out)
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = parse(SMALL.encode(), is_json=False)
    validator.validate(document)
    document["executors"][0]["verifiers"][0]["parameters"]["trustPolices"] = []
    assert not validator.is_valid(document)
    assert schema["$defs"]["ExecutorConfig"]["properties"]["timeout"]["description"].startswith("Seconds")


def test_every_plugin_is_listed(run: Run) -> None:
    """Built-in plugins are found by entry points, as external ones are."""
    code, out, _ = run("plugins", "-o", "json")
    found = {(each["kind"], each["name"]) for each in json.loads(out)}
    assert code == 0
    assert {("verifiers", "cosign"), ("stores", "registry-store"), ("policies", "threshold-policy")} <= found
    assert "cosign" in run("plugins")[1]


def test_flags_that_belong_into_the_configuration_are_refused(run: Run, tmp_path: Path) -> None:
    """`--plain-http` beside a configuration would change nothing, so it is refused."""
    (tmp_path / "some.yaml").write_text(SMALL)
    code, _, err = run("verify", "-c", "some.yaml", "--plain-http", "app")
    assert code == 3
    assert "plainHttp" in err


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_the_version_is_printed(asked: str, run: Run) -> None:
    """One line with the version, for the command and for the flag that people try first."""
    code, out, _ = run(asked)
    assert code == 0
    assert out.startswith("ratify 2.")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ratify ver", {"verify", "version"}),
        ("ratify verify --ke", {"--key"}),
        ("ratify verify -o j", {"json"}),
        ("ratify config s", {"show", "schema"}),
        ("ratify completion f", {"fish"}),
        ("ratify config show --o", {"--output"}),
        ("ratify trust sigstore --re", {"--refresh"}),
        ("ratify --debug config ch", {"check"}),
        ("ratify webhook ch", {"check"}),
        ("ratify explain SIG_INV", {"SIG_INVALID"}),
    ],
)
def test_bash_completes(line: str, expected: set[str], run: Run, tmp_path: Path) -> None:
    """The script loads in bash and knows the commands, their options and their values."""
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash")[1])
    words = line.split(" ")
    program = (
        f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
        "function=$(complete -p ratify | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
        '$function ratify "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not here")
    ran = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert expected <= set(ran.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_every_command(shell: str, run: Run) -> None:
    """Every command is in the script."""
    out = run("completion", shell)[1]
    assert all(
        command in out for command in ("verify", "discover", "inspect", "resolve", "plugins", "schema")
    )


@pytest.mark.parametrize("command", ["", "verify", "discover", "inspect", "resolve", "plugins", "config"])
def test_help_is_a_result(command: str, run: Run) -> None:
    """Help goes to standard output and ends with 0; that of verify names the exit codes."""
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: ratify")
    assert command != "verify" or "exit codes" in out


def test_a_file_and_resources_are_turned_into_one_another(run: Run, tmp_path: Path) -> None:
    """And back to the same; what cannot be is said by its path."""
    (tmp_path / "ratify.yaml").write_text(CONVERTIBLE)
    code, made, _ = run("config", "convert", "ratify.yaml", "--name", "mine")
    assert code == 0
    assert "kind: Executor\nmetadata:\n  name: mine\n" in made
    (tmp_path / "resources.yaml").write_text(made)
    code, back, _ = run("config", "convert", "resources.yaml")
    assert code == 0
    (tmp_path / "back.yaml").write_text(back)
    assert run("config", "convert", "back.yaml", "--name", "mine")[1] == made
    code, _, err = run("config", "convert", "ratify.yaml", "--namespace", "team")
    assert code == 3
    assert "executors[0].stores[0].parameters.credential.provider: not in a NamespacedExecutor" in err


def test_definitions_are_printed_for_kubectl(run: Run) -> None:
    """Both, as documents of one stream."""
    code, out, _ = run("config", "crds")
    assert code == 0
    assert out.count("kind: CustomResourceDefinition") == 2
    assert out.count("\n---\n") == 1


CONVERTIBLE = """\
executors:
  - scopes: ["*"]
    verifiers:
      - {name: cosign, type: cosign, parameters: {trustPolicies: [{keys: {files: [/keys/cosign.pub]}}]}}
"""


def test_faults_have_a_file_and_a_line(run: Run, tmp_path: Path) -> None:
    """In `check`, all of them in their order; in what uses the configuration, the first."""
    (tmp_path / "bad.yaml").write_text(f"{SMALL}    colour: red\n    size: 1\n")
    code, out, err = run("config", "check", "-c", "bad.yaml")
    assert (code, out) == (3, "")
    assert "bad.yaml:7: executors[0]: unknown key 'colour'" in err
    assert "bad.yaml:8: executors[0]: unknown key 'size'" in err
    assert "bad.yaml:7: " in run("verify", "-c", "bad.yaml", "app").err
    found = json.loads(run("config", "check", "-c", "bad.yaml", "-o", "json").out)
    assert [(each["line"], each["path"]) for each in found["faults"]] == [
        (7, "executors[0]"),
        (8, "executors[0]"),
    ]


def test_the_configuration_may_come_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML or JSON, for every command with -c; nothing else may read it then."""
    from pyratify.config.load import parse

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    for text in (SMALL, json.dumps(parse(SMALL.encode(), is_json=False))):
        give(text)
        assert run("verify", "-c", "-", f"{LAYOUT}:cosign-v3")[0] == 0
        give(text)
        assert run("config", "check", "-c", "-")[1] == "standard input: nothing is wrong\n"
        give(text)
        assert run("resolve", "-c", "-", f"{LAYOUT}:cosign-v3")[0] == 0
    give(f"{SMALL}    colour: red\n")
    assert "standard input:7: executors[0]: unknown key 'colour'" in run("config", "check", "-c", "-")[2]
    give("")
    assert "empty" in run("config", "check", "-c", "-")[2]
    assert run("verify", "-c", "-", "--from-file", "-")[0] == 3


def test_show_prints_what_is_in_force(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults of the executor and of plugins, as YAML that is a configuration again."""
    (tmp_path / "some.yaml").write_text(SMALL)
    out = run("config", "show", "-c", "some.yaml")[1]
    shown = json.loads(run("config", "show", "-c", "some.yaml", "-o", "json")[1])["executors"][0]
    assert shown["concurrency"] == 8
    assert shown["policyEnforcer"]["parameters"]["policy"]["rules"][0]["verifierName"] == "cosign"
    assert shown["stores"][0]["parameters"]["referrers"] == "auto"
    assert shown["verifiers"][0]["parameters"]["trustPolicies"][0]["requireDockerReference"] is False
    assert out.startswith("executors:\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(out.encode())))
    assert run("config", "check", "-c", "-")[0] == 0


def test_files_that_a_cluster_lacks_are_said_or_put_in(run: Run, tmp_path: Path) -> None:
    """With --inline-files nothing of this machine is left in the resources."""
    (tmp_path / "keys").mkdir()
    for name in ("cosign.pub", "other.pub"):
        shutil.copy(MATERIAL / "keys" / name, tmp_path / "keys" / name)
    shutil.copy(MATERIAL / "certs" / "ca.pem", tmp_path / "ca.pem")
    (tmp_path / "ratify.yaml").write_text(
        """\
executors:
  - scopes: ["*"]
    verifiers:
      - {name: c, type: cosign, parameters: {trustPolicies: [{keys: {files: [{path: keys, notAfter: "2030-01-01T00:00:00Z"}]}}]}}
      - {name: n, type: notation, parameters: {trustedIdentities: ["*"], certificates: [{type: ca, files: [ca.pem]}]}}
    stores: [{type: registry-store, parameters: {caFile: ca.pem}}]
"""
    )
    code, plain, err = run("config", "convert", "ratify.yaml")
    assert code == 0
    assert err.count("warning: ") == 3
    assert "executors[0].stores[0].parameters.caFile: ca.pem" in err
    assert "--inline-files" in err
    assert "PUBLIC KEY" not in plain
    (tmp_path / "team.yaml").write_text(CONVERTIBLE.rstrip() + "\n    stores: [{type: registry-store}]\n")
    code, _, err = run("config", "convert", "--namespace", "team", "team.yaml")
    assert code == 3
    assert "Give --inline-files" in err
    code, made, err = run("config", "convert", "--inline-files", "ratify.yaml")
    assert code == 0
    assert (made.count("BEGIN PUBLIC KEY"), made.count("BEGIN CERTIFICATE")) == (2, 1)
    assert "notAfter: " in made
    assert err.count("warning: ") == 1
    (tmp_path / "made.yaml").write_text(made)
    assert run("config", "convert", "--inline-files", "made.yaml")[0] == 3
    (tmp_path / "back.yaml").write_text(run("config", "convert", "made.yaml")[1])
    assert run("config", "check", "-c", "back.yaml")[0] == 0


@pytest.mark.parametrize("output", ["text", "tree"])
def test_show_has_every_form(output: str, run: Run, tmp_path: Path) -> None:
    """Also with parts that no plugin here reads, which stay as they are written."""
    strange = SMALL.replace("type: cosign", "type: nosuch").replace(
        "trustPolicies:", "token: hidden, policies:"
    )
    (tmp_path / "some.yaml").write_text(f'$schema: "schema.json"\n{strange}')
    code, out, _ = run("config", "show", "-c", "some.yaml", "-o", output)
    assert code == 0
    assert "nosuch" in out
    assert "schema.json" in out
    assert "<hidden>" in out


def test_too_much_on_standard_input_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every command that reads a configuration from there."""
    for words in (("config", "check", "-c", "-"), ("config", "convert", "-")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"#" * (1024 * 1024 + 1))))
        code, _, err = run(*words)
        assert code == 3
        assert "standard input has more than 1048576 bytes" in err


def _shown(run: Run, tmp_path: Path, kind: str, parameters: dict[str, Any]) -> Any:
    verifier = {"name": kind, "type": kind, "parameters": parameters}
    file = tmp_path / "shown.json"
    file.write_text(json.dumps({"executors": [{"scopes": ["*"], "verifiers": [verifier]}]}))
    return json.loads(run("config", "show", "-c", file, "-o", "json").out)["executors"][0]["verifiers"][0][
        "parameters"
    ]


def test_show_prints_the_level_of_notation_that_is_in_force(run: Run, tmp_path: Path) -> None:
    """Strict by default; where a trust policy says it, none stands beside it."""
    trusted = {"trustedIdentities": ["*"], "certificates": [{"files": ["ca.pem"]}]}
    assert _shown(run, tmp_path, "notation", trusted)["level"] == "strict"
    assert _shown(run, tmp_path, "notation", {**trusted, "level": "audit"})["level"] == "audit"
    assert _shown(run, tmp_path, "notation", {"notationConfig": "notation"}).get("level") is None


def test_show_prints_the_root_and_logs_of_keyless_signatures_that_are_in_force(
    run: Run, tmp_path: Path
) -> None:
    """Sigstore's public instance and one log of each kind; what is ignored stays without a number."""
    identity = {"certificateIdentity": "a@example.com", "certificateOIDCIssuer": "https://example.com"}
    policies = [
        identity,
        {**identity, "ignoreTLog": True, "trustedRoot": "staging"},
        {"keys": {"files": ["k"]}},
    ]
    shown = _shown(run, tmp_path, "cosign", {"trustPolicies": policies})["trustPolicies"]
    keys = ("trustedRoot", "transparencyLogs", "certificateLogs")
    found = [tuple(map(each.get, keys)) for each in shown]
    assert found == [("public-good", 1, 1), ("staging", None, 1), (None, None, None)]


def test_check_warns_and_accepts(run: Run, tmp_path: Path) -> None:
    """It is allowed: the exit code and the answer stay."""
    (tmp_path / "c.yaml").write_text(
        "executors:\n- scopes: [example.com]\n  verifiers: [{name: documents, type: sbom}]\n"
        "  policyEnforcer: {type: any-all, parameters: {artifactVerificationPolicies: {default: any}}}\n"
    )
    code, out, err = run("config", "check", str(tmp_path / "c.yaml"))
    assert (code, out) == (0, f"{tmp_path / 'c.yaml'}: nothing is wrong\n")
    assert "warning: executors[0].policyEnforcer counts what the verifier 'documents' accepts" in err
