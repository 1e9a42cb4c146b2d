// Small makers of elements. All text comes in as text, never as HTML: it was written by models and people.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An HTML element: properties by name, `class` and `data-`/`aria-` attributes too; children are nodes or text. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class" || key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An SVG element. */
export function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A number with a fixed count of digits, or a dash. */
export const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

export const percent = (value) => `${Math.round(100 * value)} %`;
