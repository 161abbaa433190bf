"""Laws of decoding: whatever a file holds, the pixels are what a person sees when opening it."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ganlib.decoding import decode, extensions
from ganlib.errors import UserError


def stored(image, kind="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def seen(content):
    """Height x width (x channels), as Pillow orders it."""
    pixels = decode(content, "it").pixels
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))))
def test_colour_pixels_survive_a_lossless_file(pixels):
    for kind in ("PNG", "BMP", "TIFF", "WEBP"):
        content = stored(Image.fromarray(pixels), kind, **({"lossless": True} if kind == "WEBP" else {}))
        np.testing.assert_array_equal(seen(content), pixels)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_grey_pixels_survive_a_lossless_file_and_stay_grey(pixels):
    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        np.testing.assert_array_equal(seen(stored(Image.fromarray(pixels), kind)), pixels)


# What a viewer does to the stored rows to show them upright, by the EXIF standard's table.
SHOWN = {
    1: lambda rows: rows,
    2: lambda rows: rows[:, ::-1],
    3: lambda rows: rows[::-1, ::-1],
    4: lambda rows: rows[::-1],
    5: lambda rows: rows.swapaxes(0, 1),
    6: lambda rows: np.rot90(rows, -1),
    7: lambda rows: rows[::-1, ::-1].swapaxes(0, 1),
    8: lambda rows: np.rot90(rows, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_a_rotated_photograph_is_turned_upright(orientation, kind):
    rows = noise(3, 5, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(stored(Image.fromarray(rows), kind, exif=exif), "it")
    np.testing.assert_array_equal(decoded.pixels.transpose(1, 2, 0), SHOWN[orientation](rows))


def test_turning_upright_is_noted():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(stored(Image.new("L", (3, 2)), exif=exif), "it").done == ("EXIF orientation 6 applied",)
    assert decode(stored(Image.new("L", (3, 2))), "it").done == ()


@pytest.mark.parametrize("bands", [2, 4])
def test_alpha_is_laid_over_white(bands):
    pixels = noise(4, 4, bands)
    pixels[0, :, -1], pixels[1, :, -1] = 0, 255
    decoded = decode(stored(Image.fromarray(pixels)), "it")
    shown = decoded.pixels.transpose(1, 2, 0).astype(float)
    alpha = pixels[..., -1:] / 255
    np.testing.assert_allclose(shown, pixels[..., :-1] * alpha + 255 * (1 - alpha), atol=0.5 + 1e-9)
    assert (shown[0] == 255).all()
    np.testing.assert_array_equal(shown[1], pixels[1, :, :-1])
    assert decoded.done == ("alpha over white",)


def test_a_transparent_palette_entry_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert seen(stored(image, transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    assert seen(stored(image)).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_a_transparent_grey_value_becomes_white():
    pixels = np.array([[7, 9]], dtype=np.uint8)
    assert seen(stored(Image.fromarray(pixels), transparency=7)).tolist() == [[255, 9]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight_by_their_range_not_by_cutting(kind):
    values = np.array([[0, 128, 129, 257, 65535, 257 * 100 - 129, 257 * 100 - 128]], dtype=np.uint16)
    decoded = decode(stored(Image.fromarray(values), kind), "it")
    assert decoded.pixels.tolist() == [[[0, 0, 1, 1, 255, 99, 100]]]
    assert decoded.done == ("16 bits to 8",)


def test_one_bit_is_black_and_white():
    assert seen(stored(Image.fromarray(np.array([[True, False]])))).tolist() == [[255, 0]]


def test_print_colours_become_rgb():
    content = stored(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF")
    decoded = decode(content, "it")
    assert decoded.pixels[:, 0, 0].tolist() == [255, 0, 0]
    assert (decoded.mode, decoded.done) == ("CMYK", ("CMYK to RGB",))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken_and_that_is_noted(kind):
    frames = [Image.new("RGB", (4, 4), (shade, shade, shade)) for shade in (0, 100, 200)]
    decoded = decode(stored(frames[0], kind, save_all=True, append_images=frames[1:]), "it")
    assert decoded.pixels.max() == 0
    assert "first of 3 frames" in decoded.done


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_picture_is_named_in_one_sentence(kind, share):
    content = stored(Image.fromarray(noise(64, 64, 3)), kind)
    with pytest.raises(UserError, match=r"^cat/7\.x .*repair or remove it\.$") as caught:
        decode(content[: int(len(content) * share)], "cat/7.x")
    assert "\n" not in str(caught.value)
    assert "BytesIO" not in str(caught.value)


def test_text_is_no_picture():
    with pytest.raises(UserError, match=r"^notes\.png is broken or in no picture format"):
        decode(b"Dear diary, today I saw a cat.", "notes.png")


def test_postscript_is_never_started():
    with pytest.raises(UserError, match="no picture format"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "it.eps")
    assert ".eps" not in extensions()
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".bmp"} <= extensions()


@pytest.mark.parametrize("limit", [24, 12])
def test_a_decompression_bomb_is_refused_by_its_size(monkeypatch, limit):
    content = stored(Image.new("L", (5, 5)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # Pillow warns above it and raises above twice as much
    with pytest.raises(UserError, match=f"^bomb.png unpacks to more than {limit} pixels"):
        decode(content, "bomb.png")


@pytest.mark.parametrize(
    "image",
    [
        Image.new("F", (2, 2)),
        Image.fromarray(np.array([[70000]], np.int32)),
        Image.fromarray(np.array([[-1]], np.int32)),
    ],
)
def test_values_of_unknown_range_are_not_guessed_at(image):
    with pytest.raises(UserError, match="black and white are unknown"):
        decode(stored(image, "TIFF"), "it.tif")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]), st.data())
def test_mutated_bytes_decode_or_are_refused_but_never_crash(kind, data):
    content = bytearray(stored(Image.fromarray(noise(9, 7, 3)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(content), "it").pixels
    except UserError:
        return
    assert pixels.dtype == np.uint8
    assert len(pixels) in (1, 3)
