"""How the evaluation's page looks beyond what all pages share."""

STYLE = """
.verdicts { display: grid; gap: .75rem; margin: 0 0 1.25rem; }
.verdicts .look { margin: 0; }
.verdicts .look li, .verdicts .look p { max-width: 54rem; overflow-wrap: anywhere; }
.sign { display: inline-grid; place-items: center; width: 1.35em; height: 1.35em; border-radius: 50%;
  margin-right: .5em; font-size: .85em; font-weight: 700; line-height: 1; border: 2px solid currentColor; }
table.numbers th[scope=row] { width: 27%; }
table.numbers small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; line-height: 1.35; }
table.numbers th small { margin-top: .15rem; }
table.numbers em { font-style: normal; color: var(--ink); white-space: nowrap; }
table.numbers td.axis { width: 25%; min-width: 11rem; padding-top: .2rem; padding-bottom: .2rem; }
table.numbers td.verdict { white-space: nowrap; }
table.numbers .badge:empty { display: none; }
table.classes td.bars { width: 30%; }
table.classes td.number { width: 4.5rem; }
table.classes th:first-child { width: 9rem; }
table.classes td.number small { display: block; color: var(--soft); font-size: .8rem; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: 0 0 .75rem; padding: 0;
  font-size: .88rem; color: var(--soft); }
ul.legend li { display: flex; align-items: center; gap: .45rem; }
ul.legend .key { margin: 0; flex: none; }
svg.mark { width: 1rem; height: 1rem; flex: none; }
.generated { fill: var(--generated); }
.spot { stroke: none; }
.ring { fill: none; stroke-width: 1.75; }
.ring.generated, .whisker.generated { stroke: var(--generated); fill: none; }
.whisker { stroke-width: 2; }
.ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 3; }
.whisker.heldout { stroke: var(--heldout); }
img.drawing { max-width: 100%; display: block; }
figure + h3 { margin-top: 2rem; }
.class > div > * + * { margin-top: 6px; }
ul.sheet.generated, ul.sheet.heldout { border-left: 4px solid var(--generated); padding-left: 8px; }
ul.sheet.heldout { border-left: 4px dashed var(--heldout); }
.part > ul.sheet + ul.sheet { margin-top: 1rem; }
.nearest { grid-template-columns: repeat(auto-fill, minmax(min(13.5rem, 100%), 1fr)); }
.nearest .both > div { min-width: 0; }
.nearest p { margin-top: .4rem; }
.how p { font-size: .93rem; }
@media (max-width: 56rem) {
  table.numbers thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table.numbers, table.numbers tbody { display: block; }
  table.numbers tr { display: grid; grid-template-columns: repeat(3, 1fr); gap: .35rem .75rem; padding: .9rem 0;
    border-bottom: 1px solid var(--line); }
  table.numbers tr:last-child { border: 0; }
  table.numbers tr > * { border: 0; padding: 0; width: auto; }
  table.numbers th[scope=row] { grid-column: 1 / 4; width: auto; }
  table.numbers td.axis { grid-column: 1 / 4; width: auto; max-width: 20rem; }
  table.numbers td.number { text-align: left; white-space: normal; }
  table.numbers td.number::before { content: attr(data-label); display: block; color: var(--soft);
    font-size: .8rem; }
  table.numbers td.verdict { grid-column: 1 / 4; }
  table.numbers td.number:empty { display: none; }
}
@media (max-width: 40rem) {
  table.points th, table.points td, table.others td { white-space: normal; overflow-wrap: anywhere; min-width: 0; }
  .nearest { grid-template-columns: repeat(2, 1fr); gap: .6rem; }
  .nearest li { padding: .6rem; min-width: 0; }
  .nearest .badge { border-radius: 6px; white-space: normal; }
  table.classes td.bars { width: 18%; }
  table.classes th:first-child { width: auto; min-width: 4rem; }
}
"""
