"""A generator is found by every name that it has, checked before anything of it runs, and draws by its own source."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mlflow_project import REPOSITORY, Project, publish

from ganlib import bundle, sampling
from ganlib.errors import UserError
from ganlib.latents import sample_latents
from pipelines import generators, packaging, paths, registry, tracking

CPU = torch.device("cpu")


@pytest.fixture
def published(project: Project) -> Project:
    publish(project)
    registry.sync(project.settings)
    return project


def artifacts(project: Project) -> Path:
    """Where the store keeps the first generator's files."""
    (found,) = (project.folder / "mlartifacts").rglob("artifacts/generator")
    return found


def test_a_version_has_many_names(published: Project) -> None:
    run_id = registry.sync(published.settings).run_id
    names = ["1", "v1", "challenger", "pictures/1", "models:/pictures/1", "pictures@challenger",
             "models:/pictures@challenger", run_id, f"runs:/{run_id}"]  # fmt: skip
    found = [generators.find(name, published.settings) for name in names]
    assert {one.content for one in found} == {packaging.files.sha256_of(paths.GAN / "generator.safetensors")}
    assert {one.name for one in found} == {"pictures version 1 (challenger)"}
    registration = found[0].registration
    assert registration is not None
    assert (registration.model, registration.version, registration.run_id) == ("pictures", 1, run_id)


def test_files_are_named_by_their_folder_or_by_their_weights(published: Project) -> None:
    for name in ("models/gan", "./models/gan", "models/gan/generator.safetensors"):
        found = generators.find(name, published.settings)
        assert found.folder == paths.GAN
        assert found.registration is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("7", "pictures has no version 7; there is: 1."),
        ("champion", "pictures has no alias 'champion'; there is: challenger."),
        ("other@champion", "No registered model is called 'other'; there is: pictures."),
        ("0" * 32, "has no registered generator"),
        ("what is this?", "names no generator; give a version"),
        ("./nowhere", "nowhere holds no generator: gan.json is missing"),
        ("models/gan/discriminator.safetensors", "is not called generator.safetensors"),
    ],
)
def test_a_name_that_means_nothing_is_answered_with_what_there_is(published: Project, name: str, said: str) -> None:
    with pytest.raises(UserError, match=r"^[^\n]*$") as mistake:
        generators.find(name, published.settings)
    assert said in str(mistake.value)


@pytest.mark.parametrize("name", ["1", "models/gan"])
def test_it_draws_what_the_project_draws(published: Project, name: str) -> None:
    drawer = generators.open_drawer(generators.find(name, published.settings), CPU)
    labels = torch.tensor([0, 1, 2])
    (drawn,) = drawer.pictures(drawer.noise(3, range(3)), labels)
    generator, _ = bundle.load_generator(paths.GAN)
    latents = sample_latents(3, range(3), dim=8, distribution="normal")
    (expected,) = sampling.generate(generator, latents, labels, batch_size=3)
    assert torch.equal(drawn, expected)


def test_truncation_changes_pictures_step_by_step(published: Project) -> None:
    drawer = generators.open_drawer(generators.find("models/gan", published.settings), CPU)
    free, wide, narrow = (drawer.noise(0, range(50), truncation=limit) for limit in (None, 9.0, 0.5))
    assert torch.allclose(free, wide, atol=1e-5)
    assert narrow.abs().max() <= 0.5
    assert torch.equal(narrow.sign(), free.sign())


def test_what_was_fetched_is_kept_and_is_mended_where_it_was_changed(published: Project) -> None:
    found = generators.find("1", published.settings)
    store, aside = artifacts(published), published.folder / "aside"
    store.rename(aside)
    assert generators.find("1", published.settings) == found
    (found.folder / "gan.json").write_text("{}")
    with pytest.raises(UserError, match="does not do its work"):
        generators.find("1", published.settings)
    aside.rename(store)
    assert generators.find("1", published.settings) == found


@pytest.mark.parametrize("file", ["generator.safetensors", "gan.json", "code/ganlib/networks/mlp.py", "code/extra.py"])
def test_a_file_that_was_changed_in_the_store_is_refused_before_anything_runs(published: Project, file: str) -> None:
    """The planted source would leave a file behind if it ran."""
    planted = artifacts(published) / file
    left = published.folder / "it-ran"
    before = planted.read_bytes() if planted.is_file() else b""
    planted.write_bytes(before + f"\nopen({str(left)!r}, 'w')\n".encode())
    with pytest.raises(UserError, match="not those that were registered; nothing of them was run"):
        generators.open_drawer(generators.find("1", published.settings), CPU)
    assert not left.exists()
    assert list((published.folder / paths.STATE / "generators").iterdir()) == []


def test_a_version_of_somebody_elses_is_not_loaded(published: Project) -> None:
    with tracking.opened() as store:
        store.client.create_model_version("pictures", source="file:///somewhere")
    with pytest.raises(UserError, match="was not registered by this ganlib"):
        generators.find("2", published.settings)


def test_each_version_draws_by_its_own_source(published: Project) -> None:
    source = published.folder / "ganlib"
    source.unlink()
    shutil.copytree(REPOSITORY / "ganlib", source, ignore=shutil.ignore_patterns("__pycache__"))
    network = source / "networks" / "mlp.py"
    network.write_text(network.read_text().replace("pixels = torch.tanh(", "pixels = -torch.tanh("))
    weights = bundle.load_file(paths.GAN / "generator.safetensors")
    weights["to_pixels.bias"][0] += 1e-7
    (paths.GAN / "generator.safetensors").write_bytes(bundle.save(weights))
    publish(published)
    assert registry.sync(published.settings).version == "2"
    one, two = (generators.open_drawer(generators.find(name, published.settings), CPU) for name in ("1", "2"))
    latents, labels = one.noise(0, range(20)), torch.zeros(20, dtype=torch.int64)
    (positive,), (negative,) = (list(drawer.pictures(latents, labels)) for drawer in (one, two))
    assert (positive.int() + negative.int() - 255).abs().max() <= 1
    assert json.loads((one.named.folder / "gan.json").read_text())["network"] == "mlp"
