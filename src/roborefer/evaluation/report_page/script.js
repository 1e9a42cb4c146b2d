"use strict";
// All text comes from models and benchmarks, so it is only ever set as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const runs = data.runs;
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const STATUS = [["all", "all"], ["right", "right"], ["partly", "partly right"], ["wrong", "wrong"],
  ["unread", "not readable"], ["failed", "request failed"]];
const CHANGE = [["all", "all"], ["better", "better in the second run"], ["worse", "worse in the second run"],
  ["same", "alike"]];
const state = { status: "all", task: "all", step: "all", change: "all", words: "", key: "" };
let shown = [];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function drawn(name, attributes, className) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (className) made.setAttribute("class", className);
  return made;
}

const percent = (value) => (100 * value).toFixed(1);
const signed = (value) => (value > 0 ? "+" : "") + percent(value);

function statusOf(answer) {
  if (answer.raw === null) return "failed";
  if (!answer.parsed) return "unread";
  if (answer.score >= 1) return "right";
  return answer.score > 0 ? "partly" : "wrong";
}

// "Wrong" includes what cannot be read and what failed: all of it scores nothing.
function hasStatus(answer, wanted) {
  return wanted === "all" || statusOf(answer) === wanted || (wanted === "wrong" && answer.score === 0);
}

function changeOf(sample) {
  const [first, second] = sample.answers;
  if (!second) return "same";
  return second.score > first.score ? "better" : second.score < first.score ? "worse" : "same";
}

function fits(sample) {
  const words = state.words.toLowerCase();
  return (state.task === "all" || sample.task === state.task) &&
    (state.step === "all" || String(sample.step) === state.step) &&
    (state.change === "all" || changeOf(sample) === state.change) &&
    sample.answers.some((answer) => hasStatus(answer, state.status)) &&
    (!words || [sample.key, sample.question, ...sample.answers.map((answer) => answer.raw || "")]
      .some((text) => text.toLowerCase().includes(words)));
}

function readHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(state)) state[name] = given.get(name) ?? (["words", "key"].includes(name) ? "" : "all");
}

function writeHash() {
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (value && value !== "all") kept.set(name, value);
  history.replaceState(null, "", "#" + kept.toString());
}

function fill(select, options) {
  for (const [value, text] of options) {
    const option = element("option", text);
    option.value = value;
    select.append(option);
  }
}

function row(kind, cells) {
  const made = element("tr");
  made.append(...cells.map((cell) => element(kind, cell)));
  return made;
}

function showHeader() {
  byId("title").textContent = data.title;
  byId("about").textContent = data.about;
  byId("numbers").textContent = data.numbers;
  const table = element("table");
  if (data.comparison) {
    table.append(row("th", ["task", "n", ...runs.map((run) => run.name), "difference", "95 %", "p", "better", "worse"]));
    table.append(...data.comparison.map((pair) => row("td", [pair.name, String(pair.samples), percent(pair.first),
      percent(pair.second), signed(pair.difference), pair.interval.map(signed).join(" to "),
      pair.p_value < 0.001 ? "<0.001" : pair.p_value.toFixed(3), String(pair.better), String(pair.worse)])));
  } else {
    table.append(row("th", ["task", "n", "score", "95 %", "first point", "read", "failed"]));
    table.append(...data.groups.map((group) => row("td", [group.name, String(group.samples), percent(group.score),
      group.interval.map(percent).join("–"), percent(group.hit), percent(group.parsed), String(group.failed)])));
  }
  byId("scores").append(table);
}

function dot(answer) {
  const made = element("span", "", `dot ${statusOf(answer)}`);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", Object.fromEntries(STATUS)[statusOf(answer)]);
  return made;
}

function showList() {
  shown = data.samples.filter(fits);
  if (!shown.some((sample) => sample.key === state.key)) state.key = shown.length ? shown[0].key : "";
  const items = shown.map((sample) => {
    const button = element("button");
    button.type = "button";
    button.dataset.key = sample.key;
    button.append(...sample.answers.map(dot), element("span", sample.key, "key"));
    button.title = sample.question;
    button.onclick = () => choose(sample.key);
    const item = element("li");
    item.append(button);
    return item;
  });
  byId("list").replaceChildren(...items);
  byId("count").textContent = `${shown.length} of ${data.samples.length}`;
}

function choose(key) {
  state.key = key;
  writeHash();
  showSample();
}

function showSample() {
  const index = shown.findIndex((sample) => sample.key === state.key);
  const sample = shown[index];
  byId("previous").disabled = index <= 0;
  byId("next").disabled = index < 0 || index === shown.length - 1;
  byId("place").textContent = sample ? `${index + 1} of ${shown.length}: ${sample.key}` : "nothing fits these filters";
  for (const button of byId("list").querySelectorAll("button")) {
    const current = button.dataset.key === state.key;
    button.setAttribute("aria-current", current);
    if (current) button.scrollIntoView({ block: "nearest" });
  }
  byId("question").textContent = sample ? sample.question : "";
  byId("stages").replaceChildren(...(sample ? sample.images.map((image, place) => stage(sample, image, place)) : []));
  byId("facts").textContent = sample ? sample.facts.join(" · ") : "";
  byId("answers").replaceChildren(...(sample ? sample.answers.map((answer, run) => answerBox(sample, answer, run)) : []));
}

