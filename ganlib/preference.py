"""What people say who see two generators' pictures side by side and are not told which is whose."""

from dataclasses import dataclass

from .uncertainty import Interval, share


@dataclass(frozen=True)
class Preference:
    """Blind votes about a generator beside another one."""

    ours: int
    """Votes for it."""
    theirs: int
    """Votes for the other one."""
    undecided: int
    """Votes of people who could not tell; no share counts them."""
    sittings: int
    """In how many sittings they were given."""

    @property
    def decided(self) -> int:
        """Votes for either."""
        return self.ours + self.theirs

    @property
    def share(self) -> float:
        """Of the decided votes, those for it; there must be one."""
        return self.ours / self.decided

    @property
    def interval(self) -> Interval:
        """Of the share, were the same people asked endlessly often (Wilson 1927); there must be a decided vote."""
        return share(self.ours, self.decided)

    @property
    def verdict(self) -> str:
        """In a word or two, about the generator."""
        if not self.decided or self.interval.low <= 0.5 <= self.interval.high:
            return "no clear difference"
        return "preferred" if self.share > 0.5 else "the other one preferred"

    def sentence(self, name: str, other: str) -> str:
        """What the votes say, whole."""
        votes = "vote" if self.decided == 1 else "votes"
        unsure = f"; {self.undecided} could not tell" if self.undecided else ""
        if not self.decided:
            return f"{name} beside {other}, blind: no vote for either{unsure}."
        low, share, high = (f"{100 * number:.0f}" for number in (self.interval.low, self.share, self.interval.high))
        return (
            f"{name} beside {other}, blind: preferred in {self.ours} of {self.decided} {votes}, {share} % "
            f"(95 % interval {low} to {high} %), {self.verdict}{unsure}."
        )
