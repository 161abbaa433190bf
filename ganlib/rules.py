"""What a game is played by."""

from dataclasses import dataclass

from .augmentations import Augmentation
from .augmentations.none import NoAugmentation
from .losses import GanLoss
from .penalties import Penalty
from .settings import TrainSettings, images_of

UNCHANGED = NoAugmentation()


@dataclass(frozen=True)
class Rules:
    """What the two players play by."""

    loss: GanLoss
    penalty: Penalty
    settings: TrainSettings
    augmentation: Augmentation = UNCHANGED

    @property
    def total(self) -> int:
        """Length of the training in real images."""
        return images_of(self.settings.kimg)
