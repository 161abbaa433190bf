"""The page beside MLflow's, and what stands behind it."""
