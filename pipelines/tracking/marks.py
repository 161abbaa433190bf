"""What a version is known for beside its numbers: that it does worse on new data."""

import json
from collections.abc import Mapping
from typing import Any

from .store import Store

DRIFT = "ganlib.drift"
"""Tag of a version: on which data it was found to have drifted, and by how much."""


def set_drift(store: Store, model: str, number: int, found: Mapping[str, Any] | None) -> None:
    """Marks the version, or takes the mark away; does nothing where that is so already."""
    tags = store.client.get_model_version(model, str(number)).tags
    if found is None:
        if DRIFT in tags:
            store.client.delete_model_version_tag(model, str(number), DRIFT)
        return
    text = json.dumps(found, sort_keys=True)
    if tags.get(DRIFT) != text:
        store.client.set_model_version_tag(model, str(number), DRIFT, text)