function stage(sample, image, place) {
  const box = element("div", undefined, "stage");
  box.style.aspectRatio = `${image.size[0]} / ${image.size[1]}`;
  const picture = element("img");
  picture.src = image.picture;
  picture.alt = sample.question;
  box.append(picture);
  if (place > 0) return box;
  if (sample.mask) {
    const mask = element("img", undefined, "mask");
    mask.src = sample.mask;
    mask.alt = "where the answer has to be";
    box.append(mask);
  }
  const [width, height] = [1000, 1000 * image.size[1] / image.size[0]];
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}` });
  const at = (point) => [point[0] * width, point[1] * height];
  if (sample.polygon) {
    svg.append(drawn("polygon", { points: sample.polygon.map((corner) => at(corner).join(",")).join(" ") }));
  }
  sample.answers.forEach((answer, run) => {
    const tone = run ? "var(--second)" : "var(--first)";
    answer.steps.forEach((step, number) => {
      if (step.kind !== "Position") return;
      const [x, y] = at(step.value);
      const group = drawn("g", {}, "step");
      group.append(drawn("rect", { x: x - 9, y: y - 9, width: 18, height: 18, fill: tone, stroke: "#fff", "stroke-width": 3 }));
      const label = drawn("text", { x: x + 14, y: y + 8 });
      label.textContent = String(number + 1);
      group.append(label);
      svg.append(group);
    });
    for (const point of answer.points) {
      const [x, y] = at(point);
      // The second run's are smaller, so that two that agree are seen as two.
      const radius = sample.answers.length > 1 && !run ? 14 : 9;
      svg.append(drawn("circle", { cx: x, cy: y, r: radius, fill: tone, stroke: "#fff", "stroke-width": 3 }, "point"));
    }
  });
  box.append(svg);
  return box;
}

function answerBox(sample, answer, run) {
  const box = element("section", undefined, run ? "answer second" : "answer");
  box.append(element("h2", runs[run].name));
  const verdict = element("p");
  const status = statusOf(answer);
  verdict.append(element("span", Object.fromEntries(STATUS)[status], `verdict ${status}`),
    element("span", ` · score ${answer.score.toFixed(3)}${answer.distance_px ? ` · ${answer.distance_px.toFixed(1)} px off` : ""}` +
      `${answer.error_mm ? ` · ${answer.error_mm.toFixed(0)} mm off` : ""}`));
  box.append(verdict);
  if (answer.problem) box.append(element("p", answer.problem, "note"));
  const others = Object.entries(answer.protocols).map(([name, value]) => `${name} ${value === null ? "left out" : value.toFixed(2)}`);
  if (others.length) box.append(element("p", others.join(" · "), "note"));
  if (answer.steps.length) {
    const list = element("ol", undefined, "steps");
    list.append(...answer.steps.map((step) => element("li", stepText(step))));
    box.append(element("p", "Steps that were read:", "note"), list);
  }
  if (sample.key_steps.length && answer.key_steps) {
    const list = element("ul");
    list.append(...sample.key_steps.map((step, number) => {
      const right = answer.key_steps[number];
      return element("li", `${right ? "✓" : "✗"} ${stepText(step)}`, right ? "verdict right" : "verdict wrong");
    }));
    box.append(element("p", "Key steps:", "note"), list);
  }
  box.append(element("pre", answer.raw === null ? answer.error || "" : answer.raw, "raw"));
  return box;
}

function stepText(step) {
  const numbers = Array.isArray(step.value) ? `(${step.value.map((number) => number.toFixed(3)).join(", ")})` : step.value;
  return `${step.kind} of ${step.target}: ${numbers}`;
}

function turn(by) {
  const index = shown.findIndex((sample) => sample.key === state.key) + by;
  if (index >= 0 && index < shown.length) choose(shown[index].key);
}

function refresh() {
  for (const name of ["status", "task", "step", "change", "words"]) byId(name).value = state[name];
  showList();
  writeHash();
  showSample();
}

function start() {
  fill(byId("status"), STATUS);
  fill(byId("task"), [["all", "all"], ...[...new Set(data.samples.map((sample) => sample.task))].map((task) => [task, task])]);
  const steps = [...new Set(data.samples.map((sample) => sample.step).filter((step) => step !== null))].sort((a, b) => a - b);
  fill(byId("step"), [["all", "all"], ...steps.map((step) => [String(step), String(step)])]);
  byId("step").disabled = !steps.length;
  fill(byId("change"), CHANGE);
  byId("change-label").hidden = runs.length < 2;
  for (const name of ["status", "task", "step", "change", "words"]) {
    byId(name).addEventListener(name === "words" ? "input" : "change", (event) => {
      state[name] = event.target.value;
      refresh();
    });
  }
  for (const name of ["mask", "points", "steps"]) {
    byId(`show-${name}`).addEventListener("change", (event) => {
      byId("stages").classList.toggle(`hide-${name}`, !event.target.checked);
    });
  }
  byId("previous").onclick = () => turn(-1);
  byId("next").onclick = () => turn(1);
  document.addEventListener("keydown", (event) => {
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  window.addEventListener("hashchange", () => { readHash(); refresh(); });
  readHash();
  showHeader();
  refresh();
}

start();
