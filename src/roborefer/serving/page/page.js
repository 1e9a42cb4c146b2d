// The page: what is chosen, asked and shown. The picture, the server and the cards each have a module of their own.

import { byId, element, fixed, percent } from "./elements.js";
import { readField, writeField, wrongField } from "./fields.js";
import { cameraOf, checkDepth, listExamples, openExample, openPicture, readCamera, sortFiles } from "./files.js";
import { entryAt, isUsed, lastIndex, remember, showHistory } from "./history.js";
import { draw, showPhoto } from "./picture.js";
import { endedCard, progressWords, replyCards, saysNothingFits, stepList } from "./reply.js";
import { askServer } from "./server.js";
import { followTheme } from "./theme.js";

const REVEAL_MS = 450;

let picture = null; // what the next question is about
let entry = null; // the answer on show
let place = -1; // of that answer in the history
let running = null; // AbortController of the question on its way
let key = ""; // API key: in memory only
let revealing = 0;
const view = { reply: null, steps: [], shown: 0, answered: false, newest: "", lit: null, rivals: true, heat: false };

function redraw(changes = {}) {
  Object.assign(view, changes);
  draw(view);
}

function light(lit) {
  redraw({ lit, newest: "" });
  for (const row of document.querySelectorAll(".steps li")) row.classList.toggle("lit", Number(row.dataset.step) === lit?.step);
}

// ---- the picture ---------------------------------------------------------------------------------------------------

function usePicture(chosen) {
  stop();
  if (picture && picture.url !== chosen.url && !isUsed(picture)) URL.revokeObjectURL(picture.url);
  picture = chosen;
  showPhoto(picture);
  showAnswer(null);
  showPictureFacts();
  showFields();
}

/** The same picture with other depth or another camera. */
function changePicture(changes) {
  if (!picture) {
    showFields();
    return complain(new Error("Choose a picture first: depth and camera belong to one."));
  }
  // A camera from a file, or none, takes the place of a field of view.
  picture = { ...picture, ...changes, ...("camera" in changes && { fov: "" }) };
  if ("camera" in changes) showFields();
  complain(null);
  return showPictureFacts();
}

async function changeDepth(depth, camera) {
  const about = picture;
  if (depth && about) await checkDepth(depth, about);
  if (picture?.url === about?.url) changePicture({ ...(depth && { depth, depthAddress: "" }), ...camera });
}

function showFields() {
  writeField("depth-unit", picture?.depthUnit ?? "");
  writeField("fov", picture?.fov ?? "");
}

function showPictureFacts() {
  byId("credit").textContent = picture.credit || `${picture.title}, ${picture.width} × ${picture.height}`;
  for (const tile of document.querySelectorAll(".tile")) {
    const current = tile.dataset.address ? tile.dataset.address === picture.address : !picture.address;
    tile.setAttribute("aria-pressed", current);
  }
  const isOwn = !picture.address;
  byId("own-photo").hidden = !isOwn;
  if (isOwn) byId("own-photo").src = picture.url;
  else byId("own-photo").removeAttribute("src");
  byId("suggestions").replaceChildren(...picture.suggestions.map((text) => {
    const chip = element("button", { type: "button" }, text);
    chip.addEventListener("click", () => {
      byId("instruction").value = text;
      ask();
    });
    return chip;
  }));
  const { depth } = picture;
  const camera = cameraOf(picture);
  const focal = Number.isFinite(camera?.fx) ? `, focal length ${fixed(camera.fx, 0)} px` : "";
  byId("depth-summary").textContent = [depth ? depth.name : "no depth", camera ? `camera known${focal}` : "no camera"].join(", ");
  byId("remove-depth").hidden = !depth && !camera;
}

async function takeFiles(files) {
  const { image, depth, camera } = await sortFiles(files);
  if (image) usePicture(await openPicture(image, { depth, ...camera }));
  else await changeDepth(depth, camera);
  byId("instruction").focus({ preventScroll: true });
}

/** Runs what a person asked for and tells them when it cannot be done. */
function trying(action) {
  return async (...given) => {
    try {
      complain(null);
      await action(...given);
    } catch (error) {
      complain(error);
    }
  };
}

// ---- asking --------------------------------------------------------------------------------------------------------

