"""Downloads against a real server on loopback: whole and checked, or one sentence and no file."""

import gzip
import io
import socket
import threading
import zipfile
from dataclasses import replace
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ganlib import downloads
from ganlib.errors import UserError
from ganlib.reading import idx_known
from ganlib.reading.idx_known import KNOWN, Published, complete

CONTENT = {name: name.encode() * 50 for name in KNOWN["mnist"].names()}


class Mirror(HTTPServer):
    """Serves `answers`: path -> body; `promised` overrides the length that it announces."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.promised, self.asked = {}, {}, []
        self.goes_on = threading.Event()  # what a stalling answer waits for

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        self.server.asked.append(name)
        body = self.server.answers.get(name)
        if name == "gibberish":
            self.wfile.write(b"who is there?\r\n")
            return
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(self.server.promised.get(name, len(body or b""))))
        self.end_headers()
        self.wfile.write(body or b"")
        if name == "stalls":
            self.server.goes_on.wait(30)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    mirrors = []

    def start():
        mirror = Mirror()
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        mirrors.append((mirror, thread))
        return mirror

    yield start
    for mirror, thread in mirrors:
        mirror.goes_on.set()
        mirror.shutdown()
        thread.join()
        mirror.server_close()


@pytest.fixture
def mirror(serve):
    """One that has four small files in the place of MNIST's, its `known`."""
    mirror = serve()
    published = {n: Published(length=len(body), sha256=sha256(body).hexdigest()) for n, body in CONTENT.items()}
    mirror.known = replace(KNOWN["mnist"], mirrors=(mirror.base,), published=published)
    mirror.answers = {f"{name}.gz": gzip.compress(body) for name, body in CONTENT.items()}
    return mirror


