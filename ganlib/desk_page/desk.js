"use strict";
// Asks every few seconds how it stands, changes what is said, and loads the training's page anew where it is another.

const EVERY = 3000; // milliseconds
const PATIENCE = 10000;
const GONE = "The server does not answer; is `make ui` still running in its terminal? What stands here is from before. "
  + "This page asks again when you come back to it.";
const byId = (id) => document.getElementById(id);
const frame = byId("frame");
let shown = frame.dataset.state; // of the page in the frame
let newest = shown;
let timer = 0;

// The text of an element; what stands between backticks is code. What says so already is left alone.
function tell(element, sentence) {
  if (element.dataset.said === sentence) return;
  element.dataset.said = sentence;
  element.replaceChildren(...sentence.split("`").map((part, place) => {
    return place % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part;
  }));
}

function show(standing) {
  document.title = standing.title;
  byId("state").className = standing.mood === "warn" ? "look" : `look ${standing.mood}`;
  tell(byId("heading"), standing.heading);
  tell(byId("sentence"), standing.sentence);
  byId("share").hidden = standing.share === null;
  byId("share").value = standing.share ?? 0;
  for (const leaf of document.querySelectorAll("[data-address]:not(iframe)")) {
    const said = standing.leaves[leaf.dataset.address];
    const link = leaf.querySelector("a");
    if (said.there) link.href = leaf.dataset.address;
    else link.removeAttribute("href");
    tell(leaf.querySelector(".when"), said.words);
  }
  byId("framed").hidden = standing.frame === null;
  newest = standing.frame;
  if (newest === null || newest === shown) return;
  // Whoever is at its slider is not to lose their place.
  if (document.activeElement === frame && document.hasFocus()) byId("newer").hidden = false;
  else load();
}

function load() {
  shown = newest;
  byId("newer").hidden = true;
  if (frame.hasAttribute("src")) frame.contentWindow.location.replace(frame.dataset.address);
  else frame.src = frame.dataset.address;
}

async function ask() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch("/standing", { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(answer.statusText);
    const standing = await answer.json();
    if (standing.project !== byId("state").dataset.project) return location.reload();
    show(standing);
    tell(byId("server-said"), "");
  } catch {
    return tell(byId("server-said"), GONE);
  }
  timer = setTimeout(ask, EVERY);
}

byId("show-newer").addEventListener("click", load);
// The page in the frame says how high it is, and can say no more: it is of another origin.
addEventListener("message", (event) => {
  const height = event.data?.height;
  if (event.source === frame.contentWindow && height > 0 && height < 100000) frame.style.height = `${height}px`;
});
document.addEventListener("visibilitychange", ask);
addEventListener("focus", ask);
timer = setTimeout(ask, EVERY);
