"""How the gallery looks beyond what all pages share."""

STYLE = """
button, select, input { font: inherit; color: inherit; }
button, select, input[type=number] { background: var(--sheet); border: 1px solid var(--line); border-radius: 6px;
  padding: .45rem .75rem; min-height: 2.5rem; }
button { cursor: pointer; background: var(--faint); }
button:hover:not(:disabled) { border-color: var(--link); }
button:disabled { cursor: default; color: var(--soft); }
input[type=number] { width: 9rem; }
input[type=range] { accent-color: var(--link); width: 11rem; max-width: 100%; min-height: 1.8rem; margin: 0; }
select { max-width: 14rem; }
.wish { display: flex; flex-wrap: wrap; align-items: flex-end; gap: .8rem 1.2rem; margin: 0; }
.field label { display: block; color: var(--soft); font-size: .85rem; margin-bottom: .2rem; }
.field span { display: inline-flex; align-items: center; gap: .6rem; min-height: 2.5rem; }
output { min-width: 3rem; font-variant-numeric: tabular-nums; }
.buttons { display: flex; flex-wrap: wrap; align-items: flex-end; gap: .5rem; }
.said { min-height: 1.6em; margin: .8rem 0 .5rem; font-size: .9rem; }
.said.wrong { color: var(--bad); }
.wall { list-style: none; display: flex; flex-wrap: wrap; gap: 8px; margin: 0; padding: 0; }
.wall li { width: min-content; font-size: .75rem; line-height: 1.25; }
.wall button { padding: 3px; min-height: 0; display: grid; gap: 3px; background: none; border-color: transparent; }
.wall button[aria-pressed=true] { border-color: var(--link); box-shadow: 0 0 0 1px var(--link); }
.wall .pair { display: flex; align-items: center; gap: 4px; }
.wall .letter { width: .8em; }
.wall img, .row img, #found li img { max-width: none; }
[hidden] { display: none !important; }
.wall .name { display: block; padding: 0 4px; color: var(--soft); overflow-wrap: anywhere; }
.keep { font-size: .9rem; } .keep a { margin-right: .7rem; white-space: nowrap; }
.chosen { display: flex; align-items: center; gap: .6rem 1.2rem; border-top: 1px solid var(--line); margin-top: 1rem;
  padding: .8rem 0; position: sticky; bottom: 0; background: var(--sheet); }
.chosen p { margin: 0; font-size: .92rem; }
.chosen .buttons { margin-top: .5rem; }
.chosen .large { gap: .6rem; flex: none; flex-wrap: nowrap; }
.chosen img { max-width: none; }
.large { display: flex; flex-wrap: wrap; gap: 1rem; }
figure.one figcaption { margin-top: .25rem; font-size: .8rem; }
.pins { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; margin-bottom: 1rem; }
#film { margin-bottom: .8rem; }
.row { display: flex; align-items: center; gap: 4px; overflow-x: auto; padding: 3px 0; }
.row .letter { flex: none; width: 1rem; }
#found h3 small { font-weight: 400; color: var(--soft); }
#found ul { list-style: none; display: flex; flex-wrap: wrap; gap: 12px; margin: .5rem 0; padding: 0; }
#found li { width: min-content; font-size: .75rem; line-height: 1.3; color: var(--soft); }
#found .asked { display: flex; gap: 1rem; align-items: center; }
.ballot { display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: .8rem; }
.ballot button { display: grid; justify-items: center; gap: .4rem; padding: .8rem 1.2rem; }
.result { font-weight: 600; }
@media (max-width: 40rem) {
  .wish .field { flex: 1 1 8rem; } .wish input[type=number], .wish select { width: 100%; max-width: none; }
  .field span { width: 100%; } .field input[type=range] { flex: 1; min-width: 0; }
  .ballot button { flex: 1 1 8rem; padding: .8rem .4rem; }
  .chosen { align-items: flex-start; gap: .6rem; }
  .chosen .large { gap: .3rem; }
  .chosen img { width: 44px; height: auto; }
  .chosen button { font-size: .85rem; padding: .3rem .55rem; min-height: 2.2rem; }
}
"""
