"""Words that the command line cannot mean: one sentence, exit code 2, and where it says what a command takes."""

import subprocess
import sys

import pytest


def typed(*words: str) -> tuple[int, str, str]:
    """In a process of its own, as a shell starts it."""
    done = subprocess.run([sys.executable, "-m", "pipelines.cli", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("sample champion -n many -o a.png", "sample: invalid value for '-n': "),
        ("sample", "sample: missing argument 'model'. "),
        ("runs --limit 0", "runs: invalid value for '--limit': "),
        ("game --rounds 3", "game: no such option: --rounds. "),
        ("promote 1 --to", ": option '--to' requires an argument. "),
        ("paint", ": no such command 'paint'. "),
    ],
)
def test_one_sentence(words: str, what: str) -> None:
    code, out, err = typed(*words.split())
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("error: ")
    assert what in err
    assert "--help." in err


def test_no_word_at_all_gets_the_list_of_commands() -> None:
    code, out, err = typed()
    assert (code, err) == (2, "")
    assert "promote" in out
