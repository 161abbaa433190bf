"""The game of 2014 played where all of it can be seen: on a line, where both densities are known, and on a plane."""

from .match import LineView, Match, Moment, PlaneView, play
from .recipes import RECIPES, Recipe

__all__ = ["RECIPES", "LineView", "Match", "Moment", "PlaneView", "Recipe", "play"]
