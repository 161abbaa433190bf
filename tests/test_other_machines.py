"""What other engines would run is valid by their own tools, and says what this project's own parts say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docs/compose.yaml"
SECRETS = {"POSTGRES_PASSWORD": "a1b2", "PREFECT_AUTH": "user:c3d4"}
FILLED_IN = {
    "{{ namespace }}": "default", "{{ name }}": "retrain", "{{ labels }}": {"app": "ganlib"}, "{{ image }}": "ganlib",
    "{{ command }}": ["python"], "{{ env }}": [{"name": "A", "value": "b"}],
}  # fmt: skip
"""What a work pool of Prefect's puts for its names."""


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def composed(**secrets: str) -> "subprocess.CompletedProcess[str]":
    tool = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    if not shutil.which(tool[0]):
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    command = [*tool, "-f", str(COMPOSE), "--project-directory", str(ROOT), "config"]
    clean = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(command, env={**clean, **secrets}, capture_output=True, text=True, check=False)


@pytest.mark.prove
def test_compose_takes_the_file_and_wants_the_secrets() -> None:
    whole = composed(**SECRETS)
    assert whole.returncode == 0, whole.stderr
    published = [port for line in whole.stdout.splitlines() if "/tcp" in line for port in line.split() if ":" in port]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    for name in SECRETS:
        without = composed(**{other: value for other, value in SECRETS.items() if other != name})
        assert without.returncode != 0
        assert f"put {name}" in without.stderr


def test_compose_starts_what_there_is() -> None:
    services = read(COMPOSE)["services"]
    words = " ".join(service.get("command", "") for service in services.values()).replace("'", " ").split()
    for command in ("prefect", "mlflow"):
        assert command in words
        assert Path(sys.executable).with_name(command).exists()
    (pool,) = {deployment["work_pool"]["name"] for deployment in read(ROOT / "prefect.yaml")["deployments"]}
    assert words.count(pool) == 2, "made, and worked at"
    for slot in ("retrain", "gpu"):
        assert f"prefect gcl create {slot} " in services["worker"]["command"]


@pytest.mark.prove
def test_kubernetes_takes_the_job() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: filled(value) for name, value in part.items()}
        if isinstance(part, list):
            return [filled(value) for value in part]
        if isinstance(part, str) and part.startswith("{{ name }}"):
            return "retrain" + part.removeprefix("{{ name }}")
        return FILLED_IN.get(part, part) if isinstance(part, str) else part

    job = filled(read(ROOT / "docs/kubernetes-job.yaml"))
    validate.validate(job, "1.31", strict=True)
    job["spec"]["template"]["spec"]["containers"][0]["resorces"] = {}
    with pytest.raises(validate.ValidationError):
        validate.validate(job, "1.31", strict=True)
