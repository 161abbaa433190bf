"""How the desk looks beyond what all pages share."""

STYLE = """
#state { margin-top: 1.25rem; }
#state h2 { font-size: 1.05rem; }
#state progress { display: block; appearance: none; width: 100%; height: .5rem; margin: .8rem 0 .2rem; border: 0;
  border-radius: 99px; overflow: hidden; background: var(--line); }
#state progress::-webkit-progress-bar { background: var(--line); }
#state progress::-webkit-progress-value { background: var(--warn); border-radius: 99px; }
#state progress::-moz-progress-bar { background: var(--warn); border-radius: 99px; }
#state.good progress::-webkit-progress-value { background: var(--good); }
#state.good progress::-moz-progress-bar { background: var(--good); }
[hidden] { display: none !important; }
.gone { color: var(--bad); margin: 0 0 1rem; }
.gone:empty { display: none; }
.leaves { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)); }
.leaves li { border-top: 2px solid var(--line); padding-top: .5rem; }
.leaves a { font-weight: 600; }
.leaves a:not([href]) { color: var(--soft); }
.leaves p { margin: .1rem 0 0; font-size: .92rem; }
.leaves .when { color: var(--soft); font-size: .86rem; }
#newest { padding: 0; overflow: hidden; }
#newest > h2 { padding: 1.1rem 1.5rem 0; }
#newest:has(#framed[hidden]) { display: none; }
iframe { display: block; width: 100%; height: 80vh; border: 0; border-top: 1px solid var(--line);
  background: var(--page); }
.newer { margin: 0 1.5rem .75rem; }
.newer button { font: inherit; color: var(--link); background: var(--sheet); border: 1px solid var(--link);
  border-radius: 6px; padding: .3rem .8rem; cursor: pointer; }
.alone { margin: 0; max-width: none; padding: .7rem 1.5rem; border-top: 1px solid var(--line); font-size: .92rem; }
@media (max-width: 40rem) {
  #newest { margin-left: -.4rem; margin-right: -.4rem; }
  #newest > h2, .alone { padding-left: 1rem; padding-right: 1rem; }
  .newer { margin-left: 1rem; margin-right: 1rem; }
}
"""
