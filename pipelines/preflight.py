"""What a later stage would refuse, said before anything long has been paid for."""

from pathlib import Path

import torch

from ganlib import components, evaluation, features
from ganlib.datasets import build_source
from ganlib.errors import UserError
from ganlib.features import classifier, inception
from ganlib.losses import GanLoss
from ganlib.metrics import Counts
from ganlib.networks import Fit, NetworkFamily
from ganlib.penalties import Penalty
from ganlib.prepared import Kind, PreparedData
from ganlib.settings import DataSettings, Settings, plain

ONLY_FOR_PICTURES = ("resolution", "fit", "channels", "alpha", "mirror", "min_side", "near_duplicates")


def before_preparing(settings: Settings) -> None:
    """UserError where the chosen components do not exist, have other options, or cannot make the resolution."""
    components.build(GanLoss, settings.loss.name, settings.loss.options, section="loss")
    components.build(Penalty, settings.penalty.name, settings.penalty.options, section="penalty")
    family = components.build(NetworkFamily, settings.network.name, settings.network.options, section="network")
    kind = build_source(settings.data).kind
    check_network(settings, kind)
    features.check_name(settings.evaluate.extractor, kind)
    if kind == "points":
        check_points(settings.data)
    elif (size := settings.data.resolution) is not None:
        height, width = (size, size) if isinstance(size, int) else size
        channels = 1 if settings.data.channels == "auto" else settings.data.channels
        # On the meta device: shapes alone, no memory.
        with torch.device("meta"):
            family.generator(Fit((channels, height, width), settings.latent.dim))


def check_points(data: DataSettings) -> None:
    """UserError where a setting is made that means nothing to points."""
    wanted, unset = plain(data), plain(DataSettings())
    made = [name for name in ONLY_FOR_PICTURES if wanted[name] != unset[name]]
    if made:
        values = " and ".join(f"data.{name} is {wanted[name]!r}" for name in made)
        ways_out = ", ".join(f"data.{name} to {'null' if unset[name] is None else unset[name]}" for name in made)
        raise UserError(f"{values} but data.source {data.source} gives points, which are no pictures; set {ways_out}.")


def check_network(settings: Settings, kind: Kind) -> None:
    """UserError where the network's players cannot play for what the data holds."""
    name = settings.network.name
    families = {other: components.leaf(NetworkFamily, other) for other in components.names("networks")}
    if kind not in families[name].kinds:
        fitting = " or ".join(other for other, family in families.items() if kind in family.kinds)
        raise UserError(
            f"network.name is {name}, which does not make {kind}, and the data are {kind}; set it to {fitting}."
        )


def before_training(settings: Settings, data: PreparedData) -> None:
    """UserError where the evaluation that follows cannot work on this data with these settings."""
    wanted = settings.evaluate
    check_network(settings, data.kind)
    features.check_name(wanted.extractor, data.kind)
    if wanted.weights is not None and not Path(wanted.weights).is_file():
        raise UserError(f"evaluate.weights is {wanted.weights!r}, which is no file; set it to one, or leave it empty.")
    if wanted.extractor == "classifier" and wanted.weights is None:
        reason = classifier.why_untrainable(data)
        if reason is not None:
            raise UserError(f"evaluate.extractor is classifier but {reason}; set it to inception.")
    if wanted.extractor == "inception":
        inception.check_channels(data.image_shape[0])
    evaluation.check(wanted, Counts(settings.sample.n, len(data.train), len(data.heldout)))
