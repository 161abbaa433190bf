"""A sensor: says by an event that the pictures have changed, so that retraining starts when there is something new.

`prefect.yaml` has the automation that starts `retrain` on it. The look costs no reading of pictures; whether what
changed makes a difference is retraining's own, exact decision.
"""

import json
from pathlib import Path
from typing import Any, NoReturn

from prefect import State, flow, get_run_logger
from prefect.events import emit_event
from prefect.states import Completed, Failed

from ganlib import files
from ganlib.errors import UserError
from pipelines import params
from pipelines.flows import command, sources, worktree

EVENT = "ganlib.source.changed"
RESOURCE = "ganlib.source"
SEEN = "seen.json"


@flow(name="watch")
def watch(project: str = ".") -> State[Any]:
    """Looks at the place that data.path names; an event where it is not as at the last look.

    Args:
        project: the folder with params.yaml.
    """
    folder = Path(project).resolve()
    try:
        data = params.load(folder / "params.yaml").data
    except UserError as mistake:
        return Failed(message=str(mistake))
    now = sources.digest(folder, data)
    if now is None:
        return Completed(message=f"Nothing to watch: data.path is {data.path or 'empty'}.")
    seen = worktree.state_folder(folder) / SEEN
    before = json.loads(seen.read_text(encoding="utf-8"))["digest"] if seen.is_file() else None
    if before == now:
        return Completed(message=f"{data.path} is as it was.")
    if before is not None:
        resource = {"prefect.resource.id": RESOURCE, "prefect.resource.name": str(folder / str(data.path))}
        emit_event(event=EVENT, resource=resource, payload={"before": before, "now": now})
        get_run_logger().info("%s has changed: %s", data.path, EVENT)
    # Afterwards: a sensor that is killed in between says it twice, which costs a look, and never not at all.
    files.write_text(seen, json.dumps({"digest": now}))
    return Completed(message=f"{data.path} {'is seen for the first time' if before is None else 'has changed'}.")


def main() -> NoReturn:
    """Exit codes: 0; 1 for anything else, and 2 for a mistake; 130 interrupted."""
    command.Words(prog="python -m pipelines.flows.watch", description=__doc__).parse_args()
    state = command.run(lambda: watch(return_state=True), interrupted="Interrupted.")
    if state.is_completed():
        print(state.message)
    command.leave(state)


if __name__ == "__main__":
    main()
