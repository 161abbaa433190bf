"""Laws of decoding: whatever a file holds, the pixels are what a person sees when opening it."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ganlib.datasets import BOMB, BROKEN, NOT_AN_IMAGE, REASONS, TRUNCATED, Batch, Refused
from ganlib.decoding import _plain_jpeg, extensions, picture


def stored(image, kind="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def decode(content, name="it"):
    return picture(content, name, place=f"photos/{name}", label=3)


def rows_of(decoded):
    """Height x width (x channels), as Pillow orders it."""
    assert isinstance(decoded, Batch), decoded
    (pixels,) = decoded.pixels
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)


def seen(content):
    return rows_of(decode(content))


def refused(content, reason):
    decoded = decode(content, "cat/7.x")
    assert isinstance(decoded, Refused), decoded
    assert (decoded.name, decoded.reason, decoded.label) == ("cat/7.x", reason, 3)
    assert decoded.sentence.startswith("photos/cat/7.x ")
    assert decoded.sentence.endswith(".")
    assert "\n" not in decoded.sentence
    return decoded.sentence


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
    np.testing.assert_array_equal(seen(stored(Image.fromarray(rows), kind, exif=exif)), SHOWN[orientation](rows))


@pytest.mark.parametrize("orientation", SHOWN)
def test_a_rotated_jpeg_is_turned_upright(orientation):
    rows = np.zeros((16, 32, 3), np.uint8)
    rows[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = stored(Image.fromarray(rows), "JPEG", quality=100, subsampling=0, exif=exif)
    np.testing.assert_allclose(seen(content).astype(int), SHOWN[orientation](rows), atol=3)


def test_turning_upright_is_noted():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(stored(Image.new("L", (3, 2)), exif=exif)).done == ("EXIF orientation 6 applied",)
    assert decode(stored(Image.new("L", (3, 2)))).done == ()


@pytest.mark.parametrize("bands", [2, 4])
def test_alpha_that_shows_is_kept_and_opaque_alpha_is_not(bands):
    pixels = noise(4, 4, bands)
    pixels[0, 0, -1] = 254
    decoded = decode(stored(Image.fromarray(pixels)))
    np.testing.assert_array_equal(rows_of(decoded), pixels)
    assert decoded.done == ()
    pixels[..., -1] = 255
    decoded = decode(stored(Image.fromarray(pixels)))
    np.testing.assert_array_equal(rows_of(decoded), pixels[..., 0] if bands == 2 else pixels[..., :3])
    assert decoded.done == ("opaque alpha dropped",)


def test_a_transparent_palette_entry_is_transparent():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    assert seen(stored(image, transparency=1)).tolist() == [[[255, 0, 0, 255], [0, 0, 255, 0]]]
    assert seen(stored(image)).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_a_transparent_grey_value_is_transparent():
    pixels = np.array([[7, 9]], dtype=np.uint8)
    assert seen(stored(Image.fromarray(pixels), transparency=7)).tolist() == [[[7, 0], [9, 255]]]


JPEGS = {
    **{f"subsampling {kind}": {"subsampling": kind} for kind in (0, 1, 2)},
    "progressive": {"progressive": True},
    "best": {"quality": 100},
    "worst": {"quality": 5},
    "optimised": {"optimize": True},
    "restart markers": {"restart_marker_blocks": 1},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("shape", [(32, 32, 3), (31, 17, 3), (1, 1, 3), (9, 64), (200, 150, 3)])
def test_the_short_way_gives_what_pillow_gives_to_the_last_bit(shape, options):
    content = stored(Image.fromarray(noise(*shape)), "JPEG", **options)
    assert _plain_jpeg(content) is not None
    np.testing.assert_array_equal(seen(content), np.asarray(Image.open(BytesIO(content))))


def test_jpegs_in_print_colours_are_read_as_pillow_reads_them():
    content = stored(Image.fromarray(noise(8, 8, 4), "CMYK"), "JPEG")
    decoded = decode(content)
    np.testing.assert_array_equal(rows_of(decoded), np.asarray(Image.open(BytesIO(content)).convert("RGB")))
    assert decoded.mode == "CMYK"


def test_of_several_frames_in_a_jpeg_the_first_is_taken_and_that_is_noted():
    content = stored(Image.new("L", (8, 8)), "MPO", save_all=True, append_images=[Image.new("L", (8, 8), 255)])
    decoded = decode(content)
    assert rows_of(decoded).max() == 0
    assert decoded.done == ("first of 2 frames",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight_by_their_range_not_by_cutting(kind):
    values = np.array([[0, 128, 129, 257, 65535, 257 * 100 - 129, 257 * 100 - 128]], dtype=np.uint16)
    decoded = decode(stored(Image.fromarray(values), kind))
    assert rows_of(decoded).tolist() == [[0, 0, 1, 1, 255, 99, 100]]
    assert decoded.done == ("16 bits to 8",)


def test_one_bit_is_black_and_white():
    assert seen(stored(Image.fromarray(np.array([[True, False]])))).tolist() == [[255, 0]]


def test_print_colours_become_rgb():
    content = stored(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF")
    decoded = decode(content)
    assert rows_of(decoded)[0, 0].tolist() == [255, 0, 0]
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
    decoded = decode(content[: int(len(content) * share)], "cat/7.x")
    assert decoded.reason in (TRUNCATED, BROKEN, NOT_AN_IMAGE)
    assert "BytesIO" not in refused(content[: int(len(content) * share)], decoded.reason)


def test_a_file_cut_short_is_said_to_be():
    for kind in ("JPEG", "PNG"):
        content = stored(Image.fromarray(noise(64, 64, 3)), kind)
        assert "truncated" in refused(content[: len(content) // 2], TRUNCATED)
    assert "is empty" in refused(b"", TRUNCATED)


def test_text_is_no_picture():
    assert "in no picture format" in refused(b"Dear diary, today I saw a cat.", NOT_AN_IMAGE)


def test_postscript_is_never_started():
    refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", NOT_AN_IMAGE)
    assert ".eps" not in extensions()
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".bmp"} <= extensions()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("limit", [24, 12])
def test_a_decompression_bomb_is_refused_by_its_size(monkeypatch, limit, kind):
    content = stored(Image.new("L", (5, 5)), kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # Pillow warns above it and raises above twice as much
    assert f"unpacks to more than {limit} pixels" in refused(content, BOMB)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("F", (2, 2)),
        Image.fromarray(np.array([[70000]], np.int32)),
        Image.fromarray(np.array([[-1]], np.int32)),
    ],
)
def test_values_of_unknown_range_are_not_guessed_at(image):
    assert "black and white are unknown" in refused(stored(image, "TIFF"), BROKEN)


def test_sixteen_bit_colours_are_said_to_have_lost_bits():
    from struct import pack
    from zlib import compress, crc32

    def chunk(kind, body):
        return pack(">I", len(body)) + kind + body + pack(">I", crc32(kind + body))

    header = pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    content += chunk(b"IDAT", compress(b"\0" + bytes(range(10, 16)))) + chunk(b"IEND", b"")
    decoded = decode(content)
    assert rows_of(decoded).tolist() == [[[10, 12, 14]]]
    assert decoded.done == ("16 bits to 8",)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]), st.data())
def test_mutated_bytes_decode_or_are_refused_but_never_crash(kind, data):
    content = bytearray(stored(Image.fromarray(noise(9, 7, 3)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    decoded = decode(bytes(content))
    if isinstance(decoded, Refused):
        assert decoded.reason in REASONS
    else:
        assert decoded.pixels.dtype == np.uint8
        assert decoded.pixels.shape[1] in (1, 2, 3, 4)
