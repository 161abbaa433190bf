"""What a run holds, sent so that sending it again changes nothing: metric points, pictures, files, the data set."""

import json
import math
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib import files

from . import runs
from .store import Store

if TYPE_CHECKING:
    import numpy as np
    from mlflow.entities import Metric, Run

Points = Mapping[tuple[str, int], float]
"""(metric name, images seen) -> value."""

SAMPLES = "samples"
PER_BATCH = 1000
FILES_TAG = "ganlib.files"
LARGEST = 1.7976931348623157e308
"""What MLflow makes of infinity."""


def point(run: "Run", name: str, images_seen: int, value: float, model_id: str | None = None) -> "Metric":
    """A metric point whose time follows from its step (an image counts a millisecond): said twice, it is one."""
    from mlflow.entities import Metric

    return Metric(name, value, run.info.start_time + images_seen, images_seen, model_id=model_id)


def add_points(store: Store, run: "Run", wanted: Points, *, model_id: str | None = None) -> None:
    """Sends the points that are missing.

    Where the newest point of a step says another number (the outputs were made anew with the same key), the wanted
    one follows a millisecond later: MLflow shows the latest.
    """
    metrics = []
    for name in sorted({name for name, _ in wanted}):
        history = store.client.get_metric_history(run.info.run_id, name) if name in run.data.metrics else []
        have: dict[int, list[Metric]] = {}
        for metric in history:
            have.setdefault(metric.step, []).append(metric)
        for (own, step), value in wanted.items():
            if own == name:
                metrics += _missing(have.get(step, []), point(run, name, step, value, model_id))
    for first in range(0, len(metrics), PER_BATCH):
        store.client.log_batch(run.info.run_id, metrics=metrics[first : first + PER_BATCH])


def points_of(store: Store, run_id: str, names: Iterable[str]) -> dict[tuple[str, int], float]:
    """The run's metrics of these names; of a step that was told twice the latest, as MLflow shows it."""
    there = store.client.get_run(run_id).data.metrics
    return {
        (name, metric.step): metric.value
        for name in names
        if name in there
        for metric in sorted(store.client.get_metric_history(run_id, name), key=lambda metric: metric.timestamp)
    }


def text_of(store: Store, run_id: str, name: str) -> str | None:
    """A file of the run by its relative path; None where there is none."""
    from mlflow.artifacts import download_artifacts

    if name not in {file.path for file in store.client.list_artifacts(run_id, Path(name).parent.as_posix())}:
        return None
    with tempfile.TemporaryDirectory(prefix="ganlib-") as aside:
        fetched = download_artifacts(run_id=run_id, artifact_path=name, dst_path=aside, tracking_uri=store.uri)
        return Path(fetched).read_text(encoding="utf-8")


def _missing(have: "list[Metric]", wanted: "Metric") -> "list[Metric]":
    if not have:
        return [wanted]
    newest = max(metric.timestamp for metric in have)
    if all(_same(metric.value, wanted.value) for metric in have if metric.timestamp == newest):
        return []
    wanted._timestamp = newest + 1
    return [wanted]


def _same(have: float, wanted: float) -> bool:
    if math.isinf(wanted):
        wanted = math.copysign(LARGEST, wanted)
    return (math.isnan(have) and math.isnan(wanted)) or math.isclose(have, wanted, rel_tol=1e-9)


def picture_steps(store: Store, run: "Run") -> set[int]:
    """The steps whose sample grid the run has whole; MLflow writes the preview after the picture."""
    pattern = re.compile(rf"images/{SAMPLES}\+step\+(\d+)\+.*\+compressed\.webp")
    matches = (pattern.fullmatch(file.path) for file in store.client.list_artifacts(run.info.run_id, "images"))
    return {int(match[1]) for match in matches if match}


def add_picture(store: Store, run: "Run", images_seen: int, pixels: "np.ndarray[Any, Any]") -> None:
    """A sample grid, HxW or HxWx3 uint8; the caller has seen that the run has none of this step."""
    time = run.info.start_time + images_seen
    store.client.log_image(run.info.run_id, pixels, key=SAMPLES, step=images_seen, timestamp=time, synchronous=True)


def add_pictures(store: Store, run: "Run", pictures: Mapping[int, Path]) -> None:
    """The sample grids that the run does not have yet."""
    import numpy as np
    from PIL import Image

    have = picture_steps(store, run) if pictures else set()
    for step in sorted(pictures.keys() - have):
        with Image.open(pictures[step]) as image:
            add_picture(store, run, step, np.array(image))


def add_files(store: Store, run: "Run", wanted: Iterable[Path]) -> None:
    """Files under their own relative paths; again only where the content is another or the file is gone."""
    digests = {path.as_posix(): files.sha256_of(path)[:16] for path in wanted}
    sent = json.loads(run.data.tags.get(FILES_TAG, "{}"))
    folders = {Path(name).parent.as_posix() for name in digests}
    there = {file.path for folder in folders for file in store.client.list_artifacts(run.info.run_id, folder)}
    for name, digest in digests.items():
        if name not in there or sent.get(name) != digest:
            store.client.log_artifact(run.info.run_id, name, Path(name).parent.as_posix())
    runs.set_tags(store, run, {FILES_TAG: json.dumps({**sent, **digests}, sort_keys=True)})


def add_text(store: Store, run_id: str, text: str, place: Path) -> None:
    """A file of the run with this text."""
    store.client.log_text(run_id, text, place.as_posix())


def add_dataset(store: Store, run: "Run", *, name: str, digest: str, profile: Mapping[str, Any]) -> None:
    """The prepared data as the run's input. MLflow takes 36 characters of a digest; the whole is in the profile."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    short = digest[:36]
    given = run.inputs.dataset_inputs if run.inputs else []
    if any(one.dataset.digest == short for one in given):
        return
    described = json.dumps({**profile, "digest": digest}, sort_keys=True)
    source = json.dumps({"path": "data/prepared", "by": "dvc repro prepare"})
    dataset = Dataset(name, short, source_type="dvc", source=source, profile=described)
    store.client.log_inputs(run.info.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
