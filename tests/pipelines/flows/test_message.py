"""A message says what happened, in a few lines, and keeps secrets and troubles of its own to itself."""

import pytest

from ganlib.errors import UserError
from pipelines.flows import message
from pipelines.flows.judgement import Judgement, Published
from pipelines.flows.message import Report

CHECKS = [
    {"name": "memorisation", "state": "holds", "demand": "0.05 at most", "values": [0.0, 0.0], "low": 0.0, "high": 0.01,
     "ours": 0.0, "theirs": None, "problem": None},
    {"name": "fid", "state": "holds", "demand": "better", "values": [-0.5, -0.7], "low": -0.7, "high": -0.5,
     "ours": 2.0, "theirs": 2.6, "problem": None},
    {"name": "worst class", "state": "broken", "demand": "a finite number", "values": [], "low": None, "high": None,
     "ours": None, "theirs": None, "problem": "worst class is absent: nobody looked"},
]  # fmt: skip
JUDGEMENT = Judgement("gan version 2 against version 1: reject (worst class).", champion=1, checks=CHECKS)
REPORT = Report(
    "data changed (pictures)", "commit 1a2b3c", Published("dcgan-1", "http://host/run", "gan", "2"), JUDGEMENT
)


def test_it_says_what_was_decided_why_of_what_and_on_which_grounds() -> None:
    assert REPORT.markdown().splitlines() == [
        "**gan version 2 against version 1: reject (worst class).**",
        "",
        "- why: data changed (pictures)",
        "- trained: commit 1a2b3c",
        "- MLflow run: [dcgan-1](http://host/run)",
        "- memorisation holds: 0 [0, 0.01] (0.05 at most)",
        "- fid holds: 2, beside 2.6, worse by -0.7 ... -0.5 (better)",
        "- worst class broken: worst class is absent: nobody looked",
    ]


def test_the_verdict_is_a_table_whose_columns_say_what_stands_there() -> None:
    rows = message.verdict_rows(JUDGEMENT)
    assert [row["champion"] for row in rows] == ["", "2.6", ""]
    assert [row["this"] for row in rows] == ["0 [0, 0.01]", "2", ""]
    assert [row["worse by"] for row in rows] == ["", "-0.7 ... -0.5", ""]
    first = message.verdict_rows(Judgement("first", checks=CHECKS))
    assert all("champion" not in row and "held-out" in row for row in first)
    assert [row["over its limit by"] for row in first] == ["", "-0.7 ... -0.5", ""]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/s3cret", "ftp://s3cret", "s3cret"])
def test_a_message_that_does_not_arrive_fails_nothing_and_names_no_secret(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(message.WEBHOOK, address)
    problem = message.send("title", "text", None)
    assert problem is not None
    assert problem.startswith("The message did not reach the webhook of GANLIB_WEBHOOK_URL (")
    assert "s3cret" not in problem


@pytest.mark.parametrize("address", ["ftp://s3cret", "s3cret"])
def test_an_address_that_is_none_is_told_before_there_is_anything_to_say(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(message.WEBHOOK, address)
    with pytest.raises(UserError, match=r"^GANLIB_WEBHOOK_URL is no http address; set it to https://...") as caught:
        message.check(None)
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv(message.WEBHOOK, "https://s3cret")
    message.check(None)


def test_where_nothing_is_set_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(message.WEBHOOK, raising=False)
    assert message.send("title", "text", None) is None
