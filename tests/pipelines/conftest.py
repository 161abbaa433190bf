"""Fixtures of everything around MLflow; the helpers have a module name of their own, which conftest is not."""

from bench_project import bench_project
from mlflow_project import empty_database, mlflow_server, project, silent_server
from planted import points
from postgresql import postgres, postgres_server
from sweep_project import sweepable, swept

__all__ = [
    "bench_project",
    "empty_database",
    "mlflow_server",
    "points",
    "postgres",
    "postgres_server",
    "project",
    "silent_server",
    "sweepable",
    "swept",
]  # fmt: skip
