"""What a later stage would refuse, said before anything long has been paid for."""

from pathlib import Path

import torch

from ganlib import components, evaluation, features
from ganlib.errors import UserError
from ganlib.features import classifier
from ganlib.losses import GanLoss
from ganlib.metrics import Counts
from ganlib.networks import Fit, NetworkFamily
from ganlib.penalties import Penalty
from ganlib.prepared import PreparedData
from ganlib.settings import Settings


def before_preparing(settings: Settings) -> None:
    """UserError where the chosen components do not exist, have other options, or cannot make the resolution."""
    components.build(GanLoss, settings.loss.name, settings.loss.options, section="loss")
    components.build(Penalty, settings.penalty.name, settings.penalty.options, section="penalty")
    family = components.build(NetworkFamily, settings.network.name, settings.network.options, section="network")
    size = settings.data.resolution
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        # On the meta device: shapes alone, no memory.
        with torch.device("meta"):
            family.generator(Fit((settings.data.channels or 1, height, width), settings.latent.dim))
    features.check_name(settings.evaluate.extractor)


def before_training(settings: Settings, data: PreparedData) -> None:
    """UserError where the evaluation that follows cannot work on this data with these settings."""
    wanted = settings.evaluate
    evaluation.check(wanted, Counts(settings.sample.n, len(data.train), len(data.heldout)))
    if wanted.weights is not None and not Path(wanted.weights).is_file():
        raise UserError(f"evaluate.weights is {wanted.weights!r}, which is no file; set it to one, or leave it empty.")
    if wanted.extractor == "classifier" and wanted.weights is None:
        reason = classifier.why_untrainable(data)
        if reason is not None:
            raise UserError(f"evaluate.extractor is classifier but {reason}; set it to inception.")
