"""One thing over time inside a page: a slider, a button that plays, and all that moves with them."""

from collections.abc import Sequence

from ..html.markup import Markup, element

SCRIPT = """
for (const player of document.querySelectorAll(".player")) {
  const slider = player.querySelector("input"), button = player.querySelector("button");
  const said = player.querySelector("output"), words = slider.dataset.moments.split("|");
  const frames = [...player.querySelectorAll("[data-frame]")];
  const cursors = [...player.querySelectorAll("[data-places]")];
  let timer = 0;
  const show = () => {
    for (const frame of frames) frame.classList.toggle("now", frame.dataset.frame === slider.value);
    for (const cursor of cursors) {
      const place = cursor.dataset.places.split(" ")[slider.value];
      cursor.setAttribute("x1", place);
      cursor.setAttribute("x2", place);
    }
    said.textContent = words[slider.value];
    slider.setAttribute("aria-valuetext", words[slider.value]);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  const step = () => {
    if (+slider.value >= +slider.max) return stop();
    slider.value = +slider.value + 1;
    show();
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (+slider.value >= +slider.max) {
      slider.value = 0;
      show();
    }
    button.textContent = "Pause";
    timer = setInterval(step, 160);
  });
  slider.addEventListener("input", () => {
    stop();
    show();
  });
  player.querySelector(".controls").hidden = false;
  show();
}
"""
"""Without it, as on paper, the last moment is seen."""

STYLE = """
.player [data-frame] { display: none; }
.player [data-frame].now { display: inline; }
.controls { position: sticky; bottom: 0; z-index: 1; display: flex; align-items: center; gap: .9rem; margin: .9rem 0 0;
  padding: .6rem 0; background: var(--sheet); border-top: 1px solid var(--line); }
.controls[hidden] { display: none; }
.controls button { font: inherit; font-weight: 600; min-width: 5.2rem; padding: .4rem .9rem; border-radius: 6px;
  border: 1px solid var(--link); color: var(--link); background: var(--sheet); cursor: pointer; }
.controls button:hover { background: var(--faint); }
.controls input { flex: 1; min-width: 0; height: 1.8rem; accent-color: var(--link); }
.controls output { min-width: 7.5rem; font-variant-numeric: tabular-nums; color: var(--soft); font-size: .9rem; }
svg .cursor { stroke: var(--ink); stroke-opacity: .45; }
@media (max-width: 40rem) { .controls output { min-width: 5.4rem; font-size: .82rem; } }
@media print { .controls { display: none; } }
"""


def player(stage: Sequence[Markup], moments: Sequence[str], label: str) -> Markup:
    """The stage over its slider, which is named by `label` and stands at the last of the moments.

    Whatever has `data-frame="3"` is seen at the fourth moment alone; lines with `data-places` stand at the place of
    that number, of those it lists.
    """
    last = len(moments) - 1
    slider = element(
        "input", type="range", min=0, max=last, value=last, step=1, aria_label=label, data_moments="|".join(moments)
    )
    controls = element(
        "div", element("button", "Play", type="button"), slider, element("output", moments[last]),
        class_="controls", hidden="",
    )  # fmt: skip
    return element("div", *stage, controls, class_="player")
