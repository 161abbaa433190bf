// Blind votes, where there are two generators.

let question = null;
// Where the keyboard was when a vote was given: what is disabled loses it.
let focused = null;
const voting = ["vote-left", "vote-right", "vote-neither"];

function canVote(can) {
  for (const id of voting) byId(id).disabled = !can;
}

const askQuestion = only("vote-said", async () => {
  const said = await ask("/question");
  question = said.question;
  for (const side of ["left", "right"]) {
    const alt = `The ${side} picture${said.name ? `, class ${said.name}` : ""}`;
    byId(`${side}-picture`).replaceChildren(picture(said[side], alt, 144));
  }
  byId("ballot").ariaLabel = `Question ${said.number}${said.name ? `: which is the better ${said.name}?` : ""}`;
  canVote(true);
  if (focused) byId(focused).focus({ preventScroll: true });
  focused = null;
});

async function castVote(choice) {
  if (!question) return;
  const asked = question;
  question = null;
  focused = voting.includes(document.activeElement?.id) ? document.activeElement.id : null;
  canVote(false);
  try {
    const body = JSON.stringify({ question: asked, choice });
    const said = await ask("/vote", null, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const votes = said.votes === 1 ? "1 vote" : `${said.votes} votes`;
    tell("vote-said", said.not_kept ? `${votes}, not kept: ${said.not_kept}` : `${votes}, kept in the registry.`, Boolean(said.not_kept));
  } catch (error) {
    tell("vote-said", error.message, true);
  }
  askQuestion();
}

if (byId("vote")) {
  for (const id of voting) byId(id).addEventListener("click", () => castVote(id.slice(5)));
  byId("vote").addEventListener("keydown", (event) => {
    const side = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "neither" }[event.key];
    if (!side || event.repeat) return;
    event.preventDefault();
    castVote(side);
  });
  byId("show-result").addEventListener("click", () => {
    ask("/result").then((said) => { byId("result").textContent = said.sentence; }, (error) => tell("vote-said", error.message, true));
  });
  askQuestion();
}
