"""MLflow, and nobody else speaks to it: runs found by key, live logging, registered generators.

MLflow is a projection of DVC's outputs: what is here can be lost and made again from them (`registry.sync`).
Importing this package does not import MLflow.
"""

from typing import TYPE_CHECKING

from ..paths import main_folder
from .recorder import Live, live
from .store import Store, StoreError, exists, opened, run_page, shown, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities import Run as Run
    from mlflow.entities.model_registry import ModelVersion as ModelVersion

__all__ = [
    "Live", "Store", "StoreError", "exists", "live", "main_folder", "opened", "run_page", "shown", "tracking_uri",
]  # fmt: skip
