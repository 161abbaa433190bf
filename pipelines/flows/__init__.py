"""Prefect flows: when the pipeline runs. What runs is DVC's business, and what it means ganlib's."""

import os
import sys

from . import interrupts

# Read by Prefect, DVC and MLflow when they are first imported, so set before any flow is; yours win.
DEFAULTS = {
    # On a busy machine Prefect's temporary server takes longer than the 20 s it is given.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # Nobody's use of this project is reported anywhere.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)

if sys.argv[:1] == ["-m"]:  # as long as `python -m pipelines.flows.retrain` imports what it needs
    interrupts.unheard()
