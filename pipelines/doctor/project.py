"""params.yaml, and the weights that the evaluation will look through."""

from collections.abc import Iterator

from ganlib.settings import EvaluateSettings
from pipelines import paths

from . import Circumstances, Finding, State

GROUP = "settings"


def check(circumstances: Circumstances) -> Iterator[Finding]:
    """Whether the settings are valid, go together, and have their weights; UserError where not."""
    settings = circumstances.settings
    from pipelines import preflight, verdicts

    preflight.before_preparing(settings)
    yield Finding(GROUP, State.OK, "params.yaml is valid")
    yield weights(settings.evaluate)
    verdicts.require_metrics(settings)


def weights(chosen: EvaluateSettings) -> Finding:
    """Where those of the chosen extractor are; what is here already has been checked."""
    from ganlib import components
    from ganlib.features import ExtractorLoader

    leaf = components.leaf(ExtractorLoader, chosen.extractor)
    if chosen.weights is not None:
        return Finding(GROUP, State.OK, f"weights of {chosen.extractor}: {chosen.weights}")
    if chosen.extractor == "classifier":
        there = paths.CLASSIFIER.is_dir()
        return Finding(GROUP, State.OK, f"weights of classifier: {'here' if there else 'dvc repro trains them'}")
    options = {"weights": None, "weights_sha256": chosen.weights_sha256} if leaf.takes_weights else {}
    if leaf.variants:
        options["variant"] = chosen.variant or leaf.variants[0]
    published = components.build(ExtractorLoader, chosen.extractor, options, section="evaluate").published()
    if published is None:
        return Finding(GROUP, State.OK, f"{chosen.extractor} needs no weights")
    if published.place.exists():
        return Finding(GROUP, State.OK, f"weights of {chosen.extractor}: {published.place}")
    says = f"the weights of {chosen.extractor} are not here; the first evaluation fetches them from {published.url}."
    way_out = "Without a network fetch them elsewhere and set evaluate.weights to the file."
    return Finding(GROUP, State.WRONG, says, way_out)
