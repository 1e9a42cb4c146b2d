// The answer in words and numbers, beside the picture.

import { element, fixed, percent } from "./elements.js";
import { cameraOf } from "./files.js";
import { curlLines } from "./server.js";
import { topView } from "./top_view.js";

const STAGES = { queue: "waiting", read: "reading", encode: "looking", answer: "answering", anchor: "3D" };
const NOTHING_FITS = "the model says that nothing in the picture fits"; // as the server has it

/** Whether the answer is that there is no such thing, which is an answer and no failure. */
export const saysNothingFits = ({ points, problem }) => points.length === 0 && problem === NOTHING_FITS;

/**
 * The cards of an answer.
 * @param entry {question: {picture, instruction, reasoning}, reply}
 * @param actions {light({step}|{point}|null), replay(), copy(text, button), withKey: boolean}
 */
export function replyCards({ question, reply }, actions) {
  return [pointCard(question, reply, actions), ...stepsCard(reply, actions), useCard(question, reply, actions), moreCard(reply)];
}

/** What is left of a question that has no answer. */
export function endedCard(question, title, words) {
  return card(title, element("p", { class: "asked" }, question.instruction), element("p", { class: "note" }, words));
}

/** What the model is at: half a line of its text says nothing to a person. */
export function progressWords(text) {
  const opens = "<think>".startsWith(text.trimStart().slice(0, 7));
  return opens && !text.includes("</think>") ? "Writing the steps" : "Writing the answer";
}

function card(title, ...children) {
  return element("div", { class: "card" }, element("h2", {}, title), ...children);
}

function lights(node, what, actions) {
  node.addEventListener("pointerenter", () => actions.light(what));
  node.addEventListener("pointerleave", () => actions.light(null));
  node.addEventListener("focus", () => actions.light(what));
  node.addEventListener("blur", () => actions.light(null));
  return node;
}

// ---- the point -----------------------------------------------------------------------------------------------------

function pointCard(question, reply, actions) {
  const asked = element("p", { class: "asked" }, question.instruction);
  const notes = (reply.notes ?? []).map((note) => element("p", { class: "note" }, note));
  if (saysNothingFits(reply)) return card("Nothing fits", asked, element("p", { class: "plainly" }, "The model says that nothing in the picture fits."), ...notes);
  if (!reply.points.length) {
    return card("No point", asked, element("p", { class: "warning" }, reply.problem ?? "The model gave no point."), ...notes);
  }
  const [first, ...others] = reply.points;
  const made = card(reply.points.length > 1 ? `${reply.points.length} points` : "Point", asked, confidence(first), facts(first, reply));
  if (reply.problem) made.append(element("p", { class: "warning" }, reply.problem));
  made.append(...place(first, question));
  if (others.length) made.append(otherPoints(others, actions));
  made.append(...notes);
  return made;
}

function confidence(point) {
  if (!Number.isFinite(point.score)) return null;
  const level = point.score < 0.35 ? "low" : point.score < 0.65 ? "middle" : "high";
  const bar = element("span", { class: level });
  bar.style.width = percent(point.score).replace(" ", "");
  const meter = element("span", { class: "meter", "aria-hidden": "true" }, bar);
  return element("p", { class: "confidence" }, meter, element("span", {}, `${percent(point.score)} sure`));
}

function facts(point, reply) {
  const [width, height] = reply.image_size;
  return table([["of the picture", `${fixed(point.x, 3)}, ${fixed(point.y, 3)}`],
    ["pixel", `${fixed(point.px[0], 1)}, ${fixed(point.px[1], 1)} of ${width} × ${height}`],
    ...(point.label ? [["label", point.label]] : [])]);
}

function table(rows) {
  const list = element("dl");
  for (const [name, value] of rows) list.append(element("dt", {}, name), element("dd", {}, value));
  return list;
}

/** The 3D anchor, or why there is none. */
function place(point, { picture }) {
  if (!point.xyz) {
    const why = picture.depth ? point.reason || "the depth has no metres here, or no camera was given" : "";
    const known = Number.isFinite(point.depth_m) ? `${fixed(point.depth_m, 3)} m away along z. ` : "";
    const text = why ? `${known}No 3D: ${why}.` : "No 3D: give depth and a camera to get metres.";
    return [element("p", { class: "note" }, text)];
  }
  const axes = element("div", { class: "xyz", role: "group", "aria-label": "In the camera frame, metres" });
  ["x", "y", "z"].forEach((name, index) => {
    axes.append(element("div", {}, element("small", {}, `${name} ${["right", "down", "forward"][index]}`),
      element("strong", {}, fixed(point.xyz[index], 3))));
  });
  const rows = [["distance", `${fixed(Math.hypot(...point.xyz), 3)} m`]];
  if (point.normal) rows.push(["normal", point.normal.map((value) => fixed(value, 2)).join(", ")]);
  if (Number.isFinite(point.spread_m)) rows.push(["spread", `${fixed(1000 * point.spread_m, 1)} mm`]);
  if (point.world_xyz) rows.push(["in the world", `${point.world_xyz.map((value) => fixed(value, 3)).join(", ")} m`]);
  rows.push(["depth from", point.depth_source === "sensor" ? "the file or sensor" : "an estimate"]);
  const said = point.reason ? [element("p", { class: point.valid ? "note" : "warning" }, point.valid ? point.reason : `Do not use: ${point.reason}`)] : [];
  return [element("h3", {}, "In metres, camera frame"), axes, topView([point.xyz], knownCamera(picture)), table(rows), ...said];
}

