"""Clones of this checkout that a benchmark works in, and how it speaks to their Prefect server."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import record
from ruamel.yaml import YAML

OTHERS = ("MLFLOW_", "DVC_", "PREFECT_", "PYTHONPATH")
"""Beginnings of what may not be passed on: stores, servers and code of whoever measures."""


def environment(**more: str) -> dict[str, str]:
    """Of what is started in a clone."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(OTHERS)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DO_NOT_TRACK": "1",
        **more,
    }


def clone(project: Path) -> None:
    """This checkout's HEAD."""
    subprocess.run(["git", "clone", "--quiet", record.ROOT, project], check=True)


def commit(project: Path, settings: Mapping[str, Any], message: str) -> None:
    """Writes settings, by their dotted names, into params.yaml, and commits all that was changed."""
    yaml = YAML()
    written = yaml.load(project / "params.yaml")
    for name, value in settings.items():
        section, _, key = name.partition(".")
        written[section][key] = value
    yaml.dump(written, project / "params.yaml")
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
    subprocess.run(["git", *who, "commit", "-qam", message], cwd=project, check=True)


def ask(api: str, path: str, **body: Any) -> Any:
    """What Prefect's server answers."""
    content = json.dumps(body).encode()
    request = urllib.request.Request(f"{api}/{path}", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")
