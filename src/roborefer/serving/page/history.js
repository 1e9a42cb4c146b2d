// What was asked in this session: kept in memory, forgotten with the tab.

import { byId, element, percent } from "./elements.js";
import { saysNothingFits } from "./reply.js";

const MOST = 50;
const entries = []; // oldest first: {question, reply}

export const lastIndex = () => entries.length - 1;
export const entryAt = (index) => entries[index];

/** Keeps an answer and returns its place. The oldest leave when there are too many. */
export function remember(entry) {
  entries.push(entry);
  if (entries.length > MOST) entries.shift();
  return lastIndex();
}

/** Whether an answer of this session is about the picture, so that its address must live on. */
export const isUsed = (picture) => entries.some(({ question }) => question.picture.url === picture.url);

/** Shows the list, newest first. */
export function showHistory(current, onChoose) {
  byId("past").hidden = entries.length === 0;
  const items = entries.map((entry, index) => item(entry, index === current, () => onChoose(index)));
  byId("history").replaceChildren(...items.reverse());
}

function item({ question, reply }, isCurrent, onChoose) {
  const [point] = reply.points;
  const thumb = element("span", { class: "thumb" }, element("img", { src: question.picture.url, alt: "" }));
  if (point) {
    const spot = element("span", { class: "spot" });
    spot.style.left = `${100 * point.x}%`;
    spot.style.top = `${100 * point.y}%`;
    thumb.append(spot);
  }
  const told = point ? (Number.isFinite(point.score) ? percent(point.score) : "") : saysNothingFits(reply) ? "nothing fits" : "no point";
  const button = element("button", { type: "button" }, thumb,
    element("span", { class: "name" }, question.instruction), element("small", {}, told));
  if (isCurrent) button.setAttribute("aria-current", "true");
  button.addEventListener("click", onChoose);
  return element("li", {}, button);
}
