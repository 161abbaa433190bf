"""A generator as a person names it: a version, an alias, a run, or files; found, fetched, checked, and ready to draw.

What comes from the registry runs its own source, which stands beside its weights; nothing of it is executed before
every file's digest was compared with the registry's. Files of this project run the project's source.
"""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib import bundle, files
from ganlib import latents as latents_of
from ganlib.bundle import DESCRIPTION, GENERATOR
from ganlib.errors import UserError
from ganlib.settings import Settings

from . import packaging, paths, tracking
from .tracking import models, moves

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ganlib.shapes import Labels, Latents, Stored

    from .tracking import ModelVersion, Store

WAYS = "a version (3), an alias (champion), NAME/3, NAME@champion, runs:/ID, or the folder of a trained generator"


@dataclass(frozen=True)
class Registration:
    """Where the registry has it."""

    model: str
    version: int
    aliases: tuple[str, ...]
    run_id: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Named:
    """A generator that was found, its files checked."""

    name: str
    """How messages and pages call it: `ganlib-digits version 3 (champion)`."""
    folder: Path
    """Holds gan.json, generator.safetensors and, where it comes from the registry, its source below code/."""
    content: str
    """sha256 of the weights."""
    description: bundle.Description
    digests: Mapping[str, str] = field(repr=False)
    """sha256 of every file in the folder, by relative path; empty where the files are this project's own."""
    registration: Registration | None = None


@dataclass(frozen=True)
class Drawer:
    """A generator that draws, by its own source where it carries one."""

    named: Named
    generator: "nn.Module"
    """The averaged one, in evaluation mode on the device."""
    sampling: Any
    latents: Any
    """The modules `sampling` and `latents` of the source that it runs."""

    def noise(self, seed: int, indices: Sequence[int], *, truncation: float | None = None) -> "Latents":
        """A latent for each index, which depends on (seed, index) alone; see `ganlib.latents.truncated`."""
        known = self.named.description
        drawn: Latents = self.latents.sample_latents(
            seed, indices, dim=known.latent_dim, distribution=known.latent_distribution
        )
        if truncation is None:
            return drawn
        return latents_of.truncated(drawn, truncation, known.latent_distribution)

    def pictures(self, latents: "Latents", labels: "Labels | None", *, batch_size: int = 256) -> "Iterator[Stored]":
        """Of the latents, in batches on the CPU: uint8 NCHW, or float32 points."""
        batches: Iterator[Stored] = self.sampling.generate(self.generator, latents, labels, batch_size=batch_size)
        return batches


def find(reference: str, settings: Settings) -> Named:
    """The generator of this name; UserError where there is none, or its files are not what was registered.

    A bare version or alias is one of `publish.model`. An existing folder comes before everything else.
    """
    if not reference.strip():
        raise UserError(f"The name of a generator is empty; give {WAYS}.")
    place = Path(reference)
    if place.is_dir() or place.suffix == ".safetensors" or reference.startswith(("/", "./", "../")):
        return from_files(place)
    with tracking.opened(making=False) as store:
        return from_registry(store, version_of(store, reference, settings.publish.model))


def from_files(place: Path) -> Named:
    """The generator in a folder, or whose weights are this file; UserError where it is none."""
    folder = place.parent if place.suffix == ".safetensors" else place
    for needed in (DESCRIPTION, GENERATOR):
        if not (folder / needed).is_file():
            raise UserError(f"{folder} holds no generator: {needed} is missing; name {WAYS}.")
    if place.suffix == ".safetensors" and place.name != GENERATOR:
        raise UserError(f"{place} is not called {GENERATOR}; name {WAYS}.")
    return Named(str(place), folder, files.sha256_of(folder / GENERATOR), bundle.read_description(folder), {})


def from_registry(store: "Store", version: "ModelVersion") -> Named:
    """Fetched once and kept in `.ganlib/generators`, checked each time."""
    registration = registered(store, version)
    name = f"{version.name} version {version.version}"
    shown = f"{name} ({', '.join(registration.aliases)})" if registration.aliases else name
    content, package = (registration.tags.get(tag) for tag in (models.CONTENT, models.PACKAGE))
    if content is None or package is None:
        raise UserError(
            f"{name} was not registered by this ganlib, so nothing says what its files must be; name another, or "
            f"publish it anew."
        )
    kept = paths.main_folder() / paths.STATE / "generators" / package
    digests = packaging.digests_in(kept)
    if packaging.package_digest(digests) != package:
        with files.whole_folder(kept) as aside:
            models.fetch(store, version, aside)
            digests = packaging.digests_in(aside)
            _check(digests, package, name)
    # Those that were compared, and not computed anew: whatever changes from here on is refused when it is loaded.
    return Named(shown, kept, content, bundle.read_description(kept), digests, registration)


def registered(store: "Store", version: "ModelVersion") -> Registration:
    """What the registry says of a version."""
    aliases = tuple(models.aliases(store, version))
    return Registration(version.name, int(version.version), aliases, version.run_id or None, dict(version.tags))


def _check(digests: Mapping[str, str], package: str, name: str) -> None:
    """UserError where the files are not those that the registry speaks of."""
    if packaging.package_digest(digests) != package:
        raise UserError(
            f"The files of {name} in the artifact store are not those that were registered; nothing of them was run. "
            f"Restore them there, or delete the version and publish the generator anew: dvc repro -f publish."
        )


def open_drawer(named: Named, device: "torch.device") -> Drawer:
    """Ready to draw on the device; source that the generator carries runs under a package name of its own."""
    if named.digests:
        from .serving.model import carried_package

        package = carried_package(named.folder.resolve(), dict(named.digests))
    else:
        package = "ganlib"
    sampling, latents, loading = (
        importlib.import_module(f"{package}.{name}") for name in ("sampling", "latents", "bundle")
    )
    try:
        generator, _ = loading.load_generator(named.folder, device=str(device))
    except loading.UserError as error:  # the carried source's own, which is another class
        raise UserError(str(error)) from None
    return Drawer(named, generator, sampling, latents)


def version_of(store: "Store", reference: str, model: str) -> "ModelVersion":
    """By the ways that WAYS names; UserError where there is none."""
    if run := re.fullmatch(r"(?:runs:/|run:)?([0-9a-f]{32})", reference):
        return models.of_run(store, run[1])
    words = reference.removeprefix("models:/")
    if exact := re.fullmatch(r"([^/:@]+)/v?(\d+)", words):
        return models.by_number(store, exact[1], int(exact[2]))
    if alias := re.fullmatch(r"([^/:@]+)@([A-Za-z][\w-]*)", words):
        return _by_alias(store, alias[1], alias[2])
    if number := re.fullmatch(r"v?(\d+)", reference):
        return models.by_number(store, model, int(number[1]))
    if is_alias(reference):
        return _by_alias(store, model, reference)
    raise UserError(f"{reference!r} names no generator; give {WAYS}.")


def is_alias(word: str) -> bool:
    """Whether an alias may be called so."""
    return re.fullmatch(r"(?!v\d+$)[A-Za-z][\w-]*", word) is not None


def _by_alias(store: "Store", model: str, alias: str) -> "ModelVersion":
    """After a promotion that was killed on its way is carried out: until then the alias names the one before."""
    moves.settled(store, model)
    return models.by_alias(store, model, alias)
