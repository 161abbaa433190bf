"""GAN training, sampling and evaluation: the science, with no DVC, MLflow, Prefect or YAML in it."""
