// The training pictures that the chosen one is nearest to.

let asking = null;

const findNearest = only("nearest-said", async () => {
  const { place, letter } = asking;
  tell("nearest-said", "Looking at the training pictures …");
  const startedAt = performance.now();
  const words = { ...wordsOf(place), who: letter, ...(place.truncation ? { truncation: place.truncation } : {}) };
  const said = await ask("/nearest", words);
  const name = `${ofLetter(letter)}${described(place)}`;
  byId("found").replaceChildren(
    made("div", { className: "asked" }, figure(said.picture, name, 80, [mark(letter), ` ${described(place)}`])),
    ...said.spaces.map(space),
  );
  const note = said.note ? ` ${said.note}` : "";
  tell("nearest-said", `Found in ${Math.round(performance.now() - startedAt)} ms.${note}`, Boolean(said.note));
});

function space(one) {
  const heading = made("h3", {}, `By ${one.name} `);
  if (one.absent) return made("div", {}, heading, made("p", { className: "soft", textContent: `Not known: ${one.absent}` }));
  heading.append(made("small", { textContent: one.through }));
  const shown = one.found.map((each) => {
    const name = each.name ? `class ${each.name}` : "no class";
    const alt = `Training picture ${each.position}, ${name}, distance ${each.distance.toPrecision(3)}`;
    return made("li", {}, picture(each.picture, alt, 80), ` ${each.name ? `${name}, ` : ""}${each.distance.toPrecision(3)}`);
  });
  return made("div", {}, heading, made("ul", {}, ...shown), standing(one));
}

function standing({ nearer, heldout }) {
  const pictures = heldout === 1 ? "held-out picture" : "held-out pictures";
  if (nearer) return made("p", { textContent: `${nearer} of ${heldout} ${pictures} come as near to a training picture.` });
  return made("p", {}, made("span", { className: "badge", textContent: "unusually near" }),
    ` None of ${heldout} ${pictures} comes so near to a training picture: see whether it is a copy.`);
}

for (const letter of letters) {
  byId(`nearest-${letter}`).addEventListener("click", () => {
    if (!chosen) return;
    asking = { place: chosen, letter };
    findNearest();
    byId("nearest").scrollIntoView();
  });
}
tell("nearest-said", "Choose a picture of the wall, then ask for the nearest ones.");
