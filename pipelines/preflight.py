"""What a later stage would refuse, said before anything long has been paid for."""

import os
import re

import torch

from ganlib import components, evaluation, exact, features, scoring
from ganlib.augmentations import Augmentation
from ganlib.datasets import build_source
from ganlib.errors import UserError
from ganlib.features import classifier
from ganlib.losses import GanLoss
from ganlib.metrics import Counts
from ganlib.networks import Discriminator, Fit, NetworkFamily
from ganlib.penalties import Penalty
from ganlib.prepared import Kind, PreparedData
from ganlib.routes import judges_batches
from ganlib.rules import Rules
from ganlib.settings import DataSettings, Settings, TrainSettings, plain
from ganlib.uncompiled import Unfilled

from . import launching, stage

ONLY_FOR_PICTURES = ("resolution", "fit", "channels", "alpha", "mirror", "min_side", "near_duplicates")


def before_preparing(settings: Settings) -> None:
    """UserError where chosen components do not exist, have other options, contradict one another or this machine."""
    played_by = rules(settings)
    family = components.build(NetworkFamily, settings.network.name, settings.network.options, section="network")
    kind = build_source(settings.data).kind
    check_game(settings, played_by, kind)
    if settings.train.processes > 1:
        processes(settings)
    wanted = settings.evaluate
    evaluation.check_names(wanted)
    features.check_name(wanted.extractor, kind)
    features.check_weights(wanted.extractor, wanted.variant, wanted.weights, wanted.weights_sha256)
    if settings.train.conditional and settings.data.labels == "none":
        raise UserError(
            "train.conditional is true but data.labels is none, so there is no class that the players could see; set "
            "one of them otherwise, or leave it empty."
        )
    if kind == "points":
        check_points(settings.data)
    elif (size := settings.data.resolution) is not None:
        height, width = (size, size) if isinstance(size, int) else size
        channels = 1 if settings.data.channels == "auto" else settings.data.channels
        check_players(settings, played_by, family, Fit((channels, height, width), settings.latent.dim))


def before_training(settings: Settings, data: PreparedData) -> None:
    """UserError where the training, or the evaluation that follows, cannot work on this data with these settings."""
    wanted = settings.evaluate
    played_by = rules(settings)
    family = components.build(NetworkFamily, settings.network.name, settings.network.options, section="network")
    check_game(settings, played_by, data.kind)
    if settings.train.packing > 1 and settings.train.conditional is None and data.classes:
        raise UserError(
            f"train.packing is {settings.train.packing} but the data has classes, and the pictures of a pack have no "
            f"one class; set train.conditional to false, or train.packing to 1."
        )
    check_players(settings, played_by, family, Fit(data.image_shape, settings.latent.dim, kind=data.kind))
    features.check_name(wanted.extractor, data.kind)
    features.check_weights(wanted.extractor, wanted.variant, wanted.weights, wanted.weights_sha256)
    if wanted.extractor == "classifier" and wanted.weights is None:
        reason = classifier.why_untrainable(data)
        if reason is not None:
            raise UserError(f"evaluate.extractor is classifier but {reason}; set it to inception or random.")
    features.check_channels(wanted.extractor, data.image_shape[0])
    evaluation.check(wanted, Counts(settings.sample.n, len(data.train), len(data.heldout)))
    check_selection(settings.train, data)


def check_selection(train: TrainSettings, data: PreparedData) -> None:
    """UserError where generators are to be scored while they train, and cannot be."""
    if train.evaluate_every_kimg is None:
        return
    through, fitting = train.evaluate_through, scoring.extractors(data.kind)
    if through not in fitting:
        raise UserError(
            f"train.evaluate_through is {through!r}, which is no extractor that looks at {data.kind} and is there "
            f"before any stage has run; choose one of: {', '.join(fitting)}."
        )
    try:
        features.check_channels(through, data.image_shape[0])
    except UserError as error:
        raise UserError(str(error).replace("evaluate.extractor", "train.evaluate_through")) from None
    if len(data.heldout) <= scoring.NEIGHBOURS:
        raise UserError(
            f"train.evaluate_every_kimg is {train.evaluate_every_kimg:g} but only {len(data.heldout)} {data.kind} are "
            f"held out to compare with; raise data.heldout_share so that there are {scoring.NEIGHBOURS + 1} or more, "
            f"or leave it empty."
        )


def rules(settings: Settings) -> Rules:
    """What is played by; UserError where a component does not exist or has other options."""
    loss, penalty, augmentation = settings.loss, settings.penalty, settings.augmentation
    return Rules(
        components.build(GanLoss, loss.name, loss.options, section="loss"),
        components.build(Penalty, penalty.name, penalty.options, section="penalty"),
        settings.train,
        components.build(Augmentation, augmentation.name, augmentation.options, section="augmentation"),
    )


