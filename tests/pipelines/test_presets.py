"""Known games by name: each is valid, is the game it says, and leaves what is yours alone."""

import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from ganlib import components, schedules
from ganlib.networks import Fit, NetworkFamily
from ganlib.settings import Settings
from pipelines import params, preflight, presets
from pipelines.cli import app

ROOT = Path(__file__).parents[2]
DEFAULT = (ROOT / "params.yaml").read_text(encoding="utf-8")
NAMES = presets.names()


@pytest.fixture(autouse=True)
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path))


def with_data(path: Path) -> None:
    """Says where the data are, as a person has to where the source reads a place."""
    text = path.read_text(encoding="utf-8")
    if params.load(path).data.source != "digits":
        path.write_text(text.replace("  path:   ", "  path: . ", 1), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_game_that_can_be_played(name: str, copy: Path) -> None:
    said = presets.apply(name)
    assert said == params.load()
    with_data(copy)
    preflight.before_preparing(params.load())


@pytest.mark.parametrize("name", NAMES)
def test_whatever_was_played_before_digits_gives_back_the_shipped_file(name: str, copy: Path) -> None:
    presets.apply(name)
    assert (params.load() == params.load(ROOT / "params.yaml")) == (name == "digits")
    presets.apply("digits")
    assert copy.read_text(encoding="utf-8") == DEFAULT


def test_no_preset_depends_on_the_one_before(copy: Path) -> None:
    alone = {}
    for name in NAMES:
        copy.write_text(DEFAULT, encoding="utf-8")
        alone[name] = presets.apply(name)
    assert {name: presets.apply(name) for name in reversed(NAMES)} == alone


@pytest.mark.parametrize("name", NAMES)
def test_comments_stay(name: str, copy: Path) -> None:
    presets.apply(name)
    lines = copy.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        line for line in DEFAULT.splitlines() if line.startswith("#")
    ]
    beside = [line.partition(" # ")[2] for line in DEFAULT.splitlines() if " # " in line]
    assert set(beside) <= {line.partition(" # ")[2] for line in lines}
    blank = [i for i, line in enumerate(lines) if not line]
    assert all(lines[i + 1].endswith(":") or lines[i + 1].startswith("device:") for i in blank), "no section is torn"


def test_comments_stay_where_a_person_wrote_in_another_style(copy: Path) -> None:
    copy.write_text(
        "network:   # of mine\n  name: dcgan\n  width: 8\n\n  # between sections\nloss: {name: hinge} # short\n"
        "train:\n  lr:   # rate\n    start: 1.0e-3\n    end: 1.0e-4   # at last\n    over_kimg: 3\n  # between keys\n"
        "  beta1: 0.5   # b1\n# the end\n",
        encoding="utf-8",
    )
    presets.apply("goodfellow-2014")
    text = copy.read_text(encoding="utf-8")
    for comment in ("# of mine", "# between sections", "# short", "# rate", "# between keys", "# b1", "# the end"):
        assert comment in text
    assert "classifier" not in text, "what a file does not have and the preset does not set stays away"
    assert params.load().network.options == {"width": 150, "depth": 2}


MINE = {
    "device: auto ": "device: cpu ",
    "workers:  ": "workers: 3",
    "  path:        ": "  path: mine   ",
    "  download: false": "  download: true ",
    "  watch: .dvcignore": "  watch: mine  ",
    "  device_cache_gb: 4": "  device_cache_gb: 1",
    "  capture: true ": "  capture: false ",
    "  processes: 1": "  processes: 2",
    "  experiment: ganlib ": "  experiment: mine ",
    "  alias: challenger": "  alias: mine",
    "  weights:     ": "  weights: mine",
}


def kept(settings: Settings) -> tuple[object, ...]:
    data, train, publish = settings.data, settings.train, settings.publish
    elsewhere = (settings.device, settings.workers, data.watch, publish.experiment, publish.alias)
    return (*elsewhere, train.device_cache_gb, train.capture, train.processes)


def test_where_your_data_and_machines_are_stays(copy: Path) -> None:
    text = DEFAULT
    for shipped, mine in MINE.items():
        assert shipped in text
        text = text.replace(shipped, mine, 1)
    copy.write_text(text.replace("  source: digits", "  source: idx   "), encoding="utf-8")
    for name in ("mnist", "stacked_mnist"):
        presets.apply(name)
        settings = params.load()
        assert kept(settings) == ("cpu", 3, "mine", "mine", "mine", 1, False, 2)
        assert (settings.data.path, settings.data.download) == ("mine", True)
        assert settings.evaluate.weights == ("mine" if name == "mnist" else None), "another extractor has other weights"
    presets.apply("folder-64")
    assert (params.load().data.path, params.load().data.download) == ("mine", False), "a folder is not fetched"
    presets.apply("digits")
    assert kept(params.load()) == kept(settings)
    assert params.load().data.path is None, "the digits are read from no place"
    preflight.build_source(params.load().data)


