"""How the data card looks beyond what all pages share."""

STYLE = """
table.files th:first-child { width: 11rem; }
.strip { height: 14px; border-radius: 4px; margin: .25rem 0 .5rem; }
.columns { columns: 15rem; column-gap: 2rem; list-style: none; padding: 0; margin: .5rem 0 0; font-size: .88rem; }
.columns li { break-inside: avoid; display: flex; justify-content: space-between; gap: 1rem; margin: 0;
  padding: .15rem 0; border-bottom: 1px solid var(--faint); overflow-wrap: anywhere; }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr)); gap: 0 2rem; }
.group { display: flex; gap: 1rem; padding: .9rem 0; border-top: 1px solid var(--line); align-items: flex-start; }
.group > div { min-width: 0; flex: 1; }
.group img { flex: none; }
.group ul { margin: 0; padding: 0; list-style: none; font-size: .9rem; }
.group li { margin: .1rem 0; }
.means { display: flex; flex-wrap: wrap; gap: .8rem; list-style: none; padding: 0; margin: .75rem 0 0; }
.means li { font-size: .82rem; color: var(--soft); width: min-content; min-width: 4.9rem; line-height: 1.3; }
.means span { display: block; margin-top: .3rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  table.files thead { display: none; }
  table.files tr { display: grid; grid-template-columns: 1fr auto auto; gap: 0 1rem; padding: .5rem 0;
    border-bottom: 1px solid var(--line); }
  table.files tr:last-child { border: 0; }
  table.files tr > * { border: 0; padding: 0; width: auto; }
  table.files td.meaning { grid-area: 2 / 1 / 3 / 4; min-width: 0; }
}
@media print {
  .group { break-inside: avoid; }
}
"""