def processes(settings: Settings) -> int:
    """How many processes train; UserError where there are fewer devices than that, or one of them was named."""
    wanted, device = settings.train.processes, settings.device
    if re.fullmatch(r"cuda:\d+", device):
        raise UserError(
            f"train.processes is {wanted} but device is {device}, which is one device; set device to auto or cuda, or "
            f"train.processes to 1."
        )
    on_cuda = torch.cuda.is_available() and device != "cpu"
    there = torch.cuda.device_count() if on_cuda else stage.cores()
    if wanted > there:
        what = ("CUDA device" if on_cuda else "CPU core") + ("" if there == 1 else "s")
        way_out = "1" if there == 1 else f"{there} or fewer"
        raise UserError(f"train.processes is {wanted} but there are only {there} {what} here; set it to {way_out}.")
    return wanted


def check_game(settings: Settings, played_by: Rules, kind: Kind) -> None:
    """UserError where the settings contradict one another, whatever the pictures' size."""
    check_network(settings, kind)
    check_augmentation(settings, played_by, kind)
    check_batches(settings)
    if settings.train.penalty_route == "exact" and played_by.penalty.at not in ("real", "both"):
        raise UserError(
            f"train.penalty_route is exact but penalty.name is {settings.penalty.name}, which has no exact route; set "
            f"train.penalty_route to auto."
        )


def check_batches(settings: Settings) -> None:
    """UserError where a process's share of a batch is not made of whole packs, or packs have no one label."""
    train = settings.train
    launched = int(os.environ["WORLD_SIZE"]) if launching.under_a_launcher() else train.processes
    counts = {"train.packing": train.packing, "train.processes": train.processes}
    if launched != train.processes:
        counts = {"train.packing": train.packing, "the number of started processes": launched}
    pieces = train.packing * launched
    if train.batch_size % pieces:
        parts = " times ".join(f"{name} ({count})" for name, count in counts.items() if count > 1)
        nearest = max(1, round(train.batch_size / pieces)) * pieces
        raise UserError(f"train.batch_size is {train.batch_size}, which {parts} does not divide; set it to {nearest}.")
    if train.packing > 1 and train.conditional:
        raise UserError(
            f"train.packing is {train.packing} but train.conditional is true, and the pictures of a pack have no one "
            f"class; set train.conditional to false, or train.packing to 1."
        )


def check_augmentation(settings: Settings, played_by: Rules, kind: Kind) -> None:
    """UserError where the augmentation cannot change what the data holds, or steers by what the loss leaves open."""
    name, augmentation = settings.augmentation.name, played_by.augmentation
    if kind not in augmentation.kinds:
        raise UserError(
            f"augmentation.name is {name}, which changes pictures, and the data are {kind}; set it to none."
        )
    if augmentation.target is not None and not fixes_zero(played_by.loss):
        raise UserError(
            f"augmentation.target is {augmentation.target:g}, a mean sign of D on real images, but to loss.name "
            f"{settings.loss.name} only differences between D's logits matter and their signs say nothing; leave "
            f"augmentation.target empty and give p or its schedule, or set loss.name to non_saturating."
        )


def fixes_zero(loss: GanLoss) -> bool:
    """Whether it matters to the loss when all logits rise alike, so that D's signs mean something."""
    real, fake = torch.tensor([1.0]), torch.tensor([0.0])
    return not torch.isclose(loss.discriminator(real, fake), loss.discriminator(real + 1, fake + 1)).item()


def check_players(settings: Settings, played_by: Rules, family: NetworkFamily, fit: Fit) -> None:
    """UserError where the networks cannot make such pictures, or the penalty cannot be had of such a D."""
    packs = fit.packs(settings.train.packing)
    with torch.device("meta"), Unfilled():  # shapes alone, no memory
        family.generator(fit)
        check_penalty(settings, played_by.penalty, family.discriminator(packs))
    if settings.train.penalty_route == "exact":
        with torch.random.fork_rng(devices=[]):
            discriminator = family.discriminator(packs)
        why_not = exact.why_not(discriminator, torch.zeros(2, *packs.image_shape))
        if why_not is not None:
            raise UserError(
                f"train.penalty_route is exact but network.name {settings.network.name} has no exact route with these "
                f"options: {why_not}; set train.penalty_route to auto."
            )


def check_penalty(settings: Settings, penalty: Penalty, discriminator: Discriminator) -> None:
    """UserError where the penalty needs each image's own gradient and D ties the images of a batch together."""
    if penalty.at != "nowhere" and judges_batches(discriminator):
        raise UserError(
            f"penalty.name is {settings.penalty.name} but D has batch normalisation, through which the images of a "
            f"batch depend on one another; set network.discriminator_norm to none, or penalty.name to none."
        )


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
