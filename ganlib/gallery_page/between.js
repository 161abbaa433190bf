// The way between two pinned pictures.

const pins = { start: null, end: null };
const steps = Number(byId("way").dataset.steps);
const STRIP = 9;
let frames = null;
let playing = 0;

function pin(which) {
  if (!chosen) return;
  pins[which] = chosen;
  const missing = Object.keys(pins).filter((name) => !pins[name]);
  if (missing.length) {
    const sentence = `Pinned as ${which}: ${described(chosen)}. Pin another as ${missing[0]}.`;
    tell("chosen-said", sentence);
    tell("between-said", sentence);
  } else {
    walkBetween();
    byId("between").scrollIntoView();
  }
}

function wayWords(count = steps) {
  return { ...wordsOf(pins.start, "start_"), ...wordsOf(pins.end, "end_"), steps: count, ...(pins.end.truncation ? { truncation: pins.end.truncation } : {}) };
}

const walkBetween = only("between-said", async () => {
  stop();
  tell("between-said", "Drawing …");
  const words = wayWords();
  frames = (await ask("/between", words)).frames;
  byId("pins").replaceChildren(...["start", "end"].flatMap((which) => letters.map((letter) =>
    figure(frames[letter].at(which === "start" ? 0 : -1), `${ofLetter(letter)}${which}: ${described(pins[which])}`, 56, [mark(letter), ` ${which}`]))));
  byId("film").replaceChildren(...letters.map((letter) => figure(frames[letter][0], `${ofLetter(letter)}frame 0`, 144, [mark(letter)])));
  byId("strips").replaceChildren(...letters.map(strip));
  for (const letter of letters) {
    for (const [form, count] of [["strip", Math.min(STRIP, steps)], ["gif", steps], ["mp4", steps]]) {
      const suffix = form === "strip" ? "png" : form;
      byId(`keep-${form}-${letter}`).href = `/between.${suffix}?${new URLSearchParams({ ...wayWords(count), who: letter })}`;
    }
  }
  byId("way").hidden = false;
  byId("frame").value = 0;
  showFrame();
  tell("between-said", `From ${described(pins.start)} to ${described(pins.end)}, in ${steps} frames.`);
});

function strip(letter) {
  const all = frames[letter];
  const count = Math.min(STRIP, all.length);
  const shown = Array.from({ length: count }, (_, at) => Math.round((at * (all.length - 1)) / Math.max(1, count - 1)));
  return made("div", { className: "row", tabIndex: 0, ariaLabel: `${ofLetter(letter)}the way in ${count} pictures`, role: "group" }, mark(letter),
    ...shown.map((frame) => picture(all[frame], `${ofLetter(letter)}frame ${frame}`, 56)));
}

function showFrame() {
  const at = Number(byId("frame").value);
  byId("film").querySelectorAll("img").forEach((image, place) => {
    image.src = frames[letters[place]][at];
    image.alt = image.title = `${ofLetter(letters[place])}frame ${at}`;
  });
}

function stop() {
  clearInterval(playing);
  playing = 0;
  byId("play").textContent = "Play";
}

function play() {
  if (playing) return stop();
  let turn = Number(byId("frame").value);
  const round = 2 * (steps - 1);
  byId("play").textContent = "Stop";
  playing = setInterval(() => {
    turn = (turn + 1) % round;
    byId("frame").value = turn < steps ? turn : round - turn;
    showFrame();
  }, 60);
}

byId("pin-start").addEventListener("click", () => pin("start"));
byId("pin-end").addEventListener("click", () => pin("end"));
byId("play").addEventListener("click", play);
byId("frame").addEventListener("input", () => {
  stop();
  showFrame();
});
tell("between-said", "Nothing is pinned yet.");
