// The two numbers under "Depth and camera": what stands there is what is sent, or it is wrong and is told so.

import { byId } from "./elements.js";

const NUMBER = /^(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const UNITS = ["m", "cm", "mm"];
const number = (text) => (NUMBER.test(text) ? Number(text) : NaN);

const FIELDS = {
  "depth-unit": {
    fits: (text) => UNITS.includes(text) || (number(text) > 0 && Number.isFinite(number(text))),
    expected: "Expected a number above 0, such as 0.001, or m, cm or mm",
  },
  fov: { fits: (text) => number(text) >= 1 && number(text) <= 175, expected: "Expected 1 to 175 degrees, such as 62.5" },
};

/** The text of a field, empty where it is wrong: then it says so beside it. */
export function readField(id) {
  const text = byId(id).value.trim();
  const fits = text === "" || FIELDS[id].fits(text);
  object(id, fits ? "" : FIELDS[id].expected);
  return fits ? text : "";
}

export function writeField(id, text) {
  byId(id).value = text;
  object(id, "");
}

/** The first field that is wrong, or undefined. */
export const wrongField = () => Object.keys(FIELDS).map(byId).find((field) => field.getAttribute("aria-invalid") === "true");

function object(id, words) {
  byId(id).setAttribute("aria-invalid", words !== "");
  byId(`${id}-wrong`).textContent = words;
}
