"use strict";
// What all parts of the page use: elements, pictures, and questions to the server.

const byId = (id) => document.getElementById(id);
const wall = byId("wall");
const letters = [...wall.dataset.letters];
const places = Object.fromEntries(letters.map((letter, place) => [letter, place]));

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// The generator's letter in its colour; nothing where there is only one generator.
function mark(letter) {
  return letters.length > 1 ? made("span", { className: `letter c${places[letter]}`, textContent: letter }) : "";
}

const ofLetter = (letter) => (letters.length > 1 ? `${letter}, ` : "");

// Small pictures are enlarged in whole steps, so that each pixel is a square; large ones shrink.
function picture(address, alt, side) {
  const { width, height, alpha } = wall.dataset;
  const longest = Math.max(width, height);
  const factor = longest <= side ? Math.max(1, Math.round(side / longest)) : side / longest;
  const names = [longest < side ? "pixels" : "", alpha ? "alpha" : ""].filter(Boolean).join(" ");
  return made("img", {
    src: address, alt, title: alt, className: names,
    width: Math.round(width * factor), height: Math.round(height * factor),
  });
}

function figure(address, alt, side, caption) {
  return made("figure", { className: "one" }, picture(address, alt, side), made("figcaption", {}, ...caption));
}

async function ask(path, words, options = {}) {
  const address = words ? `${path}?${new URLSearchParams(words)}` : path;
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("The gallery does not answer; is it still running in its terminal?");
  }
  const failed = { error: "The gallery made a mistake; its terminal says which." };
  const said = await answer.json().catch(() => failed);
  if (!answer.ok) throw new Error(said.error || failed.error);
  return said;
}

function tell(id, sentence, wrong = false) {
  byId(id).textContent = sentence;
  byId(id).classList.toggle("wrong", wrong);
}

// Does the work, and says in `id` why where it fails. Of the calls while it is at work only the last one counts.
function only(id, work) {
  let working = false;
  let again = false;
  return async () => {
    again = true;
    if (working) return;
    working = true;
    while (again) {
      again = false;
      await work().catch((error) => tell(id, error.message, true));
    }
    working = false;
  };
}

const described = (place) => `picture ${place.index} of seed ${place.seed}${place.name ? `, class ${place.name}` : ""}`;

// An address's words for a place: its seed, index and class, each with this before it.
function wordsOf(place, before = "") {
  const words = { [`${before}seed`]: place.seed, [`${before}index`]: place.index };
  if (place.label !== null) words[`${before}label`] = place.label;
  return words;
}