/** fx and width of a camera, where its JSON tells them plainly. */
function knownCamera(picture) {
  const { width } = picture;
  const camera = cameraOf(picture);
  const matrix = camera?.K ?? camera?.k;
  const fx = Number.isFinite(camera?.fx) ? camera.fx : matrix?.flat?.()[0];
  return Number.isFinite(fx) && fx > 0 ? { fx, width } : null;
}

function otherPoints(points, actions) {
  const list = element("ol", { class: "others", start: 2 });
  points.forEach((point, index) => {
    const away = point.xyz && point.valid ? `, ${fixed(Math.hypot(...point.xyz), 2)} m` : "";
    const row = element("li", { tabIndex: 0 }, `${fixed(point.x, 3)}, ${fixed(point.y, 3)}${away}`);
    list.append(lights(row, { point: index + 1 }, actions));
  });
  return list;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

function stepsCard(reply, actions) {
  const steps = reply.steps ?? [];
  if (!steps.length) return [];
  const again = element("button", { type: "button", class: "plain" }, "Replay");
  again.addEventListener("click", actions.replay);
  const made = card("Steps", stepList(steps, actions));
  made.querySelector("h2").append(again);
  return [made];
}

/** The list of steps; also used while they come in. */
export function stepList(steps, actions) {
  const list = element("ol", { class: "steps" });
  steps.forEach((step, index) => {
    const row = element("li", { tabIndex: 0, "data-step": index }, element("span", { class: "badge", "aria-hidden": "true" }, String(index + 1)),
      element("span", {}, element("strong", {}, step.target), element("small", {}, stepValue(step))));
    list.append(lights(row, { step: index }, actions));
  });
  return list;
}

function stepValue({ kind, value }) {
  if (kind === "Size") return `size ${fixed(value, 2)} m`;
  const numbers = Array.isArray(value) ? value.map((number) => fixed(number, 3)).join(", ") : String(value);
  return `${kind.toLowerCase()} ${numbers}`;
}

// ---- to take away --------------------------------------------------------------------------------------------------

/** The reply as it would come without the heatmap that the page asks for besides. */
export function plainJson({ heatmap, ...reply }) {
  // Numbers of a list stay on one line. Within texts JSON has no line breaks, so that only layout is changed.
  return JSON.stringify(reply, null, 2).replace(/\[\n\s+([-+\d.eE,\s]+?)\n\s+\]/g, (_, numbers) => `[${numbers.replace(/\s+/g, " ")}]`);
}

function useCard(question, reply, actions) {
  const texts = [["JSON", plainJson(reply)], ["curl", curlLines(question, document.baseURI, actions.withKey)]];
  const shown = element("pre", { class: "lines", tabIndex: 0 });
  const tabs = texts.map(([name, text]) => {
    const tab = element("button", { type: "button", class: "plain", "aria-pressed": "false" }, name);
    tab.addEventListener("click", () => choose(tab, text));
    return tab;
  });
  const copy = element("button", { type: "button", class: "plain copy" }, "Copy");
  copy.addEventListener("click", () => actions.copy(shown.textContent, copy));
  function choose(chosen, text) {
    for (const tab of tabs) tab.setAttribute("aria-pressed", tab === chosen);
    shown.textContent = text;
    shown.setAttribute("aria-label", chosen.textContent);
  }
  choose(tabs[1], texts[1][1]);
  return card("Use it", element("div", { class: "tabs" }, ...tabs, copy), shown);
}

function moreCard(reply) {
  const times = Object.entries(reply.timing_ms ?? {}).map(([name, value]) => [STAGES[name] ?? name, `${fixed(value, 1)} ms`]);
  const more = element("details", { class: "card" }, element("summary", {}, "Raw text and timing"),
    element("pre", { tabIndex: 0 }, reply.raw || "(nothing)"));
  if (times.length) more.append(table(times));
  return more;
}
