"""How the comparison looks beyond what all pages share and what numbers look like on the evaluation's."""

STYLE = """
:root { --c0: #1d5fa8; --c1: #bd4b00; --c2: #0b766c; --c3: #a3238e; --c4: #756200; --c5: #4b5563; }
@media (prefers-color-scheme: dark) {
  :root { --c0: #74b1f2; --c1: #f59a62; --c2: #5cc9bb; --c3: #ec8fdd; --c4: #d9c35a; --c5: #b4bdc9; }
}
.c0 { --own: var(--c0); } .c1 { --own: var(--c1); } .c2 { --own: var(--c2); }
.c3 { --own: var(--c3); } .c4 { --own: var(--c4); } .c5 { --own: var(--c5); }
.letter { font-weight: 700; color: var(--own); }
svg .letter { fill: var(--own); font-size: 12px; font-family: inherit; }
svg .curve { fill: none; stroke: var(--own); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
svg .curve.c1 { stroke-dasharray: 6 3; } svg .curve.c2 { stroke-dasharray: 2 3; }
svg .curve.c3 { stroke-dasharray: 9 3 2 3; } svg .curve.c4 { stroke-dasharray: 12 4; }
svg .curve.c5 { stroke-dasharray: 1 5; }
svg .spot { fill: var(--own); } svg .whisker { stroke: var(--own); }
svg .floor { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 3 3; }
ol.contestants { list-style: none; margin: 0 0 1.25rem; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); }
ol.contestants li { background: var(--sheet); border: 1px solid var(--line); border-top: 4px solid var(--own);
  border-radius: 8px; padding: .8rem 1rem .9rem; min-width: 0; }
ol.contestants h2 { font-size: 1.05rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
ol.contestants h2 .letter { margin-right: .4rem; }
ol.contestants dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .9rem; margin: 0;
  font-size: .86rem; }
ol.contestants dt { color: var(--soft); }
ol.contestants dd { margin: 0; overflow-wrap: anywhere; }
table.people tbody th { min-width: 1.5rem; }
table.numbers thead small { font-weight: 400; }
table.numbers td.number .moved { display: block; margin-top: .45rem; font-weight: 600; }
table.numbers td.number .badge { margin-top: .25rem; }
table.numbers td.number { white-space: normal; }
table.numbers td.number small { white-space: normal; }
table.of-5 td.axis, table.of-6 td.axis { min-width: 8rem; }
ul.columns { list-style: none; display: flex; flex-wrap: wrap; gap: 14px 12px; margin: 0; padding: 0; }
ul.columns li { width: min-content; font-size: .75rem; line-height: 1.25; }
ul.columns li > div { display: flex; align-items: center; gap: 4px; margin-bottom: 4px; }
ul.columns img { max-width: none; flex: none; }
ul.columns li > div .letter { width: .8em; flex: none; }
ul.columns li > span { display: block; margin-left: 1.2em; color: var(--soft); overflow-wrap: anywhere; }
.class .row { display: grid; grid-template-columns: 1rem 1fr; align-items: start; gap: .4rem; }
.class .row + .row { margin-top: 6px; }
.class .row .letter { font-size: .85rem; }
ul.closest { list-style: none; display: flex; flex-wrap: wrap; gap: 14px 22px; margin: 0; padding: 0; }
ul.closest li { display: grid; grid-template-columns: max-content max-content; gap: 4px; }
ul.closest li span { grid-column: 1 / 3; font-size: .75rem; line-height: 1.25; color: var(--soft); }
h3 .badge { margin-left: .4rem; vertical-align: .1em; }
table.differing td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
table.differing th:first-child { width: 34%; }
@media (max-width: 56rem) {
  table.numbers td.number .moved { margin-top: .2rem; }
  table.of-2 tr, table.of-4 tr { grid-template-columns: repeat(2, 1fr); }
  table.of-2 th[scope=row], table.of-4 th[scope=row], table.of-2 td.axis, table.of-4 td.axis { grid-column: 1 / 3; }
}
@media (max-width: 40rem) {
  table.differing th, table.differing td { min-width: 0; }
  table.people th, table.people td { min-width: 0; padding: .35rem .3rem; font-size: .8rem; overflow-wrap: anywhere; }
}
"""
