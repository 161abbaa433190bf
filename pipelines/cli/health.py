"""`ganlib doctor`: what the checks find, for people or as JSON."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from pipelines import doctor
from pipelines.doctor import Circumstances, Finding, State

EXIT_NEEDS_A_PERSON = 1
MARKS = {
    State.OK: ("ok", "green"),
    State.MENDABLE: ("--fix", "yellow"),
    State.MENDED: ("mended", "cyan"),
    State.WRONG: ("WRONG", "bold red"),
}
GROUP_WIDTH, MARK_WIDTH = 13, 8


def show(*, fix: bool, as_json: bool) -> int:
    """Prints every finding as soon as it is there, or all as JSON; returns the exit code.

    The JSON has `findings`, a list of objects with `group`, `state` (ok, mendable, mended, wrong), `says` and
    `way_out`, and `well`: whether none is wrong.
    """
    found: list[Finding] = []
    console = Console(highlight=False, soft_wrap=True)
    for finding in doctor.examine(Circumstances(fix=fix)):
        if not as_json:
            _line(console, finding, first=not found or found[-1].group != finding.group)
        found.append(finding)
    wrong = sum(finding.state == State.WRONG for finding in found)
    mendable = sum(finding.state == State.MENDABLE for finding in found)
    if as_json:
        print(json.dumps({"well": wrong == 0, "findings": [asdict(finding) for finding in found]}, indent=2))
    else:
        needs = f"{wrong} thing{'' if wrong == 1 else 's'} wrong" if wrong else "All is well"
        mends = f"; `ganlib doctor --fix` tidies {mendable} more" if wrong else "; `ganlib doctor --fix` tidies up"
        console.print(Text(f"\n{needs}{mends if mendable else ''}."))
    return EXIT_NEEDS_A_PERSON if wrong else 0


def _line(console: Console, finding: Finding, *, first: bool) -> None:
    mark, style = MARKS[finding.state]
    group = finding.group if first else ""
    console.print(Text(f"{group:<{GROUP_WIDTH}}").append(f"{mark:<{MARK_WIDTH}}", style).append(finding.says))
    if finding.way_out:
        console.print(Text(f"{'':<{GROUP_WIDTH + MARK_WIDTH}}{finding.way_out}"))
