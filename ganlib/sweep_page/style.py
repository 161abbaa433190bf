"""How a sweep's page looks beyond what all pages share and what numbers look like on the evaluation's."""

STYLE = """
.verdicts .look h2 { overflow-wrap: anywhere; }
ul.grids li { min-width: 0; }
svg .seed { fill: var(--generated); fill-opacity: .55; }
svg .spot { fill: var(--generated); }
svg .whisker { stroke: var(--generated); }
svg .thin { stroke: var(--generated); stroke-width: 1; stroke-opacity: .5; }
svg .mean { stroke: var(--ink); stroke-width: 2; }
table.settings { font-variant-numeric: tabular-nums; }
table.settings th[scope=row] { width: 30%; font-weight: 400; }
table.settings th[scope=row] span { display: block; }
table.settings th[scope=row] b { font-weight: 600; }
table.settings td.axis { width: 24%; min-width: 9rem; padding-top: .2rem; padding-bottom: .2rem; }
table.settings small { display: block; color: var(--soft); font-size: .8rem; line-height: 1.35; }
table.settings tr.best th[scope=row] { box-shadow: inset 3px 0 var(--good); padding-left: .7rem; }
table.trials { font-variant-numeric: tabular-nums; font-size: .88rem; }
.wide { overflow-x: auto; }
.wide table { min-width: max-content; }
ul.grids { list-style: none; display: grid; gap: 1.25rem; margin: 0; padding: 0;
  grid-template-columns: repeat(auto-fill, minmax(min(12rem, 46%), 1fr)); }
ul.grids img { width: 100%; image-rendering: auto; }
ul.grids span { display: block; font-size: .85rem; margin-top: .35rem; overflow-wrap: anywhere; }
ul.grids small { color: var(--soft); font-size: .8rem; }
pre { background: var(--faint); border-radius: 6px; padding: .7rem .9rem; overflow-x: auto; margin: .5rem 0 0; }
@media (max-width: 56rem) {
  table.settings thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table.settings, table.settings tbody { display: block; }
  table.settings tr { display: grid; grid-template-columns: repeat(2, 1fr); gap: .35rem .75rem; padding: .9rem 0;
    border-bottom: 1px solid var(--line); }
  table.settings tr:last-child { border: 0; }
  table.settings tr > * { border: 0; padding: 0; width: auto; }
  table.settings th[scope=row], table.settings td.axis { grid-column: 1 / 3; width: auto; }
  table.settings td.axis { max-width: 20rem; }
  table.settings td.number { text-align: left; white-space: normal; }
  table.settings td.number::before { content: attr(data-label); display: block; color: var(--soft); font-size: .8rem; }
}
"""
