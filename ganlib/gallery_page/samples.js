// The wall of pictures, and the one that is chosen of it.

let first = 0;
let chosen = null;
const cells = () => [...wall.querySelectorAll("button")];

function truncation() {
  const control = byId("truncation");
  return Number(control.value) === Number(control.max) ? {} : { truncation: control.value };
}

const pressed = ({ truncation }) => (truncation ? `, truncation ${truncation}` : "");

function wallWords() {
  const label = byId("label")?.value;
  const words = { seed: byId("seed").value, first, count: byId("count").value, ...truncation() };
  return label ? { ...words, label } : words;
}

const draw = only("samples-said", async () => {
  const words = wallWords();
  byId("truncation-said").textContent = words.truncation ?? "none";
  if (!byId("seed").checkValidity()) throw new Error(`A seed is a whole number from 0 to ${byId("seed").max}.`);
  const startedAt = performance.now();
  const said = await ask("/pictures", words);
  const focused = cells().indexOf(document.activeElement);
  wall.replaceChildren(...said.indices.map((index, at) => cell(said, at, { seed: words.seed, index, label: said.labels[at], name: said.names[at], truncation: words.truncation })));
  (cells()[focused >= 0 ? focused : 0] ?? cells()[0]).tabIndex = 0;
  if (focused >= 0) (cells()[focused] ?? cells()[0]).focus();
  for (const letter of letters) {
    byId(`keep-png-${letter}`).href = `/pictures.png?${new URLSearchParams({ ...words, who: letter })}`;
    byId(`keep-zip-${letter}`).href = `/pictures.zip?${new URLSearchParams({ ...words, who: letter })}`;
  }
  byId("earlier").disabled = first === 0;
  const last = said.indices[said.indices.length - 1];
  tell("samples-said", `Pictures ${said.indices[0]} to ${last} of seed ${words.seed}${pressed(words)}, in ${Math.round(performance.now() - startedAt)} ms.`);
});

function cell(said, at, place) {
  const shown = letters.map((letter) => made("span", { className: "pair" }, mark(letter),
    picture(said.pictures[letter][at], `${ofLetter(letter)}${described(place)}`, 56)));
  const button = made("button", { type: "button", tabIndex: -1 }, ...shown);
  const same = chosen && chosen.seed === place.seed && chosen.index === place.index && chosen.label === place.label;
  button.ariaPressed = String(Boolean(same));
  const addresses = Object.fromEntries(letters.map((letter) => [letter, said.pictures[letter][at]]));
  button.addEventListener("click", () => choose(button, { ...place, addresses }));
  const name = place.name ? [made("span", { className: "name", textContent: place.name })] : [];
  return made("li", {}, button, ...name);
}

function choose(button, place) {
  chosen = place;
  for (const one of cells()) {
    one.ariaPressed = String(one === button);
    one.tabIndex = one === button ? 0 : -1;
  }
  byId("chosen-pictures").replaceChildren(...letters.map((letter) =>
    figure(place.addresses[letter], `${ofLetter(letter)}${described(place)}`, 88, [mark(letter)])));
  tell("chosen-said", `Chosen: ${described(place)}${pressed(place)}.`);
  byId("chosen-acts").hidden = false;
}

function turnTo(place) {
  first = Math.max(0, place);
  draw();
}

// How many cells stand in the first row.
function columns() {
  const all = cells();
  return all.findIndex((one) => one.offsetTop !== all[0].offsetTop) + 1 || all.length + 1;
}

function walk(event) {
  const all = cells();
  const at = all.indexOf(document.activeElement);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = columns() - 1;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -at, End: all.length - 1 - at };
  const acts = {
    PageDown: () => byId("later").click(), PageUp: () => byId("earlier").click(),
    s: () => act("pin-start"), e: () => act("pin-end"), n: () => act("nearest-A"),
  };
  if (event.key in steps) {
    const next = all[at + steps[event.key]];
    if (next) {
      all[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  } else if (acts[event.key]) acts[event.key]();
  else return;
  event.preventDefault();
}

function act(id) {
  document.activeElement.click();
  byId(id).click();
}

let waiting = 0;
function drawSoon() {
  first = 0;
  clearTimeout(waiting);
  waiting = setTimeout(draw, 120);
}

byId("wish").addEventListener("submit", (event) => event.preventDefault());
byId("wish").addEventListener("input", (event) => (event.target.id === "truncation" ? draw() : drawSoon()));
byId("another").addEventListener("click", () => {
  byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
  turnTo(0);
});
byId("earlier").addEventListener("click", () => turnTo(first - Number(byId("count").value)));
byId("later").addEventListener("click", () => turnTo(first + Number(byId("count").value)));
wall.addEventListener("keydown", walk);
draw();