async function ask() {
  const instruction = byId("instruction").value.trim();
  if (running) return;
  if (!picture) return complain(new Error("Choose a picture first."));
  if (!instruction) {
    complain(new Error("Say what it should point at, for example: the red tomato."));
    byId("instruction").focus();
    return;
  }
  const wrong = wrongField();
  if (wrong) {
    complain(null);
    byId("depth-and-camera").open = true;
    wrong.focus();
    return;
  }
  const question = { picture, instruction, reasoning: byId("reasoning").checked };
  const before = { entry, place };
  const own = new AbortController();
  running = own;
  complain(null);
  showAnswer(null);
  if (matchMedia("(pointer: coarse)").matches) byId("instruction").blur(); // the keyboard of a phone hides the picture
  const waiting = showWaiting();
  try {
    const reply = await askServer(question, { key, signal: own.signal, onText: waiting.text, onStep: waiting.step });
    if (running !== own) return;
    const seen = view.shown;
    place = remember({ question, reply });
    showAnswer(entryAt(place));
    reveal(seen);
    announce(reply);
  } catch (error) {
    const stopped = error.name === "AbortError" || running !== own;
    const isLast = running === own || running === null;
    if (isLast) running = null;
    if (isLast && entry === null && picture.url === question.picture.url) showEnd(question, before, stopped);
    if (isLast && !stopped) refuse(error);
  } finally {
    waiting.end();
    if (running === own) running = null;
  }
}

/** What stays when no answer came: the one before, of the same picture, or what was asked. */
function showEnd(question, before, stopped) {
  place = before.place;
  showAnswer(before.entry);
  if (before.entry === null) {
    byId("welcome").hidden = true;
    const words = stopped ? "Stopped before the answer was there." : "The message below the question says why.";
    byId("reply").replaceChildren(endedCard(question, stopped ? "Stopped" : "No answer", words));
  }
  if (stopped) byId("status").textContent = "Stopped";
}

function stop() {
  running?.abort();
  running = null;
}

/** What is shown until the answer comes: time, text and steps so far. */
function showWaiting() {
  const began = performance.now();
  const tick = () => {
    byId("ask").textContent = `Stop ${fixed((performance.now() - began) / 1000, 1)} s`;
  };
  const timer = setInterval(tick, 100);
  tick();
  byId("ask").classList.add("stop");
  byId("progress").hidden = byId("waiting").hidden = false;
  byId("so-far").textContent = "Reading the picture";
  byId("status").textContent = "Looking at the picture";
  return {
    text: (soFar) => {
      byId("so-far").textContent = progressWords(soFar);
    },
    step: (step) => {
      const steps = [...view.steps, step];
      redraw({ steps, shown: steps.length, newest: "step" });
      byId("reply").replaceChildren(element("div", { class: "card" }, element("h2", {}, "Steps"), stepList(steps, actions)));
    },
    end: () => {
      clearInterval(timer);
      byId("ask").textContent = "Ask";
      byId("ask").classList.remove("stop");
      byId("progress").hidden = byId("waiting").hidden = true;
    },
  };
}

function refuse(error) {
  byId("status").textContent = "";
  byId("key-form").hidden = error.status !== 401;
  complain(error.status === 401 && !key ? null : error, error.mayHeal ?? true);
  if (error.status === 401) byId("key").focus();
}

function complain(error, retry = false) {
  byId("trouble").hidden = error === null;
  byId("trouble-text").textContent = error?.message ?? "";
  byId("again").hidden = !retry;
}

// ---- the answer ----------------------------------------------------------------------------------------------------

const actions = { light, replay: () => reveal(0), copy, get withKey() { return key !== ""; } };

function showAnswer(shown) {
  clearTimeout(revealing);
  entry = shown;
  if (entry === null) place = -1;
  const reply = entry?.reply ?? null;
  redraw({ reply, steps: reply?.steps ?? [], shown: reply?.steps?.length ?? 0, answered: reply !== null, newest: "", lit: null });
  byId("reply").replaceChildren(...(entry ? replyCards(entry, actions) : []));
  byId("show-heat").disabled = reply !== null && !reply.heatmap;
  byId("show-rivals").disabled = reply !== null && !reply.rivals?.length;
  byId("status").textContent = "";
  document.body.classList.toggle("answered", entry !== null);
  byId("welcome").hidden = entry !== null || running !== null;
  showHistory(place, comeBack);
}

/** Shows the steps one by one, from `shown` on, and the point last. */
function reveal(shown) {
  clearTimeout(revealing);
  const steps = view.steps.length;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) shown = steps;
  if (shown >= steps) return redraw({ shown: steps, answered: true, newest: "answer" });
  redraw({ shown: shown + 1, answered: false, newest: "step" });
  revealing = setTimeout(() => reveal(shown + 1), REVEAL_MS);
  return undefined;
}

function announce(reply) {
  const [point] = reply.points;
  if (!point) {
    byId("status").textContent = saysNothingFits(reply) ? "The model says that nothing in the picture fits" : "No point was found";
    return;
  }
  const told = [`Point at ${percent(point.x)} from the left, ${percent(point.y)} from the top`];
  if (Number.isFinite(point.score)) told.push(`${percent(point.score)} sure`);
  if (point.xyz && point.valid) told.push(`${fixed(Math.hypot(...point.xyz), 2)} metres away`);
  byId("status").textContent = told.join(", ");
}

