"""What a retraining has to say, short enough for a message, and how it reaches a person who does not look."""

import asyncio
import inspect
import json
import os
import urllib.request
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlib.errors import UserError

from .judgement import Judgement, Published

if TYPE_CHECKING:
    from prefect.blocks.abstract import NotificationBlock

WEBHOOK = "GANLIB_WEBHOOK_URL"
"""A secret: whoever knows it can write there. So it is no parameter of the flow, and no log names it."""
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Report:
    """A retraining from its reasons to its verdict."""

    why: str
    trained: str
    """What was trained: `commit 1a2b3c`."""
    published: Published
    judgement: Judgement

    def title(self) -> str:
        """One sentence."""
        return self.judgement.says

    def markdown(self) -> str:
        """A few lines, the verdict's numbers among them."""
        lines = [
            f"**{self.title()}**",
            "",
            f"- why: {self.why}",
            f"- trained: {self.trained}",
            f"- MLflow run: [{self.published.run_name}]({self.published.page})",
            *(f"- {check_words(check, _by(self.judgement))}" for check in self.judgement.checks),
        ]
        return "\n".join(lines)


def check_words(check: Mapping[str, Any], by: str) -> str:
    """One demand of the verdict: `fid holds: 2.1, beside 2.4, worse by -0.4 ... -0.2 (better)`."""
    if check.get("problem"):
        return f"{check['name']} {check['state']}: {check['problem']}"
    numbers = [_this(check)] if check.get("ours") is not None else []
    if check.get("theirs") is not None:
        numbers.append(f"beside {check['theirs']:.4g}")
    if difference := _difference(check):
        numbers.append(f"{by} {difference}")
    return f"{check['name']} {check['state']}: {', '.join(numbers)} ({check['demand']})"


def verdict_rows(judgement: Judgement) -> list[dict[str, str]]:
    """The same as rows of a table."""
    return [
        {
            "demand": f"{check['name']}: {check['demand']}",
            "state": str(check["state"]),
            "this": _this(check),
            "champion" if judgement.champion is not None else "held-out": _number(check.get("theirs")),
            _by(judgement): _difference(check),
            "remark": str(check.get("problem") or ""),
        }
        for check in judgement.checks
    ]


def _by(judgement: Judgement) -> str:
    return "worse by" if judgement.champion is not None else "over its limit by"


def _this(check: Mapping[str, Any]) -> str:
    """The generator's number; one that is beside nobody's, as that of copies, with its own bounds."""
    own = check.get("theirs") is None and check.get("low") is not None
    return _number(check.get("ours")) + (f" [{check['low']:.3g}, {check['high']:.3g}]" if own else "")


def _difference(check: Mapping[str, Any]) -> str:
    if check.get("low") is None or check.get("theirs") is None:
        return ""
    return f"{check['low']:.3g} ... {check['high']:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def check(block: str | None) -> None:
    """UserError where a message could not be sent, whatever it were: said now, and not after hours of training."""
    address = os.environ.get(WEBHOOK)
    if address and not _is_web(address):
        raise UserError(f"{WEBHOOK} is no http address; set it to https://..., or leave it unset.")
    if not block:
        return
    try:
        _loaded(block)
    except (TypeError, ValueError):
        raise UserError(
            f"notify names {block}, which is no notification block of this Prefect server; write it as "
            f"TYPE/NAME, such as slack-webhook/team, or make it: prefect block create TYPE."
        ) from None
    except Exception:  # the server may be away for a moment; `send` will tell
        return


def send(title: str, text: str, block: str | None) -> str | None:
    """To the webhook of the environment and the notification block, where they are set; what went wrong, if anything.

    A message that is not sent fails nothing.
    """
    problems = []
    if address := os.environ.get(WEBHOOK):
        try:
            _post(address, text)
        except (OSError, ValueError) as error:
            problems.append(f"the webhook of {WEBHOOK} ({type(error).__name__})")
    if block:
        try:
            _notify(block, title, text)
        except Exception as error:  # whatever a block may raise; its words may hold its secret
            problems.append(f"the block {block} ({type(error).__name__})")
    return f"The message did not reach {' and '.join(problems)}." if problems else None


def _post(address: str, text: str) -> None:
    if not _is_web(address):
        raise ValueError("no http address")
    content = json.dumps({"text": text}).encode()
    request = urllib.request.Request(address, content, {"Content-Type": "application/json"})  # noqa: S310 - see above
    urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()  # noqa: S310 - see above


def _is_web(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _notify(block: str, title: str, text: str) -> None:
    sent: Any = _loaded(block).notify(body=text, subject=title)
    if inspect.isawaitable(sent):
        asyncio.run(_awaited(sent))


def _loaded(block: str) -> "NotificationBlock":
    """ValueError where there is none of that name, TypeError where it is of another kind."""
    from prefect.blocks.abstract import NotificationBlock
    from prefect.blocks.core import Block

    found = Block.load(block)
    if not isinstance(found, NotificationBlock):
        raise TypeError(f"{block} is no notification block")
    return found


async def _awaited(sent: Awaitable[Any]) -> None:
    await sent