@pytest.mark.parametrize(
    ("arguments", "content", "sentence"),
    [
        (["no-such"], DEFAULT, "error: 'no-such' is no preset; choose one of: cifar10, dcgan-2015,"),
        (["../params"], DEFAULT, "error: '../params' is no preset; choose one of:"),
        (["mnist"], "trian:\n  seed: 1\n", "error: params.yaml: trian is not a parameter; did you mean train?"),
        (["mnist"], "train: [\n", "error: params.yaml is not valid YAML:"),
        (["mnist"], None, "error: params.yaml is not in "),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    copy: Path, arguments: list[str], content: str | None, sentence: str
) -> None:
    copy.unlink() if content is None else copy.write_text(content, encoding="utf-8")
    done = CliRunner().invoke(app, ["preset", *arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert (copy.read_text(encoding="utf-8") if copy.exists() else None) == content


def test_the_list_has_a_sentence_for_each() -> None:
    done = CliRunner().invoke(app, ["preset"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{name:<16} {presets.about(name)}" for name in NAMES]
    for name in NAMES:
        first = (presets.FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# {presets.about(name)}"
        assert presets.about(name).endswith(".")
        assert len(first) <= 130


@pytest.mark.parametrize(("name", "asks"), [("digits", False), ("mnist", True)])
def test_what_is_left_to_do_is_said(name: str, asks: bool) -> None:
    done = CliRunner().invoke(app, ["preset", name])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"params.yaml plays {name} now: {presets.about(name)}\n")
    assert ("Set data.path" in done.stdout) == asks


R3 = {  # preset: classes, millions of parameters of G and D
    "stacked_mnist": (0, 20.73, 20.68),
    "cifar10": (10, 20.78, 21.28),
    "folder-64": (0, 22.43, 22.38),
    "folder-256": (0, 23.06, 23.01),
}


@pytest.mark.parametrize("name", R3)
def test_r3_networks_have_as_many_parameters_as_published(name: str) -> None:
    classes, *published = R3[name]
    settings = presets.apply(name)
    family = components.build(NetworkFamily, settings.network.name, settings.network.options, section="network")
    side = settings.data.resolution
    assert isinstance(side, int)
    assert settings.train.conditional is {0: None if name.startswith("folder") else False, 10: True}[classes]
    with torch.device("meta"):
        fit = Fit((3, side, side), settings.latent.dim, classes)
        players = family.generator(fit), family.discriminator(fit)
    counts = [sum(weight.numel() for weight in player.parameters()) / 1e6 for player in players]
    assert [round(count, 2) for count in counts] == published


PUBLISHED = {  # preset: gamma, augmentation's p, EMA half-life (kimg), learning rate, batch; at the start and at last
    "stacked_mnist": ((1, 0.1), (0, 0), (0, 500), (2e-4, 2e-4), 512),
    "cifar10": ((0.05, 0.005), (0, 0.55), (0, 5000), (2e-4, 5e-5), 512),
    "folder-64": ((2, 0.2), (0, 0.3), (0, 500), (2e-4, 5e-5), 256),
    "folder-256": ((150, 15), (0, 0.3), (0, 500), (2e-4, 5e-5), 256),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_r3_games_follow_the_published_schedules(name: str) -> None:
    settings = presets.apply(name)
    played_by, train = preflight.rules(settings), settings.train
    moving = (played_by.penalty.gamma, played_by.augmentation.p, train.ema_half_life_kimg, train.lr)
    ends = [tuple(schedules.value(each, seen) for seen in (0, played_by.total)) for each in moving]
    assert [*map(pytest.approx, ends), train.batch_size] == list(PUBLISHED[name])
    assert (schedules.value(train.beta2, 0), schedules.value(train.beta2, played_by.total)) == (0.9, 0.99)
    assert {each.shape for each in (*moving, train.beta2) if isinstance(each, schedules.Schedule)} == {"cosine"}
    assert (settings.loss.name, settings.penalty.name, train.beta1) == ("relativistic", "r1_r2", 0)
    assert train.discriminator_steps == played_by.penalty.every == 1
    assert settings.latent.dim == 64
    lengths = {"stacked_mnist": (2000, 10_000), "cifar10": (20_000, 250_000)}
    burn_in = {each.over_kimg for each in moving if isinstance(each, schedules.Schedule)}
    assert (burn_in, train.kimg) == ({lengths[name][0]}, lengths[name][1]) if name in lengths else len(burn_in) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_training_is_told_of_in_many_rows_and_a_kill_costs_little(name: str) -> None:
    train = presets.apply(name).train
    assert 40 <= train.kimg / train.log_every_kimg <= 3000
    assert train.kimg / train.grid_every_kimg >= 6
    assert train.checkpoint_every_kimg <= train.grid_every_kimg
