"""What each number means, in a line, and which way is better."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", ""]


@dataclass(frozen=True)
class Words:
    """How a result is spoken of."""

    name: str
    meaning: str = ""
    better: Better = ""
    """Nothing where neither way is better as such."""
    percent: bool = False
    """Whether it is read as a share of a hundred."""
    ideal: float | None = None
    """What perfect pictures score, where that is known without measuring any."""
    of_training: bool = False
    """Whether a better value than held-out pictures' means being nearer to the training ones than new pictures are."""

    @property
    def direction(self) -> str:
        """For people."""
        return f"{self.better} is better" if self.better else ""


PATH = Words("path length", "How much a picture changes on a small step between latents: smooth is low.", "lower")
INFINITY = Words(
    "FID∞", "FID as it would be with endlessly many pictures: free of the bias that few pictures have.",
    "lower", of_training=True,
)  # fmt: skip

WORDS = {
    "copies": Words(
        "copies", "Share of generated pictures that are copies of training pictures, beyond those that are close by "
        "honest chance.", "lower", percent=True,
    ),
    "c_t": Words(
        "C_T", "Are generated pictures nearer to the training ones than held-out ones are? In standard deviations: far "
        "below 0 they are copied, far above they miss the data.", ideal=0.0,
    ),
    "fid": Words(
        "FID", "Distance between the features of generated and of training pictures, as two normal distributions.",
        "lower", of_training=True,
    ),
    "fid_infinity": INFINITY,
    "kid": Words(
        "KID", "Distance between the two sets of features by a cubic kernel; 0 on average for equal distributions.",
        "lower", of_training=True,
    ),
    "isc": Words("Inception score", "Is each picture clearly of one class, and are all classes there?", "higher"),
    "precision": Words("precision", "Share of generated pictures that lie where training pictures are.", "higher"),
    "recall": Words("recall", "Share of training pictures that lie where generated pictures are.", "higher"),
    "density": Words("density", "How many training pictures' neighbourhoods a generated picture lies in.", "higher"),
    "coverage": Words("coverage", "Share of training pictures with a generated one in their neighbourhood.", "higher"),
    "class_fid": Words(
        "FID within classes", "FID of each class against the same class's training pictures, averaged.",
        "lower", of_training=True,
    ),
    "class_accuracy": Words(
        "class accuracy", "Share of generated pictures that a classifier takes for the class that was asked for.",
        "higher", percent=True,
    ),
    "c2st": Words(
        "two-sample test", "Share that a fresh classifier judges rightly when it tells generated from real pictures; "
        "a half where it cannot.", "lower", percent=True, ideal=0.5, of_training=True,
    ),
    "path_length": PATH,
    "modes": Words("modes", "How many of the data's modes the pictures reach.", "higher"),
    "mode_kl": Words("KL over modes", "How unevenly the modes are filled, in nats; 0 where evenly.", "lower"),
    "high_quality": Words("high quality", "Share of points within three deviations of a mode.", "higher",
                          percent=True),
}  # fmt: skip

COPIES, STATISTIC = "copies", "c_t"
"""The results that say whether the training data is given back."""

NAMES = {
    "train": "D of training pictures", "heldout": "D of held-out pictures", "generated": "D of generated pictures",
    "distance_from_half": "farthest mean from a half",
    "train_over_generated": "D prefers training to generated",
    "heldout_over_generated": "D prefers held-out to generated",
    "close_generated": "generated pictures that are close to a training picture, as a share",
    "close_heldout": "held-out pictures that are as close, as a share",
    "in_features": "copies by features alone, as a share", "in_pixels": "copies by pixels alone, as a share",
    "heldout_in_features": "held-out pictures that are as close in features, as a share",
    "heldout_in_pixels": "held-out pictures that are as close in pixels, as a share",
    "threshold_features": "distance in features that counts as close",
    "threshold_pixels": "distance in pixels that counts as close",
    "exact": "equal to a training picture, pixel by pixel",
    "p_value": "p-value: how often chance alone would be right so often",
    "samples": "pictures that it was measured with",
}  # fmt: skip
"""Of numbers inside a result."""


def words_of(key: str) -> Words:
    """Of a result; one that is not known here is called by its own name."""
    return WORDS.get(key) or Words(key.replace("_", " "))
