"""What is shipped to run it elsewhere: images, compose, units and manifests. Each is read, checked, and tried where it can be.

What no test here does, since there is no engine, no cluster and no systemd that runs: `docker build` on the official base
(`nox -s images` builds on one made with debootstrap), `docker compose up`, `kubectl apply`, `systemctl start`.
"""

import configparser
import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import trustme
import yaml

from wiretask_scheduler.config import load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "scheduler" / "deploy"
PARTS = ("scheduler", "worker", "client")
KUBERNETES, KUBERNETES_VERSION = DEPLOY / "kubernetes", "1.34"
UNITS = {"scheduler": DEPLOY / "wiretask-scheduler.service", "worker": ROOT / "worker/deploy/wiretask-worker@.service"}
#: The exposure that `systemd-analyze security` finds, of 10; below 2 it says OK.
EXPOSURE = 2.0
ANALYZE, COMPOSE = shutil.which("systemd-analyze"), shutil.which("docker-compose")


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


# Images


def dockerfile(part: str) -> str:
    return (ROOT / part / "Dockerfile").read_text()


def directives(part: str) -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", dockerfile(part), flags=re.MULTILINE)).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)]


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path from the build; the last line that matches decides."""
    kept_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        if fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"{pattern}/*") or Path(path).match(pattern):
            kept_out = not line.startswith("!")
    return kept_out


@pytest.mark.parametrize("part", PARTS)
def test_hadolint_finds_nothing(part):
    done = run(str(Path(sys.executable).with_name("hadolint")), f"{part}/Dockerfile")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_hadolint_would_find_something(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nCMD wiretask\n")
    assert run(str(Path(sys.executable).with_name("hadolint")), "Dockerfile", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("part", PARTS)
def test_an_image_is_made_in_two_stages_of_a_base_that_is_pinned_and_runs_as_a_number(part):
    said = directives(part)
    bases = [rest for word, rest in said if word == "FROM"]
    assert bases == ["${PYTHON} AS build", "${PYTHON}"]
    assert re.fullmatch(r"PYTHON=docker\.io/library/python:\d+\.\d+\.\d+-slim-\w+", dict(said)["ARG"])
    last = dict(said)
    assert last["USER"] == "10001:10001"
    assert last["ENTRYPOINT"].startswith("[")
    assert "HEALTHCHECK" in last
    assert ("STOPSIGNAL" in last) == (part != "client")


@pytest.mark.parametrize("part", PARTS)
def test_an_image_copies_what_is_there_and_what_the_build_gets(part):
    sources = [
        path for word, rest in directives(part) if word == "COPY" and "--from" not in rest for path in rest.split()[:-1]
    ]
    assert len(sources) >= 8
    for path in sources:
        assert (ROOT / path).exists(), path
        assert not ignored(path), f"{path} is in .dockerignore"


@pytest.mark.parametrize(
    "path", [".git/config", ".venv/bin/python", "scheduler/wiretask.db", "tokens.toml", "tests/conftest.py"]
)
def test_the_build_gets_no_secret_and_no_store(path):
    assert ignored(path)


def test_the_configuration_of_the_image_is_one(tmp_path):
    config = load(DEPLOY / "image.toml", {"insecure": True})
    assert (str(config.listen), str(config.http)) == ("0.0.0.0:9001", "0.0.0.0:9002")


# Compose


def compose() -> dict:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def test_compose_publishes_to_this_machine_alone_and_gives_nothing_away():
    services = compose()["services"]
    assert set(services) == {"scheduler", "worker", "client", "prometheus", "grafana"}
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        if name != "client":
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
    assert services["worker"]["deploy"]["replicas"] == 2


def test_compose_names_what_is_there():
    services = compose()["services"]
    for name, service in services.items():
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).exists(), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose()["volumes"] if source[0] != "." else (ROOT / source).exists(), volume
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/wiretask.yml").read_text())["providers"][0]
    mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    assert {provider["options"]["path"], "/etc/grafana/provisioning"} == mounted
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana/dashboards" / Path(home).name).exists()


@pytest.mark.skipif(COMPOSE is None, reason="SKIPPED: compose.yaml by docker-compose, because this machine has none")
def test_docker_compose_understands_it():
    done = run(str(COMPOSE), "config", "-q")
    assert done.returncode == 0, done.stderr


# Kubernetes


def manifests() -> list[dict]:
    paths = sorted(KUBERNETES.glob("*.yaml"))
    return [each for path in paths for each in yaml.safe_load_all(path.read_text()) if each["kind"] != "Kustomization"]


def pods() -> dict[str, dict]:
    return {
        each["kind"]: each["spec"]["template"]["spec"] for each in manifests() if "template" in each.get("spec", {})
    }


def named(kind: str, name: str) -> dict:
    (found,) = [each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("manifest", manifests(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_a_manifest_is_as_kubernetes_wants_it(manifest):
    kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)
    assert manifest["metadata"].get("namespace", "wiretask") == "wiretask"


@pytest.mark.parametrize(("path", "value"), [("replicas", "two"), ("replcias", 2), ("selector", "all")])
def test_a_manifest_that_is_wrong_is_refused(path, value):
    manifest = json.loads(json.dumps(named("Deployment", "worker")))
    manifest["spec"][path] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)


def test_the_kustomization_names_every_manifest_but_the_example_of_secrets():
    resources = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert {*resources, "kustomization.yaml", "secrets.example.yaml"} == {
        path.name for path in KUBERNETES.glob("*.yaml")
    }


@pytest.mark.parametrize("kind", ["StatefulSet", "Deployment"])
def test_a_pod_may_do_no_more_than_the_restricted_profile(kind):
    spec = pods()[kind]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["automountServiceAccountToken"] is False
    assert "readinessProbe" in container


def test_what_a_pod_mounts_is_there():
    claims = {each["metadata"]["name"] for each in named("StatefulSet", "scheduler")["spec"]["volumeClaimTemplates"]}
    kept = {(each["kind"], each["metadata"]["name"]) for each in manifests()}
    for spec in pods().values():
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in spec["containers"][0]["volumeMounts"]:
            assert mount["name"] in {*volumes, *claims}
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in kept
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in kept
                # The scheduler refuses a token file that others can read.
                assert volume["secret"]["defaultMode"] & 0o007 == 0


def test_a_worker_gets_the_time_to_drain_and_a_scheduler_to_load():
    assert pods()["Deployment"]["terminationGracePeriodSeconds"] >= 60
    probe = pods()["StatefulSet"]["containers"][0]["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] >= 120


def test_the_paths_of_the_configuration_are_mounted():
    text = named("ConfigMap", "wiretask")["data"]["wiretask.toml"]
    scheduler, worker = (named("Secret", f"wiretask-{part}")["stringData"] for part in ("scheduler", "worker"))
    table, _, rest = text.partition("[worker]")
    for said, secret in ((table, scheduler), (rest, worker)):
        files = re.findall(r'"/run/secrets/wiretask/([\w.]+)"', said)
        assert files
        assert set(files) == set(secret)


def test_the_configuration_is_one_that_both_parts_take(tmp_path):
    text = named("ConfigMap", "wiretask")["data"]["wiretask.toml"].replace("/run/secrets/wiretask", str(tmp_path))
    (tmp_path / "wiretask.toml").write_text(text)
    authority = trustme.CA()
    certificate = authority.issue_cert("scheduler")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    token = "x" * 43
    secrets = {"tokens.toml": f'[workers]\ntoken = "{token}"\nroles = ["worker"]\n', "credentials": f"workers:{token}"}
    for file, secret in secrets.items():
        (tmp_path / file).write_text(secret)
        (tmp_path / file).chmod(0o440)
    for part in ("scheduler", "worker"):
        words = ("--config", str(tmp_path / "wiretask.toml"), "--check-config")
        done = run(sys.executable, "-m", f"wiretask_{part}", *words)
        assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


# systemd


def unit(part: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the keys of units have large letters
    parser.read_string(UNITS[part].read_text())
    return parser


@pytest.mark.parametrize("part", UNITS)
def test_the_command_of_a_unit_knows_its_flags(part):
    words = shlex.split(unit(part)["Service"]["ExecStart"])
    assert words[0] == f"/opt/wiretask/bin/wiretask-{part}"
    said = run(sys.executable, "-m", f"wiretask_{part}", "--help").stdout
    flags = [word for word in words[1:] if word.startswith("--")]
    assert flags
    assert all(f"{flag} " in said for flag in flags)


def test_a_unit_does_not_try_again_what_cannot_begin():
    assert "2" in unit("scheduler")["Service"]["RestartPreventExitStatus"].split()
    assert {"2", "3"} <= set(unit("worker")["Service"]["RestartPreventExitStatus"].split())
    # Only the worker itself is told to drain; its children are told by it.
    assert unit("worker")["Service"]["KillMode"] == "mixed"


@pytest.mark.skipif(ANALYZE is None, reason="SKIPPED: the units by systemd-analyze, because this machine has none")
@pytest.mark.parametrize("part", UNITS)
def test_systemd_understands_a_unit_and_finds_it_closed(part, tmp_path):
    # It looks whether the commands are there.
    text = UNITS[part].read_text().replace("/opt/wiretask/bin/", f"{Path(sys.executable).parent}/")
    path = tmp_path / UNITS[part].name.replace("@", "@1" if part == "worker" else "@")
    path.write_text(text)
    done = run(str(ANALYZE), "verify", str(path))
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)
    said = run(str(ANALYZE), "security", "--offline=true", "--no-pager", str(path)).stdout
    found = re.search(r"Overall exposure level for \S+ ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) < EXPOSURE
