"""Whatever a person has: a folder with a picture of every kind and every defect, prepared as a whole."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ganlib.datasets import build_source
from ganlib.preparation import prepare
from ganlib.prepared import open_prepared
from ganlib.settings import DataSettings

SIDE = 48


def scene(seed, bands=3, height=SIDE, width=SIDE):
    """Blurred noise, so that formats that lose something lose little."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, bands), dtype=np.uint8)
    planes = [
        Image.fromarray(small[..., band]).resize((width, height), Image.Resampling.BICUBIC) for band in range(bands)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def rotated(image):
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"image": image, "exif": exif, "quality": 95}


def kinds():
    """name -> (how it is saved, what must be in the column `done`, the mode)."""
    rgb, rgba = Image.fromarray(scene(1)), scene(2, 4)
    grey = Image.fromarray(scene(3, 1)[..., 0])
    frames = [Image.fromarray(scene(seed)) for seed in (20, 21, 22)]
    several = {"save_all": True, "append_images": frames[1:]}
    deep = Image.fromarray(scene(9, 1)[..., 0].astype(np.uint16) * 257)
    return {
        "grey.png": ({"image": grey}, "to RGB", "L"),
        "grey_alpha.png": ({"image": Image.fromarray(scene(4, 2))}, "alpha over #ffffff", "LA"),
        "rgb.png": ({"image": rgb}, "", "RGB"),
        "rgba.png": ({"image": Image.fromarray(rgba)}, "alpha over #ffffff", "RGBA"),
        "opaque.png": ({"image": Image.fromarray(scene(5)).convert("RGBA")}, "opaque alpha dropped", "RGBA"),
        "palette.png": ({"image": Image.fromarray(scene(6)).quantize(64)}, "P to RGB", "P"),
        "bits.png": ({"image": Image.fromarray(scene(7, 1)[..., 0] > 128)}, "to RGB", "1"),
        "print.jpg": ({"image": Image.fromarray(scene(8)).convert("CMYK")}, "CMYK to RGB", "CMYK"),
        "deep.png": ({"image": deep}, "16 bits to 8", "I;16"),
        "deep.tif": ({"image": Image.fromarray(scene(10, 1)[..., 0].astype(np.uint16) * 257)}, "16 bits to 8", "I;16"),
        "turned.jpg": (rotated(Image.fromarray(scene(11))), "EXIF orientation 6 applied", "RGB"),
        "progressive.jpg": ({"image": Image.fromarray(scene(12)), "progressive": True}, "", "RGB"),
        "moving.gif": ({"image": frames[0], **several}, "first of 3 frames", None),
        "moving.webp": (
            {"image": Image.fromarray(scene(23)), "save_all": True, "append_images": frames}, "first of 4", "RGB",
        ),
        "wide.bmp": ({"image": Image.fromarray(scene(13, 3, 30, 90))}, "cropped to 30x30; resized to 48x48", "RGB"),
        "tall.webp": ({"image": Image.fromarray(scene(14, 3, 90, 40)), "lossless": True}, "cropped to 40x40", "RGB"),
        "small.png": ({"image": Image.fromarray(scene(15, 3, 9, 9))}, "resized to 48x48", "RGB"),
        "large.jpg": ({"image": Image.fromarray(scene(16, 3, 1500, 2000))}, "resized to 48x48", "RGB"),
    }  # fmt: skip


def png(image):
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, (options, _, _) in kinds().items():
        image = options.pop("image")
        image.save(pictures / name, **options)
    (pictures / "bad_text.png").write_text("Dear diary")
    (pictures / "bad_empty.png").write_bytes(b"")
    (pictures / "bad_cut.png").write_bytes(png(Image.fromarray(scene(30)))[:900])
    (pictures / "bad_dot.png").write_bytes(png(Image.new("RGB", (1, 1))))
    (pictures / "notes.txt").write_text("not a picture")
    (pictures / "twin.tif").write_bytes(b"")
    Image.fromarray(scene(1)).save(pictures / "twin.tif")
    Image.fromarray(scene(5)).resize((96, 96), Image.Resampling.LANCZOS).save(pictures / "z_again.jpg")
    return pictures


def prepared(folder, **options):
    chosen = DataSettings(
        source="image_folder", path=str(folder), resolution=SIDE, on_bad="skip", heldout_share=0.4, **options
    )
    made = prepare(build_source(chosen), chosen, folder.parent / "prepared")
    manifest = pd.read_parquet(folder.parent / "prepared" / "manifest.parquet").set_index("source")
    data = open_prepared(folder.parent / "prepared")
    return made.description, manifest, np.concatenate([data.train.pixels, data.heldout.pixels])


def test_every_kind_of_picture_is_prepared_and_what_was_done_is_said(folder):
    description, manifest, pixels = prepared(folder)
    assert description["shape"] == [3, SIDE, SIDE]
    for name, (_, done, mode) in kinds().items():
        row = manifest.loc[name]
        assert row["kept"], (name, row["detail"])
        assert done in row["done"], name
        assert mode in (None, row["mode"]), name
    for name, expected in (
        ("rgb.png", scene(1)),
        ("progressive.jpg", scene(12)),
        ("turned.jpg", np.rot90(scene(11), -1)),
    ):
        shown = pixels[int(manifest.loc[name]["index"])].transpose(1, 2, 0)
        assert np.abs(shown.astype(int) - expected).mean() < 6, name
    wide = pixels[int(manifest.loc["moving.gif"]["index"])].transpose(1, 2, 0)
    assert np.abs(wide.astype(int) - scene(20)).mean() < 12, "the first frame it is"


def test_every_defect_has_its_reason(folder):
    description, manifest, _ = prepared(folder)
    reasons = manifest[~manifest["kept"]]["reason"].to_dict()
    assert reasons == {
        "bad_text.png": "not an image", "bad_empty.png": "truncated", "bad_cut.png": "truncated",
        "bad_dot.png": "too small", "notes.txt": "not an image", "twin.tif": "exact duplicate",
    }  # fmt: skip
    assert description["source"]["refused"] == {
        "not an image": 2, "truncated": 2, "exact duplicate": 1, "too small": 1,
    }  # fmt: skip
    assert manifest.loc["twin.tif"]["duplicate_of"] == "rgb.png"
    assert manifest.loc["z_again.jpg"]["duplicate_of"] == "opaque.png"
    assert str(folder) not in " ".join(manifest["detail"].dropna())


@pytest.mark.parametrize(
    ("options", "channels"),
    [
        ({"channels": 1}, 1), ({"channels": 2, "alpha": "keep"}, 2), ({"channels": 3, "alpha": "#204060"}, 3),
        ({"channels": 4, "alpha": "keep"}, 4), ({"alpha": "keep", "fit": "pad"}, 4), ({"fit": "stretch"}, 3),
    ],
)  # fmt: skip
def test_every_choice_of_channels_alpha_and_fit_takes_them_all(folder, options, channels):
    description, manifest, pixels = prepared(folder, **options)
    assert description["shape"] == [channels, SIDE, SIDE]
    assert manifest["kept"].sum() >= len(kinds())
    if options.get("fit") == "pad":
        assert pixels[int(manifest.loc["wide.bmp"]["index"])][3, 0].max() == 0
        assert "padded" in manifest.loc["wide.bmp"]["done"]
