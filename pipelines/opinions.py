"""What people said of two generators without knowing which was which, gathered from all sittings in the registry."""

from ganlib.preference import Preference

from .generators import Named
from .tracking import votes


def about(one: Named, other: Named) -> Preference | None:
    """The votes about `one` beside `other`, as the registry had them when both were found; None where there are none.

    UserError where one of the records cannot be read.
    """
    records: dict[str, votes.Votes] = {}
    for named in (one, other):
        if named.registration is not None:
            records |= {each.sitting.key: each for each in votes.read(named.registration.tags, named.name)}
    sides = {one.content, other.content}
    found = [each for each in records.values() if {each.sitting.first, each.sitting.second} == sides]
    if not found:
        return None
    ours, theirs = (
        sum(each.for_first if each.sitting.first == named.content else each.for_second for each in found)
        for named in (one, other)
    )
    return Preference(ours, theirs, sum(each.undecided for each in found), len(found))
