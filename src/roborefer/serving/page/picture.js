// What is drawn on the picture: the point, its rivals, the steps that led to it, and where the model looked.

import { byId, drawn, percent } from "./elements.js";

const ARROW_PX = 52;
const NEAR_PX = 16; // marks closer than this would hide each other
// Dark violet to yellow, as matplotlib's "inferno": red, green, blue at five places from 0 to 1.
const RAMP = [[20, 11, 52], [101, 21, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];

/** Puts a picture on the stage; null clears it. */
export function showPhoto(picture) {
  const photo = byId("photo");
  photo.hidden = picture === null;
  byId("empty").hidden = picture !== null;
  if (picture === null) return photo.removeAttribute("src");
  if (photo.src !== picture.url) photo.src = picture.url;
  photo.width = picture.width;
  photo.height = picture.height;
  byId("frame").style.setProperty("--ratio", picture.width / picture.height);
  photo.alt = `The picture ${picture.title}`;
  return undefined;
}

/**
 * Draws anew.
 * @param view {reply|null, steps, shown: how many steps are visible, answered: whether the point is, newest: what has
 *   just come ("step" | "answer" | ""), lit: {step} | {point} | null, rivals: boolean, heat: boolean}
 */
export function draw(view) {
  const photo = byId("photo");
  const size = { width: photo.clientWidth, height: photo.clientHeight };
  const marks = byId("marks");
  marks.setAttribute("viewBox", `0 0 ${Math.max(size.width, 1)} ${Math.max(size.height, 1)}`);
  const layers = photo.hidden ? [] : [...way(view, size), ...rivals(view, size), ...steps(view, size), ...answers(view, size)];
  marks.replaceChildren(...layers);
  marks.setAttribute("aria-label", inWords(view));
  drawHeat(view);
}

const at = ([x, y], { width, height }) => [x * width, y * height];
const placeOf = (step) => (step.kind === "Position" && Array.isArray(step.value) ? step.value : null);
const classes = (...names) => names.filter(Boolean).join(" ");

/** Where an orientation or a size belongs: the position of the same thing, or the one before it. */
export function placeNear(steps, index) {
  const own = placeOf(steps[index]);
  if (own) return own;
  const before = steps.slice(0, index).filter(placeOf);
  const same = before.findLast((step) => step.target === steps[index].target);
  const found = same ?? before.at(-1);
  return found ? placeOf(found) : null;
}

const stepPlaces = (view, size) => view.steps.slice(0, view.shown).map(placeOf).filter(Boolean).map((place) => at(place, size));

/** Where a plate would hide a step, or a rival and the words below it. */
function takenPlaces(view, size) {
  const rivalPlaces = view.rivals ? (view.reply?.rivals ?? []).map((rival) => at([rival.x, rival.y], size)) : [];
  return [...stepPlaces(view, size), ...rivalPlaces, ...rivalPlaces.map(([x, y]) => [x, y + 19])];
}

/** The dashed way from step to step to the answer. */
function way(view, size) {
  const places = view.steps.slice(0, view.shown).map(placeOf).filter(Boolean);
  const point = view.answered && view.reply?.points[0];
  if (point) places.push([point.x, point.y]);
  if (places.length < 2) return [];
  const points = places.map((place) => at(place, size).join(",")).join(" ");
  return [drawn("polyline", { points, class: "way halo" }), drawn("polyline", { points, class: "way" })];
}

/** Whether the answer is drawn at this place, where it would hide another mark. */
function isAnswered(view, [x, y], size) {
  return view.answered && (view.reply?.points ?? []).some((point) => isNear(at([point.x, point.y], size), [x, y]));
}

const isNear = ([x, y], [u, v]) => Math.hypot(x - u, y - v) < NEAR_PX;

function steps(view, size) {
  const made = []; // arrows lie below the numbers
  view.steps.slice(0, view.shown).forEach((step, index) => {
    const place = placeNear(view.steps, index);
    if (!place) return;
    let [x, y] = at(place, size);
    // The last step is often the answer itself: its number then stands beside the ring.
    if (step.kind === "Position" && isAnswered(view, [x, y], size)) [x, y] = [Math.max(x - 20, 11), Math.max(y - 20, 11)];
    const lit = view.lit?.step === index;
    const fresh = view.newest === "step" && index === view.shown - 1;
    const group = drawn("g", { class: classes("step", lit && "lit", fresh && "fresh"), "data-step": index });
    if (step.kind === "Orientation") group.append(...arrow(step.value, x, y));
    if (step.kind === "Position") {
      group.append(drawn("rect", { x: x - 10, y: y - 10, width: 20, height: 20, rx: 6 }),
        drawn("text", { x, y: y + 4.5, class: "number" }, String(index + 1)));
    }
    if (lit || fresh) group.append(label(stepLabel(step, index), x, y, size));
    if (step.kind === "Orientation" && !lit && !fresh) made.unshift(group);
    else made.push(group);
  });
  return made;
}

function stepLabel(step, index) {
  const size = step.kind === "Size" && Number.isFinite(step.value) ? `: ${step.value.toFixed(2)} m` : "";
  const text = `${step.kind === "Position" ? "" : `${index + 1} `}${step.target}${size}`;
  return text.length > 44 ? `${text.slice(0, 43)}…` : text;
}

/** A direction of the camera frame (x right, y down, z forward), seen in the picture. */
function arrow([right, down], x, y) {
  const [tipX, tipY] = [x + right * ARROW_PX, y + down * ARROW_PX];
  const angle = Math.atan2(down, right);
  const wing = (turn) => `${tipX - 10 * Math.cos(angle + turn)},${tipY - 10 * Math.sin(angle + turn)}`;
  const line = { x1: x, y1: y, x2: tipX, y2: tipY };
  return [drawn("line", { ...line, class: "arrow halo" }), drawn("line", { ...line, class: "arrow" }),
    drawn("polygon", { points: `${tipX},${tipY} ${wing(0.45)} ${wing(-0.45)}`, class: "arrowhead" })];
}

function rivals(view, size) {
  if (!view.rivals || !view.answered) return [];
  const taken = stepPlaces(view, size);
  const places = (view.reply?.rivals ?? []).map((rival) => [rival, at([rival.x, rival.y], size)]);
  return places.filter(([, own]) => !taken.some((place) => isNear(place, own))).map(([rival, [x, y]]) => {
    const group = drawn("g", { class: "rival" });
    group.append(drawn("circle", { cx: x, cy: y, r: 9, class: "halo" }), drawn("circle", { cx: x, cy: y, r: 9 }));
    if (Number.isFinite(rival.score)) group.append(drawn("text", { x, y: y + 23 }, percent(rival.score)));
    return group;
  });
}

function answers(view, size) {
  if (!view.answered) return [];
  return (view.reply?.points ?? []).map((point, index, all) => {
    const [x, y] = at([point.x, point.y], size);
    const group = drawn("g", {
      class: classes("point", view.lit?.point === index && "lit", view.newest === "answer" && "fresh"), "data-point": index,
    });
    group.append(drawn("circle", { cx: x, cy: y, r: 13, class: "ping" }), drawn("circle", { cx: x, cy: y, r: 13, class: "halo" }),
      drawn("circle", { cx: x, cy: y, r: 13, class: "ring" }), drawn("circle", { cx: x, cy: y, r: 3.5, class: "dot" }));
    const text = pointLabel(point, all.length > 1 ? index + 1 : null);
    if (text) group.append(label(text, x, y, size, takenPlaces(view, size)));
    return group;
  });
}

function pointLabel(point, number) {
  const told = [number && `${number}`, point.xyz && point.valid && `${Math.hypot(...point.xyz).toFixed(2)} m`];
  return told.filter(Boolean).join("  ");
}

/** Words on a dark plate beside a mark, on the first side where there is room and no other mark. */
function label(text, x, y, size, taken = []) {
  const width = 7 * text.length + 14;
  const sides = [[x + 20, y - 11], [x - 20 - width, y - 11], [x - width / 2, y + 20], [x - width / 2, y - 42]];
  const hides = ([left, top]) => taken.some(([u, v]) => u > left - 12 && u < left + width + 12 && v > top - 12 && v < top + 34);
  const fits = ([left, top]) => left >= 2 && left + width <= size.width - 2 && top >= 2 && top <= size.height - 24;
  const [wantedLeft, wantedTop] = sides.find((side) => fits(side) && !hides(side)) ?? sides.find(fits) ?? sides[0];
  const left = Math.max(Math.min(wantedLeft, size.width - width - 2), 2);
  const top = Math.min(Math.max(wantedTop, 2), size.height - 24);
  const group = drawn("g", { class: "plate" });
  group.append(drawn("rect", { x: left, y: top, width, height: 22, rx: 6 }),
    drawn("text", { x: left + width / 2, y: top + 15.5 }, text));
  return group;
}

function inWords(view) {
  const point = view.answered && view.reply?.points[0];
  if (!point) return "Nothing is marked yet";
  return `The point is marked at ${percent(point.x)} from the left and ${percent(point.y)} from the top`;
}

function drawHeat(view) {
  const canvas = byId("heat");
  const heat = view.answered && view.heat ? view.reply?.heatmap : null;
  canvas.hidden = !heat;
  if (!heat) return;
  canvas.width = canvas.height = heat.size;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(heat.size, heat.size);
  const most = Math.max(...heat.values, 1e-9);
  heat.values.forEach((value, index) => {
    // The square root shows the rivals too, which are far below the best cell.
    const strength = Math.sqrt(Math.max(value, 0) / most);
    pixels.data.set([...colour(strength), Math.round(255 * (0.35 + 0.5 * strength))], 4 * index);
  });
  context.putImageData(pixels, 0, 0);
}

function colour(strength) {
  const place = Math.min(Math.max(strength, 0), 1) * (RAMP.length - 1);
  const lower = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[lower].map((value, channel) => Math.round(value + (place - lower) * (RAMP[lower + 1][channel] - value)));
}
