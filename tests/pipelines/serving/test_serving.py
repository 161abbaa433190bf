"""`mlflow models serve`, as people call it: the documented requests, and what becomes of bad ones."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow_project import REPOSITORY, SETTINGS, Project, free_port, lineage_of, publish, wait_until, write_outputs
from PIL import Image

from ganlib import bundle, sampling
from ganlib.latents import sample_latents, truncated
from ganlib.settings import parse
from pipelines import paths, registry, tracking
from pipelines.tracking import models

Ask = Callable[..., tuple[int, Any]]
MOST = 50


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Iterator[Path]:
    """A project whose generator is the champion, and the current folder for the whole file."""
    folder = tmp_path_factory.mktemp("served") / "project"
    folder.mkdir()
    (folder / "ganlib").symlink_to(REPOSITORY / "ganlib")
    (folder / "mlflow.db").write_bytes(empty_database)
    settings = parse(SETTINGS, where="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        project = Project(folder, settings, lineage_of(settings))
        write_outputs(project)
        publish(project)
        registry.sync(settings)
        with tracking.opened() as store:
            models.point_alias(store, models.by_number(store, "pictures", 1), "champion")
        yield folder


@pytest.fixture(scope="module")
def ask(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Sends a request to a real server, which runs elsewhere and takes at most 50 rows; its status and answer."""
    port, folder = free_port(), tmp_path_factory.mktemp("elsewhere")
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": tracking.tracking_uri(),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "SERVING_MODEL_CONFIG": json.dumps({"most_rows": MOST}),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["mlflow", "models", "serve", "-m", "models:/pictures@champion", "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(lambda: alive(server, port, folder / "log"), seconds=180)
        yield lambda **body: asked(port, body)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def alive(server: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    assert server.poll() is None, log.read_text()
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).close()
    except OSError:
        return False
    return True


def asked(port: int, body: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def expected(seeds: list[int], labels: list[int], truncation: float | None = None) -> np.ndarray:
    """The same pictures, as this project draws them; NHWC."""
    generator, known = bundle.load_generator(paths.GAN)
    latents = torch.cat([sample_latents(seed, [0], dim=8, distribution="normal") for seed in seeds])
    if truncation is not None:
        latents = truncated(latents, truncation, known.latent_distribution)
    (drawn,) = sampling.generate(generator, latents, torch.tensor(labels), batch_size=64)
    return drawn.permute(0, 2, 3, 1).numpy()


def opened(file: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(file))))


SPLIT = {"columns": ["seed", "label"], "data": [[5, 2], [6, "zero"], [7, None]]}
RECORDS = [{"seed": 5, "label": 2}, {"seed": 6, "label": "zero"}, {"seed": 7}]


@pytest.mark.parametrize("rows", [{"dataframe_split": SPLIT}, {"dataframe_records": RECORDS}])
def test_both_forms_of_a_request_give_the_same_pictures_as_arrays_and_as_png(ask: Ask, rows: dict[str, Any]) -> None:
    wanted = expected([5, 6, 7], [2, 0, 1])
    status, answer = ask(**rows)
    assert status == 200
    assert np.array_equal(answer["predictions"], wanted)
    status, answer = ask(**rows, params={"format": "png"})
    assert status == 200
    assert np.array_equal([opened(file) for file in answer["predictions"]], wanted[..., 0])


def test_truncation_is_the_carried_sources(ask: Ask) -> None:
    rows = {"dataframe_records": [{"seed": seed, "label": 0} for seed in range(20)]}
    _, plain = ask(**rows)
    status, pressed = ask(**rows, params={"truncation": 0.3})
    assert status == 200
    assert np.array_equal(pressed["predictions"], expected(list(range(20)), [0] * 20, 0.3))
    assert not np.array_equal(pressed["predictions"], plain["predictions"])
    assert ask(**rows, params={"truncation": None})[1] == plain


ONE = [{"seed": 1}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"dataframe_records": [{"seed": 1}] * (MOST + 1)}, "has 51 rows, and this model draws 50 at once; send"),
        ({"dataframe_records": [{"seed": -1}]}, "seed -1 in row 0 is negative"),
        ({"dataframe_records": [{"seed": 2**63}]}, "seed"),
        ({"dataframe_records": [{"seed": 1e30}]}, "seed"),
        ({"dataframe_records": [{"seed": "1; DROP TABLE"}]}, "seed"),
        ({"dataframe_records": [{"label": 1}]}, "seed"),
        ({"dataframe_records": [{"seed": 1, "label": "four"}]}, "label 'four' in row 0 is no class"),
        ({"dataframe_records": [{"seed": 1, "label": 3}]}, "label 3 in row 0 is no class"),
        ({"dataframe_records": [{"seed": 1, "label": float("inf")}]}, "label inf in row 0 is no class"),
        ({"dataframe_records": [{"seed": 1, "label": "x" * 100_000}]}, f"label '{'x' * 39}... in row 0 is no class"),
        ({"dataframe_records": [{"seed": 1, "label": [0]}]}, "label [0] in row 0 is no class"),
        ({"dataframe_records": ONE, "params": {"truncation": 0}}, "truncation is 0.0; give a number above 0"),
        ({"dataframe_records": ONE, "params": {"truncation": -1.0}}, "truncation is -1.0; give a number above 0"),
        ({"dataframe_records": ONE, "params": {"truncation": float("nan")}}, "truncation is nan; give a number"),
        ({"dataframe_records": ONE, "params": {"truncation": "little"}}, "truncation"),
        ({"dataframe_records": ONE, "params": {"format": "jpeg"}}, "format is 'jpeg'; give array or png."),
        ({"dataframe_records": ONE, "params": {"format": 1}}, "format"),
        ({"rows": ONE}, "dataframe_split"),
    ],
)  # fmt: skip
def test_a_bad_request_is_answered_with_a_4xx_that_says_why(ask: Ask, body: dict[str, Any], said: str) -> None:
    status, answer = ask(**body)
    assert 400 <= status < 500
    message = answer.get("message") or answer["detail"]
    assert said in str(message)
    assert len(str(message)) < 2_000
    assert "Traceback" not in str(answer)


def test_the_servers_own_sentence_is_all_that_a_caller_reads(ask: Ask) -> None:
    """MLflow's server would put the request before it."""
    status, answer = ask(dataframe_records=ONE, params={"format": "jpeg"})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert answer["message"] == "format is 'jpeg'; give array or png."


def test_after_all_of_them_the_server_still_draws(ask: Ask) -> None:
    status, answer = ask(dataframe_records=[{"seed": seed} for seed in range(MOST)])
    assert (status, len(answer["predictions"])) == (200, MOST)
