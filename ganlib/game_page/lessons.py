"""What a person who has never seen a GAN is told: which games stand side by side, and what is to be seen in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..datasets.gaussians import mixture
from ..playing import Match
from . import curves
from .panels import signed

Found = Mapping[str, Match]


@dataclass(frozen=True)
class Lesson:
    """A section of the page."""

    key: str
    heading: str
    layouts: tuple[str, ...]
    games: tuple[str, ...]
    before: tuple[str, ...]
    """Sentences over the games."""
    after: Callable[[Sequence[Match]], list[str]]
    """Sentences below, from what these very games came to."""


def _one_game(shown: Sequence[Match]) -> list[str]:
    match = shown[0]
    exact, best, current = curves.estimates(match)
    last = match.moments[-1].numbers
    return [
        f"At the end D says {last['on_data']:.2f} of data and {last['on_generated']:.2f} of what is generated: a half, "
        f"which is what it says when it cannot tell. V is {signed(last['value'])}, and −log 4 is −1.386.",  # noqa: RUF001
        f"How far apart the two densities still are, the Jensen-Shannon divergence says: {exact:.4f} computed from the "
        f"densities themselves, {best:.4f} as (V + log 4) / 2 for the best D, which the paper proves to be the same, "
        f"and {current:.4f} for D as it is. Between V of the best D and V as it is lies all that D has not learnt.",
    ]


def _steps(shown: Sequence[Match]) -> list[str]:
    return [
        f"With k = {match.recipe.discriminator_steps} the divergence ends at {curves.estimates(match)[0]:.4f}, after "
        f"{match.recipe.images:,} real points shown to D." for match in shown
    ] + [
        "D of k = 5 stays close to the dashed line of the best D, so G is told the truth; D of k = 1 lags behind, and "
        "G runs to where D has not looked yet, and back. The price is five times as many steps of D.",
    ]  # fmt: skip


def _gradients(shown: Sequence[Match]) -> list[str]:
    sentences = []
    for match in shown:
        last = match.moments[-1].numbers
        sentences.append(
            f"{match.recipe.name}: at the end D gives generated points {_short(last['on_generated'])} on average; in "
            f"this position log(1 − D) gives G a gradient of {_short(last['saturating'])}, and −log D one of "  # noqa: RUF001
            f"{_short(last['non_saturating'])}."
        )
    return [
        *sentences,
        "Where D is near 0, log(1 − D) is flat: the surer D is, the less G learns. −log D is steep "  # noqa: RUF001
        "there. Both have the same fixed point.",
    ]


def _short(value: float) -> str:
    """Two digits that count, or all before the point."""
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _cure(shown: Sequence[Match]) -> list[str]:
    every = len(mixture(shown[0].recipe.layout).means)
    sentences = [
        f"{match.recipe.name}: {match.moments[-1].numbers['modes']:.0f} of {every} modes at the end, "
        f"{min(_late(match)):.0f} to {max(_late(match)):.0f} over the second half of the game." for match in shown
    ]  # fmt: skip
    return [
        *sentences,
        f"In R3's game each generated point is judged against a real one, so that no mode can be given up unpunished, "
        f"and R1 and R2 keep D's slope low on both sides: the green is {SOFT[shown[0].recipe.layout]}, and G is led "
        f"instead of thrown. What D says is drawn relative to its mean on generated points, because this game holds "
        f"its level nowhere.",
    ]


SOFT = {"ring": "a soft hill along the ring and not a cliff", "grid": "a soft hill around each spot and not a cliff"}


def _late(match: Match) -> list[float]:
    return [number for round_, number in match.curve("modes") if round_ >= match.recipe.rounds / 2]


PLANES = ("ring", "grid")
LESSONS = (
    Lesson(
        "one-game", "One game, on a line", ("line",), ("k-1",),
        (
            "A forger draws numbers; a detective is shown real numbers and forged ones and says for each how likely it "
            "is to be real. The blue hills are the density of the real ones. The violet line is the density of what "
            "the forger, G, makes: it takes evenly spaced numbers z from the lower line along the arrows to places x "
            "on the upper one. The green line is D(x), the detective's opinion of each place, from 0 to 1; dashed "
            "beside it the best opinion that anybody could have, data / (data + generated).",
            "In each round D takes k steps up the value V of the game and G one step down. G never sees a real number. "
            "It only feels which way D's opinion of its own numbers rises: arrows move where the green line is higher.",
        ),
        _one_game,
    ),
    Lesson(
        "k", "One step of D, or five", ("line",), ("k-1", "k-5"),
        ("The same two players, the same first weights, the same numbers; only k, the steps that D takes in each "
         "round, differs.",),
        _steps,
    ),
    Lesson(
        "objectives", "Two objectives for G, on a line", ("line",), ("k-1", "saturating"),
        ("On the left G climbs log D, on the right it descends log(1 − D), as the value of the game "  # noqa: RUF001
         "says it should. Where the densities overlap D is never sure, and the two hardly differ.",),
        _gradients,
    ),
    Lesson(
        "vanishing", "The gradient that vanishes", PLANES, ("minimax", "non-saturating"),
        ("Now the data are small spots on a plane (blue rings), and a forgery beside them is easily told: D becomes "
         "sure. Violet are generated points; the greener a place, the more real D thinks it.",),
        _gradients,
    ),
    Lesson(
        "cure", "Collapse, and its cure", PLANES, ("minimax", "r3"),
        ("A generator that makes only some of the modes of the data has collapsed. Left the game of 2014 to the "
         "letter, right R3's game with the same networks, latents, points and learning rate: the relativistic loss "
         "with a penalty on D's gradient at real (R1) and at generated points (R2).",),
        _cure,
    ),
)  # fmt: skip