function comeBack(index) {
  if (index < 0 || index > lastIndex()) return;
  const { question } = entryAt(index);
  if (picture?.url !== question.picture.url || running) usePicture(question.picture);
  picture = question.picture;
  showPictureFacts();
  showFields();
  byId("instruction").value = question.instruction;
  byId("reasoning").checked = question.reasoning;
  place = index;
  complain(null);
  showAnswer(entryAt(index));
}

/** One answer back (-1) or on (+1). */
function leaf(by) {
  const from = place < 0 ? lastIndex() + 1 : place;
  comeBack(Math.min(Math.max(from + by, 0), lastIndex()));
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Browsers refuse on plain http from elsewhere: select it, so that the person can.
    getSelection().selectAllChildren(button.closest(".card").querySelector("pre"));
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}

// ---- wiring --------------------------------------------------------------------------------------------------------

function listenToFiles() {
  for (const [button, input] of [["choose", "picture-file"], ["choose-depth", "depth-file"], ["choose-camera", "camera-file"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
  }
  const given = (id, action) => byId(id).addEventListener("change", trying(async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length) await action(files);
  }));
  given("picture-file", takeFiles);
  given("depth-file", ([depth]) => changeDepth(depth));
  given("camera-file", async ([file]) => changePicture(await readCamera(file)));
  byId("depth-unit").addEventListener("change", () => changePicture({ depthUnit: readField("depth-unit") }));
  byId("fov").addEventListener("change", () => changePicture({ fov: readField("fov") }));
  byId("remove-depth").addEventListener("click", () => {
    changePicture({ depth: null, depthUnit: "", camera: null, pose: null, depthAddress: "" });
  });
  document.addEventListener("paste", trying(async (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    await takeFiles(files);
  }));
}

function listenToDrops() {
  let inside = 0; // enter and leave come for every element that is crossed
  const show = (change) => {
    inside = Math.max(inside + change, 0);
    byId("drop").hidden = inside === 0;
  };
  addEventListener("dragenter", (event) => event.dataTransfer?.types.includes("Files") && show(1));
  addEventListener("dragleave", (event) => event.dataTransfer?.types.includes("Files") && show(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", trying(async (event) => {
    event.preventDefault();
    show(-inside);
    const files = [...event.dataTransfer.files];
    if (files.length) await takeFiles(files);
  }));
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    const inInstruction = event.target === byId("instruction");
    if (event.key === "Escape") {
      if (running) stop();
      else complain(null);
      if (typing) event.target.blur();
    } else if (event.key === "/" && !typing) {
      event.preventDefault();
      byId("instruction").focus();
      byId("instruction").select();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && lastIndex() >= 0 && (inInstruction || (!typing && place >= 0))) {
      event.preventDefault();
      leaf(event.key === "ArrowUp" ? -1 : 1);
    }
  });
}

function listenToTheRest() {
  byId("question").addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) stop();
    else ask();
  });
  byId("again").addEventListener("click", ask);
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    key = byId("key").value.trim();
    byId("key").value = "";
    byId("key-form").hidden = true;
    showModel();
    ask();
  });
  byId("show-rivals").addEventListener("change", (event) => redraw({ rivals: event.target.checked, newest: "" }));
  byId("show-heat").addEventListener("change", (event) => redraw({ heat: event.target.checked, newest: "" }));
  new ResizeObserver(() => redraw({ newest: "" })).observe(byId("photo"));
}

async function showModel() {
  const response = await fetch("v1/models", { headers: key ? { authorization: `Bearer ${key}` } : {} }).catch(() => null);
  const name = response?.ok ? (await response.json()).data?.[0]?.id : null;
  byId("model").textContent = !name || name === "roborefer" ? "" : name;
}

async function showExamples() {
  const examples = await listExamples();
  for (const example of examples) {
    const tile = element("button", { type: "button", class: "tile", "data-address": `examples/${example.image}`, "aria-pressed": "false" },
      element("img", { class: "thumb", src: `examples/${example.image}`, alt: "" }), element("span", { class: "name" }, example.title));
    tile.addEventListener("click", trying(async () => usePicture(await openExample(example))));
    byId("pictures").append(tile);
  }
  if (examples.length && !picture) usePicture(await openExample(examples[0]));
}

followTheme();
listenToFiles();
listenToDrops();
listenToKeys();
listenToTheRest();
redraw();
showModel();
trying(showExamples)();
