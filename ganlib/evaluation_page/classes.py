"""What is known of each class, as bars."""

from ..html.charts import bar
from ..html.markup import Markup, element, shortened
from .numbers import short, write

BARRED = 40
"""Classes that have bars: the worst ones where there are more."""
TITLES = {"fid": "FID, lower is better", "accuracy": "Accuracy, higher is better"}

ByClass = dict[str, dict[str, float]]
"""As `reading.by_class` gives it."""


def bars(known: ByClass) -> list[Markup]:
    """A table with bars of FID and accuracy beside their floors; empty where neither is known of any class."""
    columns = [name for name in TITLES if any(name in one for one in known.values())]
    if not columns:
        return []
    shown = worst_first(known)[:BARRED] if len(known) > BARRED else list(known)
    head = [element("th", "Class", scope="col")]
    head += [element("th", TITLES[name], scope="colgroup", colspan=2) for name in columns]
    body = []
    for one in shown:
        name_of = element("th", element("bdi", shortened(one, 60)), scope="row")
        cells = [cell for name in columns for cell in _cells(known[one], name, _top(known, name))]
        body.append(element("tr", name_of, *cells))
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_="classes")
    legend = element(
        "ul",
        element("li", _key("generated"), "upper bar: generated (FID of as many as are held out)"),
        element("li", _key("heldout"), "lower bar: held out"),
        class_="legend",
    )
    which = f"The {BARRED} worst of {len(known):,} classes; all are in classes.csv."
    return [*([element("p", which, class_="soft")] if len(known) > BARRED else []), legend, table]


def _key(name: str) -> Markup:
    return element("span", class_=f"key {name}", aria_hidden="true")


def _top(known: ByClass, name: str) -> float:
    """What the longest bar stands for."""
    every = [one[key] for one in known.values() for key in (name, f"{name}_alike", f"{name}_floor") if key in one]
    return 1.0 if name == "accuracy" else max(every)


def _cells(numbers: dict[str, float], name: str, top: float) -> list[Markup]:
    alike = f"{name}_alike" if f"{name}_alike" in numbers else name
    found = [(look, numbers.get(key)) for look, key in (("generated", alike), ("heldout", f"{name}_floor"))]
    shares = [(look, min(1.0, max(0.0, value / top))) for look, value in found if value is not None and top > 0]
    words = [(look, _written(name, value)) for look, value in found if value is not None]
    texts = [element("small" if look == "heldout" else "span", text) for look, text in words]
    return [
        element("td", bar(shares) if shares else None, class_="bars"),
        element("td", *texts, class_="number"),
    ]


def _written(name: str, value: float) -> str:
    return write(value, 1, percent=True) if name == "accuracy" else short(value)


def worst_first(known: ByClass) -> list[str]:
    """Classes by falling FID, then by rising accuracy; those without come last."""
    return sorted(known, key=lambda one: (-known[one].get("fid", -1.0), known[one].get("accuracy", 2.0), one))
