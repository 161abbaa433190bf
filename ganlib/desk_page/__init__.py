"""The page beside MLflow's: what is being trained now, and every other page of the project."""

from .page import FRAME, page
from .standing import Leaf, Mood, Said, Standing

__all__ = ["FRAME", "Leaf", "Mood", "Said", "Standing", "page"]
