"""A folder that is no generator is refused in one sentence, and nothing of it is run."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from ganlib import bundle, components
from ganlib.errors import UserError
from ganlib.networks import Fit, NetworkFamily

WIDTHS = {"r3": 8, "resnet": 4, "dcgan": 4, "mlp": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(tmp_path, "mlp", (1, 4, 4))
    return tmp_path


def made(folder: Path, network: str, shape: tuple[int, int, int]) -> bundle.Description:
    options: dict[str, Any] = {"width": WIDTHS[network]}
    known = bundle.Description(network, options, shape, 8, "normal", ("a", "b"), 3000, (5, 5))
    family = components.build(NetworkFamily, network, options, section="network")
    fit = Fit(shape, 8, 2)
    bundle.save_gan(folder, known, family.generator(fit), family.discriminator(fit))
    return known


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_what_was_saved_is_what_is_loaded(network: str, tmp_path: Path) -> None:
    known = made(tmp_path, network, (3, 16, 16))
    generator, described = bundle.load_generator(tmp_path)
    discriminator, _ = bundle.load_discriminator(tmp_path)
    assert described == known
    for player, file in ((generator, "generator"), (discriminator, "discriminator")):
        kept = bundle.load_file(tmp_path / f"{file}.safetensors")
        assert all(torch.equal(value, kept[name]) for name, value in player.state_dict().items())
        assert not any(value.is_meta for value in [*player.parameters(), *player.buffers()])


def changed(**values: Any) -> Any:
    def change(folder: Path) -> None:
        place = folder / "gan.json"
        place.write_text(json.dumps(json.loads(place.read_text()) | values))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed(network="../../evil"), "network.name is '../../evil'; choose one of"),
        (changed(network="/tmp/evil.py"), "network.name is '/tmp/evil.py'; choose one of"),
        (changed(network="os"), "network.name is 'os'; choose one of"),
        (changed(network_options={"width": 10**9, "exec": "x"}), "exec"),
        (changed(network_options={"width": 1 << 20}), "and should be 8388608"),
        (changed(image_shape=[1, 1 << 24, 1 << 24]), "is 16 x 16 and should be 281474976710656 x 16"),
        (changed(image_shape=[1, 0, 4]), "describes pictures or latents of no size"),
        (changed(image_shape=[1, 4]), "is no description of a generator: image_shape"),
        (changed(latent_dim="many"), "is no description of a generator: latent_dim"),
        (changed(kind="programs"), "is no description of a generator: kind"),
        (changed(then="run this"), "says then, which this version of ganlib does not know"),
        (lambda folder: (folder / "gan.json").write_bytes(b"\xff\xfe"), "it is no text"),
        (lambda folder: (folder / "gan.json").write_text("[" * 100_000), "is no description of a generator"),
        (lambda folder: (folder / "gan.json").write_text("{"), "is no description of a generator"),
        (lambda folder: (folder / "gan.json").write_text("[]"), "is no description of a generator"),
    ],
)
def test_a_description_that_cannot_be_is_refused(folder: Path, change: Any, said: str) -> None:
    change(folder)
    with pytest.raises(UserError, match=r"^[^\n]*$") as mistake:
        bundle.load_generator(folder)
    assert said in str(mistake.value)


class Malice:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> Any:
        return (exec, ("open('it-ran', 'w')",))


def safetensors(header: bytes, claimed: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if claimed is None else claimed) + header


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Malice()),
        safetensors(b"{not json"),
        safetensors(b"{}", claimed=1 << 62),
        safetensors(b'{"x": {"dtype": "F32", "shape": [1099511627776], "data_offsets": [0, 4398046511104]}}'),
        safetensors(b'{"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}') + b"\0" * 4,
        b"",
    ],
    ids=["pickle", "broken header", "endless header", "endless tensor", "other tensors", "nothing"],
)
def test_weights_that_are_none_are_refused(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "generator.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"^[^\n]*does not hold the weights that its gan.json describes[^\n]*$"):
        bundle.load_generator(folder)
    assert not (folder / "it-ran").exists()


def test_what_differs_is_named(folder: Path) -> None:
    weights = bundle.load_file(folder / "generator.safetensors")
    weights["to_pixels.bias"] = weights["to_pixels.bias"][:3]
    (folder / "generator.safetensors").write_bytes(bundle.save(weights))
    with pytest.raises(UserError, match=r"to_pixels\.bias is 3 and should be 16\.$"):
        bundle.load_generator(folder)
    del weights["to_pixels.bias"]
    (folder / "generator.safetensors").write_bytes(bundle.save(weights))
    with pytest.raises(UserError, match=r"to_pixels\.bias is absent and should be 16\.$"):
        bundle.load_generator(folder)