@pytest.fixture
def dead_end():
    """The address of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/"


def fetch(path, *urls, largest=1000, complaint=lambda _: None):
    downloads.fetch(path, urls, largest=largest, complaint=complaint)


def left_in(folder):
    return sorted(file.name for file in folder.iterdir())


def test_all_missing_files_are_fetched_and_nothing_else_is_left(mirror, tmp_path):
    complete(tmp_path / "new", mirror.known)
    assert left_in(tmp_path / "new") == sorted(f"{name}.gz" for name in CONTENT)
    for name, body in CONTENT.items():
        assert gzip.decompress((tmp_path / "new" / f"{name}.gz").read_bytes()) == body


def test_what_is_there_is_not_fetched_again(mirror, tmp_path):
    here, *others = CONTENT
    (tmp_path / here).write_bytes(CONTENT[here])
    complete(tmp_path, mirror.known)
    assert sorted(mirror.asked) == sorted(f"{name}.gz" for name in others)
    complete(tmp_path, mirror.known)
    assert len(mirror.asked) == len(others)


def test_files_of_another_data_set_are_never_completed_with_mnists(mirror, tmp_path):
    here = next(iter(CONTENT))
    (tmp_path / here).write_bytes(b"fashion")
    with pytest.raises(UserError, match=rf"{here} is not MNIST's .*data\.download cannot complete"):
        complete(tmp_path, mirror.known)
    assert left_in(tmp_path) == [here]
    assert mirror.asked == []


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"something else"), b"<html>log in first</html>", gzip.compress(b"x" * 10_000)],
    ids=["other content", "no gzip", "larger than expected"],
)
def test_a_wrong_checksum_is_refused(mirror, tmp_path, body):
    name = next(iter(CONTENT))
    mirror.answers[f"{name}.gz"] = body
    with pytest.raises(UserError, match=rf"^{name}\.gz could not be fetched \(127\.0\.0\.1:\d+: its sha256 is not"):
        complete(tmp_path, mirror.known)
    assert left_in(tmp_path) == []


@pytest.fixture
def by_md5(mirror):
    """The same, but known by the md5 of the files on the mirror."""
    published = {name: Published(md5=md5(mirror.answers[f"{name}.gz"]).hexdigest()) for name in CONTENT}
    return replace(mirror.known, title="KMNIST", published=published)


def test_a_published_md5_is_that_of_the_file_as_it_is_sent(mirror, by_md5, tmp_path):
    complete(tmp_path, by_md5)
    assert left_in(tmp_path) == sorted(f"{name}.gz" for name in CONTENT)
    name = next(iter(CONTENT))
    (tmp_path / f"{name}.gz").unlink()
    mirror.answers[f"{name}.gz"] = gzip.compress(CONTENT[name] + b"x")
    with pytest.raises(UserError, match=rf"^{name}\.gz could not be fetched \(.*its md5 is not "):
        complete(tmp_path, by_md5)
    assert len(left_in(tmp_path)) == 3


def test_a_file_whose_md5_is_another_is_never_completed(mirror, by_md5, tmp_path):
    here = next(iter(CONTENT))
    (tmp_path / here).write_bytes(CONTENT[here])  # unpacked, where only the .gz file's md5 is known
    with pytest.raises(UserError, match=rf"{here} is not KMNIST's \(its md5 is not"):
        complete(tmp_path, by_md5)
    assert mirror.asked == []


@pytest.fixture
def emnist(serve, monkeypatch):
    """A mirror of an archive with two splits, one under paths that lead outside."""
    mirror, buffer = serve(), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in KNOWN["emnist_letters"].names():
            archive.writestr(f"gzip/{name}.gz", name.encode())
        for name in KNOWN["emnist_digits"].names():
            archive.writestr(f"../../{name}.gz", name.encode())
        archive.writestr("../evil.txt", b"outside")
    mirror.answers = {"gzip.zip": buffer.getvalue()}
    monkeypatch.setattr(idx_known, "ARCHIVE_URLS", (mirror.base + "gzip.zip",))
    monkeypatch.setattr(idx_known, "ARCHIVE_MD5", md5(buffer.getvalue()).hexdigest())
    return mirror


def test_of_emnists_archive_the_chosen_split_is_taken_out_and_nothing_else(emnist, tmp_path):
    folder = tmp_path / "a" / "b"
    for variant in ("emnist_letters", "emnist_digits"):
        complete(folder, KNOWN[variant])
        for name in KNOWN[variant].names():
            assert (folder / f"{name}.gz").read_bytes() == name.encode()
        left = {f"{name}.gz" for known in ("letters", variant[7:]) for name in KNOWN[f"emnist_{known}"].names()}
        assert set(left_in(folder)) == {"gzip.zip", *left}
    assert left_in(tmp_path) == ["a"]
    assert left_in(tmp_path / "a") == ["b"]
    assert emnist.asked == ["gzip.zip"]  # the second split came from the archive that was there


def test_another_archive_in_emnists_place_is_not_opened(emnist, tmp_path):
    (tmp_path / "gzip.zip").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"gzip\.zip is not EMNIST's archive \(its md5 is not"):
        complete(tmp_path, KNOWN["emnist_letters"])
    assert (tmp_path / "gzip.zip").read_bytes() == b"mine"


def test_an_archive_that_arrives_wrong_leaves_nothing(emnist, tmp_path):
    emnist.answers["gzip.zip"] = emnist.answers["gzip.zip"][:-1]
    with pytest.raises(UserError, match=r"gzip\.zip could not be fetched"):
        complete(tmp_path, KNOWN["emnist_letters"])
    assert left_in(tmp_path) == []


def test_an_interrupted_download_leaves_nothing(serve, tmp_path, monkeypatch):
    mirror = serve()
    mirror.answers["it"] = b"x" * 100

    def interrupted(url):
        yield b"half"
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_body", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path / "it", mirror.base + "it")
    assert left_in(tmp_path) == []


def test_every_known_data_set_says_how_its_files_are_checked():
    for known in KNOWN.values():
        assert known.published.keys() in (set(known.names()), set())
        assert all(len(entry.md5) == 32 or len(entry.sha256) == 64 for entry in known.published.values())
        assert all(url.startswith(("http://", "https://")) and url.endswith("/") for url in known.mirrors)


def test_a_truncated_body_is_refused(serve, tmp_path):
    mirror = serve()
    mirror.answers["it"], mirror.promised["it"] = b"x" * 60, 100
    with pytest.raises(UserError, match=r"it could not be fetched .*(40 bytes before the end|IncompleteRead)"):
        fetch(tmp_path / "it", mirror.base + "it")
    assert left_in(tmp_path) == []


def test_a_gzip_cut_short_is_refused_even_where_the_server_says_it_is_whole(mirror, tmp_path):
    name = next(iter(CONTENT))
    mirror.answers[f"{name}.gz"] = mirror.answers[f"{name}.gz"][:-12]
    with pytest.raises(UserError, match="is damaged"):
        complete(tmp_path, mirror.known)
    assert left_in(tmp_path) == []


def test_an_endless_body_is_dropped(serve, tmp_path):
    mirror = serve()
    mirror.answers["it"] = b"x" * 101
    with pytest.raises(UserError, match="more than the 100 bytes expected"):
        fetch(tmp_path / "it", mirror.base + "it", largest=100)
    fetch(tmp_path / "it", mirror.base + "it", largest=101)
    assert (tmp_path / "it").read_bytes() == b"x" * 101


@pytest.mark.parametrize("name", ["gibberish", "stalls"])
def test_a_mirror_that_breaks_off_or_falls_silent_is_given_up(serve, tmp_path, monkeypatch, name):
    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    mirror = serve()
    mirror.answers["stalls"], mirror.promised["stalls"] = b"some", 100
    with pytest.raises(UserError, match=r"the connection broke: (who is there|timed out)"):
        fetch(tmp_path / name, mirror.base + name)
    assert left_in(tmp_path) == []


def test_the_next_mirror_is_asked_when_one_fails(serve, dead_end, tmp_path):
    empty, wrong, good = serve(), serve(), serve()
    wrong.answers["it"], good.answers["it"] = b"wrong", b"right"
    urls = [f"{base}it" for base in (dead_end, empty.base, wrong.base, good.base)]
    fetch(tmp_path / "it", *urls, complaint=lambda file: None if file.read_bytes() == b"right" else "wrong content")
    assert (tmp_path / "it").read_bytes() == b"right"
    assert left_in(tmp_path) == ["it"]
    with pytest.raises(UserError, match=r"cannot be reached: .*; .*: it answers 404 Not Found; .*: wrong content\)"):
        fetch(tmp_path / "other", *urls[:3], complaint=lambda _: "wrong content")


def test_without_a_network_one_sentence_says_what_to_do(dead_end, tmp_path):
    (tmp_path / "it").write_bytes(b"earlier")
    with pytest.raises(
        UserError, match=r"cannot be reached.*check the network.*put the file into .* yourself"
    ) as caught:
        fetch(tmp_path / "it", dead_end + "it")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "it").read_bytes() == b"earlier"


def test_a_full_disk_is_not_blamed_on_the_mirror(serve, tmp_path, monkeypatch):
    mirror = serve()
    mirror.answers["it"] = b"right"

    def refuse(url, aside, largest):
        next(downloads._body(url))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "_download", refuse)
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path / "it", mirror.base + "it")
    assert left_in(tmp_path) == []
