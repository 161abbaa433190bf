"""How every page looks: by day and by night, on a phone and on paper. No file beside the page, no font to fetch."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --sheet: #ffffff; --ink: #1b1e23; --soft: #565d68; --line: #dde0e5; --faint: #eef0f2;
  --train: #2b6cb0; --heldout: #c05621; --warn: #8a5300; --warn-page: #fff6e5; --warn-line: #eec57a;
  --good: #276749; --good-page: #edf7f1; --good-line: #a9d5ba; --link: #1d5a9c; --generated: #6b46c1;
  --bad: #a61b1b; --bad-page: #fdeeee; --bad-line: #e8a3a3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121417; --sheet: #1a1d22; --ink: #e7e9ec; --soft: #a2a9b4; --line: #313640; --faint: #23272e;
    --train: #66a6ea; --heldout: #f0935b; --warn: #f3c77a; --warn-page: #2b2416; --warn-line: #5f4a1e;
    --good: #8fd3ab; --good-page: #16261d; --good-line: #2d5540; --link: #8bbdf2; --generated: #b79cf5;
    --bad: #ff9d9d; --bad-page: #331919; --bad-line: #7a3434;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; overflow-wrap: break-word; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main, header, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; letter-spacing: -.015em; }
h2 { font-size: 1.25rem; margin: 0 0 .75rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0 .75rem; max-width: 46rem; text-wrap: pretty; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.eyebrow { margin: 0 0 .25rem; color: var(--soft); font-size: .8rem; letter-spacing: .08em;
  text-transform: uppercase; }
.lead { font-size: 1.1rem; max-width: 46rem; margin: 0 0 1.25rem; }
.soft, figcaption, .more { color: var(--soft); }
code { font: .875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1px; margin: 0 0 1.25rem;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.tiles div { background: var(--sheet); padding: .75rem 1rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums;
  letter-spacing: -.01em; overflow-wrap: anywhere; }
.tiles dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
.look { border: 1px solid var(--warn-line); background: var(--warn-page); border-radius: 8px;
  padding: .9rem 1.1rem; margin: 0 0 1.25rem; }
.look.good { border-color: var(--good-line); background: var(--good-page); }
.look h2 { font-size: 1rem; margin: 0 0 .35rem; color: var(--warn); }
.look.good h2 { color: var(--good); }
.look.bad { border-color: var(--bad-line); background: var(--bad-page); }
.look.bad h2 { color: var(--bad); }
.look.plain { border-color: var(--line); background: var(--sheet); }
.look.plain h2 { color: var(--ink); }
.look p { margin: 0; }
.look ul { margin: 0; padding-left: 1.15rem; }
.look li { margin: .3rem 0; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 0 0 1.25rem; padding: 0;
  font-size: .92rem; }
nav a { display: inline-block; padding: .25rem 0; }
section.part { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px;
  padding: 1.4rem 1.5rem 1.5rem; margin: 0 0 1.25rem; scroll-margin-top: 1rem; }
ul.sheet { list-style: none; display: flex; flex-wrap: wrap; gap: 6px; margin: 0; padding: 0; }
ul.sheet li { line-height: 0; }
ul.captioned { gap: 12px 10px; }
ul.captioned li { line-height: 1.25; width: min-content; font-size: .75rem; }
ul.captioned span { display: block; margin-top: 4px; min-width: 4.5rem; color: var(--soft); overflow-wrap: anywhere;
  display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
.by-class.heldout { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr));
  gap: 0 2rem; }
.class { display: grid; grid-template-columns: 8rem 1fr; gap: .25rem 1rem; padding: .55rem 0;
  border-top: 1px solid var(--line); }
.class h4 { margin: 0; font-size: .92rem; font-weight: 600; overflow-wrap: anywhere; }
.class h4 small { display: block; font-weight: 400; color: var(--soft); font-size: .8rem; }
img { max-width: 100%; height: auto; border-radius: 2px; background: var(--faint); vertical-align: top; }
img.pixels { image-rendering: pixelated; }
img.alpha { background: repeating-conic-gradient(#c9ccd1 0 25%, #ffffff 0 50%) 0 0 / 14px 14px; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; font-size: .88rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 500; font-size: .85rem; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 6.2rem; }
tbody tr:last-child > * { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.bars { width: 45%; vertical-align: middle; }
svg.cell { display: block; width: 100%; }
.train, .bar { fill: var(--train); }
.heldout { fill: var(--heldout); }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .4em; }
.key.train { background: var(--train); }
.key.heldout { background: var(--heldout); }
.key.generated { background: var(--generated); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1rem 1.5rem; }
figure { margin: 0; min-width: 0; }
figure h3 { margin-top: 0; }
svg.chart { display: block; width: 100%; max-width: 30rem; height: auto; }
.part > svg.chart { max-width: 26rem; }
svg .tick, svg .axis, svg .marked { fill: var(--soft); font-size: 11px; font-family: inherit; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
svg .frame { fill: none; stroke: var(--line); }
svg .level { stroke: var(--line); } svg .base { stroke: var(--soft); }
svg .mark { stroke: var(--heldout); stroke-dasharray: 4 3; stroke-width: 1.5; }
svg .marked { fill: var(--heldout); }
svg .points { fill: none; stroke-width: 3; stroke-linecap: round; stroke-opacity: .55; }
svg .points.train { stroke: var(--train); } svg .points.heldout { stroke: var(--heldout); }
figcaption { font-size: .86rem; margin-top: .4rem; }
details { margin: .6rem 0 0; }
details li, details code { overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--link); width: fit-content; padding: .2rem 0; }
details ul.names { margin: .4rem 0 .2rem; padding-left: 1.1rem; font-size: .9rem; }
details li { margin: .35rem 0; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1rem;
  list-style: none; margin: .9rem 0 0; padding: 0; }
.pairs li { border: 1px solid var(--line); border-radius: 6px; padding: .8rem; }
.pairs .both { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; font-size: .82rem; }
.pairs .both span { display: block; margin-top: .35rem; }
.pairs .both img { width: 100%; }
.pairs p { margin: .6rem 0 0; font-size: .85rem; color: var(--soft); }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 99px; font-size: .78rem; font-weight: 500;
  color: var(--warn); background: var(--warn-page); border: 1px solid var(--warn-line); }
.badge.good { color: var(--good); background: var(--good-page); border-color: var(--good-line); }
.badge.bad { color: var(--bad); background: var(--bad-page); border-color: var(--bad-line); }
.badge.plain { color: var(--soft); background: none; border-color: var(--line); }
dl.settings { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .3rem 1.5rem; margin: 0;
  font-size: .93rem; }
dl.settings dt { color: var(--soft); }
dl.settings dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; padding-bottom: 2.5rem; }
@media (max-width: 40rem) {
  main, header, footer { padding-left: .8rem; padding-right: .8rem; }
  header { padding-top: 1.4rem; }
  h1 { font-size: 1.5rem; }
  section.part { padding: 1.1rem 1rem 1.2rem; }
  .class, dl.settings { grid-template-columns: 1fr; }
  dl.settings dd { margin-bottom: .4rem; }
  .class h4 small { display: inline; margin-left: .5rem; }
  th, td { padding-right: .5rem; }
  td.bars { width: 28%; }
}
@media print {
  body { background: none; font-size: 11pt; }
  nav { display: none; }
  section.part { border: 0; padding: 0; break-inside: auto; }
  li, tr, .class { break-inside: avoid; }
}
"""
