// The scene from above: the camera, what it sees, and how far the points are.

import { drawn, fixed } from "./elements.js";

const WIDTH = 320;
const HEIGHT = 190;
const FOOT = 22; // from the camera to the lower edge
const STEPS_M = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50];

/**
 * A drawing of points [X, Y, Z] (metres, camera frame) seen from above.
 * @param camera {fx, width} of the picture, or null when it is not known
 */
export function topView(points, camera) {
  const far = 1.25 * Math.max(...points.map(([, , z]) => z));
  const side = 1.15 * Math.max(...points.map(([x]) => Math.abs(x)));
  const scale = Math.min((HEIGHT - FOOT - 10) / far, (WIDTH / 2 - 8) / Math.max(side, 1e-6)); // px a metre
  const reach = (HEIGHT - FOOT) / scale;
  const at = (x, z) => [WIDTH / 2 + x * scale, HEIGHT - FOOT - z * scale];
  const view = drawn("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "top-view", role: "img",
    "aria-label": `From above: the point is ${fixed(points[0][2], 2)} m ahead and ${sideways(points[0][0])}`,
  });
  if (camera) view.append(wedge(camera, reach, at));
  view.append(...arcs(reach, scale, at));
  points.forEach(([x, , z], index) => {
    const [left, top] = at(x, z);
    const [footX, footY] = at(0, 0);
    view.append(drawn("line", { x1: footX, y1: footY, x2: left, y2: top, class: "ray" }),
      drawn("circle", { cx: left, cy: top, r: index ? 4 : 6, class: "spot" }));
  });
  const [footX, footY] = at(0, 0);
  view.append(drawn("path", { d: `M${footX - 9} ${footY + 12}h18l-9 -14z`, class: "camera" }));
  return view;
}

function sideways(x) {
  if (Math.abs(x) < 0.005) return "straight ahead";
  return `${fixed(Math.abs(x), 2)} m to the ${x < 0 ? "left" : "right"}`;
}

/** What the camera sees, as a triangle. */
function wedge({ fx, width }, reach, at) {
  const half = (reach * width) / 2 / fx;
  const corners = [at(0, 0), at(-half, reach), at(half, reach)].map((corner) => corner.map((value) => value.toFixed(1)).join(","));
  return drawn("polygon", { points: corners.join(" "), class: "seen" });
}

function arcs(reach, scale, at) {
  const step = STEPS_M.find((metres) => reach / metres <= 4) ?? reach / 3;
  const made = [];
  for (let radius = step; radius < reach * 0.98; radius += step) {
    const [x, y] = at(0, 0);
    const length = radius * scale;
    const [left, right] = [-0.9, 0.9].map((angle) => [x + length * Math.sin(angle), y - length * Math.cos(angle)]);
    made.push(drawn("path", { d: `M${left.join(" ")}A${length} ${length} 0 0 1 ${right.join(" ")}`, class: "arc" }),
      drawn("text", { x: right[0] + 5, y: right[1] + 4 }, `${Number(radius.toFixed(2))} m`));
  }
  return made;
}
