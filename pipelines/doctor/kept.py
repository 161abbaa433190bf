"""What stays on this machine between runs: checkpoints, of which finished trainings need none, and caches."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from ganlib.errors import UserError
from pipelines import lineage, paths, tracking
from pipelines.tracking import health

from . import Circumstances, Finding, State
from .sizes import is_quiet, shown, size

CACHES = ("features", "scores", "generators")


def check_checkpoints(circumstances: Circumstances) -> Iterator[Finding]:
    """Folders of trainings that are FINISHED and whose generator is kept elsewhere can go; all others stay."""
    group = "checkpoints"
    folders = [folder for folder in sorted(paths.checkpoints().glob("*")) if folder.is_dir()]
    if not folders:
        yield Finding(group, State.OK, "none")
        return
    spare = spare_keys()
    staying = []
    for folder in folders:
        if spare is None or folder.name not in spare or not is_quiet(folder):
            staying.append(folder)
            continue
        says = f"{shown(size(folder))} of a finished training whose generator is kept: {folder}"
        if circumstances.fix:
            shutil.rmtree(folder)
            yield Finding(group, State.MENDED, f"{says}: removed")
        else:
            yield Finding(group, State.MENDABLE, says)
    if staying:
        why = "MLflow is away, so nobody knows which trainings have ended" if spare is None else "trainings may resume"
        yield Finding(group, State.OK, f"{shown(sum(map(size, staying)))} in {len(staying)} that stay: {why}")


def spare_keys() -> set[str] | None:
    """Keys of trainings that have ended well and whose generator is registered or in models/gan; None: unknown."""
    if not tracking.exists():
        return set()
    try:
        with tracking.opened() as store:
            ended = {key for key, well in health.ended_well(store).items() if well}
            return ended & (health.registered_keys(store) | key_here())
    except tracking.StoreError:
        return None


def key_here() -> set[str]:
    """The key of the generator in models/gan, where there is a whole one."""
    if not (paths.GAN / "generator.safetensors").is_file():
        return set()
    try:
        return {lineage.read(paths.GAN).key}
    except (UserError, ValueError, KeyError):
        return set()


def check_caches(_: Circumstances) -> Iterator[Finding]:
    """What is kept only to be quick: may be deleted at any time, and is made or fetched again."""
    state = paths.main_folder() / paths.STATE
    there = [(name, state / name) for name in CACHES if (state / name).is_dir()]
    sizes = ", ".join(f"{name} {shown(size(folder))}" for name, folder in there)
    yield Finding("kept files", State.OK, f"{sizes} in {Path(state)}; may be deleted" if there else "none")
