"""How the game's page looks beyond what all pages share."""

STYLE = """
.games { display: grid; gap: 1.25rem 2rem; margin-top: 1rem; }
.games.of-1 .game { display: grid; grid-template-columns: 8fr 5fr; gap: 0 2rem; align-items: center; }
.games.of-1 .game > svg:first-child { grid-row: 1 / 4; }
.games.of-1 svg.chart { max-width: none; }
.games.of-2 { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.games .game { min-width: 0; }
.games svg.chart + svg.chart { margin-top: .35rem; }
ul.came-to { margin: 0; padding-left: 1.15rem; max-width: 46rem; }
ul.came-to li { margin: .35rem 0; }
.part table { margin-top: .5rem; max-width: 46rem; }
@media (max-width: 40rem) {
  .games.of-1 .game { grid-template-columns: 1fr; }
  .games.of-1 .game > svg:first-child { grid-row: auto; }
  .games.of-2 { gap: .5rem; }
}
@media (max-width: 30rem) { .games.of-2 { grid-template-columns: 1fr; } }
"""
