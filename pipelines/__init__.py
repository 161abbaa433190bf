"""The pipeline around ganlib: DVC decides what runs, Prefect when; MLflow shows runs and names models."""
