"""What it takes to make a generator again, beside commit and code: all settings as used, and DVC's record of the data.

Kept with the run when it trains (`tracking.origins`), because params.yaml and dvc.lock go on to other things.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ganlib.errors import UserError
from ganlib.settings import Settings, plain

from . import paths
from .lineage import Lineage

PARAMS, LOCK = "params.yaml", "dvc.lock"


def texts(settings: Settings, lineage: Lineage) -> dict[str, str]:
    """params.yaml as it was when the generator was made, defaults filled in, and dvc.lock where that knows its data.

    What trained it is the lineage's, and what prepared the data dvc.lock's: the settings may have been edited since.
    """
    values = plain(settings)
    for name, section in lineage.settings.items():
        values[name] = {**values[name], **section} if name == "train" else section
    lock = Path(LOCK)
    if not lock.is_file() or prepared_digest(Path()) != lineage.data:
        return {PARAMS: dumped(values)}
    text = lock.read_text(encoding="utf-8")
    used = _prepare(text, LOCK).get("params", {}).get(PARAMS, {}).get("data")
    return {PARAMS: dumped({**values, "data": used or values["data"]}), LOCK: text}


def prepared_digest(folder: Path) -> str | None:
    """Digest of the data that are prepared in a project's folder; none where none are."""
    described = folder / paths.PREPARED / "dataset.json"
    return str(json.loads(described.read_text(encoding="utf-8"))["digest"]) if described.is_file() else None


def data_hash(lock: str) -> str | None:
    """DVC's hash of data/prepared by a dvc.lock; none where it has none."""
    made = {out["path"]: out.get("md5") for out in _prepare(lock, LOCK).get("outs", ())}
    return made.get(paths.PREPARED.as_posix())


def lock_of_data(lock: str) -> str:
    """What a dvc.lock says of data/prepared, and of nothing else."""
    entry = _prepare(lock, LOCK)
    return dumped({"schema": "2.0", "stages": {"prepare": dict(entry)} if entry else {}})


def _prepare(lock: str, where: str) -> Mapping[str, Any]:
    stages = (loaded(lock, where) if lock else {}).get("stages") or {}
    entry: Mapping[str, Any] = stages.get("prepare") or {}
    return entry


def loaded(text: str, where: str) -> dict[str, Any]:
    """A YAML mapping; UserError where the text is none."""
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(values, dict):
        raise UserError(f"{where} is no mapping.")
    return values


def dumped(values: Mapping[str, Any]) -> str:
    """YAML that people and DVC read, the same for the same values."""
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(dict(values), text)
    return text.getvalue()
