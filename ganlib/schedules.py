"""Numbers that change while a training runs. They follow from the images seen, so resuming needs no memory."""

import math
from typing import Annotated, Literal

from pydantic import Field

from .components import component

Kimg = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Thousands of real images shown to the discriminator: the field's unit of training length."""


@component
class Schedule:
    """From `start` to `end` over the first `over_kimg` thousand images, constant after that.

    cosine: the half wave of R3GAN's burn-in, flat at both ends; linear: the straight line.
    """

    start: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    end: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    over_kimg: Kimg
    shape: Literal["cosine", "linear"] = "cosine"

    def at(self, images_seen: int) -> float:
        """The value after so many real images."""
        share = min(images_seen / (1000 * self.over_kimg), 1.0)
        if self.shape == "cosine":
            share = 0.5 - 0.5 * math.cos(math.pi * share)
        return self.start + (self.end - self.start) * share


Schedulable = Annotated[float, Field(ge=0, allow_inf_nan=False)] | Schedule
"""A number, or one that follows a schedule: 0.1, or {start: 1, end: 0.1, over_kimg: 200}."""


def value(of: Schedulable, images_seen: int) -> float:
    """What a number, scheduled or not, is after so many real images."""
    return of.at(images_seen) if isinstance(of, Schedule) else of


def largest(of: Schedulable) -> float:
    """The largest value it ever has; schedules have no hills between their ends."""
    return max(of.start, of.end) if isinstance(of, Schedule) else of
