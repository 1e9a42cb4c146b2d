// Pictures with their depth and camera, from files that a person gives or from the shipped examples.

const DEPTH_NAMES = /\.(npy|exr|tiff?)$/i;
const DECODED_TYPES = ["image/png", "image/jpeg", "image/webp"]; // by every browser

/** What cannot be used, in words for a person. */
export class FileError extends Error {}

/**
 * A picture that questions are about. It never changes: with other depth it is another picture.
 * {name, file, url, width, height, depth: File|null, depthUnit, camera, fov, pose, title, suggestions, credit,
 *  address, depthAddress} - the last two of shipped examples only. `camera` is from a file; `fov` goes before it.
 */
export async function openPicture(file, about = {}) {
  const url = URL.createObjectURL(file);
  const probe = new Image();
  probe.src = url;
  try {
    await probe.decode().catch(() => {
      throw new FileError(`${file.name || "This file"} is no picture that a browser shows: use PNG, JPEG or WebP`);
    });
    await sizeOf(file); // an Image shows half a file too
    await checkDepth(about.depth, { width: probe.naturalWidth, height: probe.naturalHeight });
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
  return {
    name: file.name || "picture.png", file, url, width: probe.naturalWidth, height: probe.naturalHeight,
    depth: null, depthUnit: "", camera: null, fov: "", pose: null, title: file.name || "Pasted picture", suggestions: [],
    credit: "", ...about,
  };
}

async function sizeOf(file) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new FileError(`${file.name || "This file"} is broken or cut short: copy it again`);
  });
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

/** Refuses depth that is broken or has another size than the picture, as far as a browser can tell. */
export async function checkDepth(depth, { width, height }) {
  if (!depth || !DECODED_TYPES.includes(depth.type)) return;
  const found = await sizeOf(depth);
  if (found.width === width && found.height === height) return;
  throw new FileError(`${depth.name} has ${found.width} × ${found.height} pixels, the picture ${width} × ${height}: depth has the picture's size`);
}

/** Sorts files that came together: {image, depth, camera}, each or null; `camera` is read already. */
export async function sortFiles(files) {
  const found = { image: null, depth: null, camera: null };
  const images = [];
  for (const file of files) {
    if (/\.json$/i.test(file.name) || file.type === "application/json") found.camera = await readCamera(file);
    else if (DEPTH_NAMES.test(file.name) || (await isDeepGrey(file))) found.depth = file;
    else if (file.type.startsWith("image/")) images.push(file);
    else throw new FileError(`${file.name} is neither a picture, nor depth, nor intrinsics`);
  }
  // Relative depth is an ordinary picture: only its name tells.
  if (!found.depth && images.length > 1) {
    const place = images.findIndex((file) => /depth/i.test(file.name));
    if (place >= 0) [found.depth] = images.splice(place, 1);
  }
  if (images.length > 1) throw new FileError(`One picture at a time, please: got ${images.length}`);
  found.image = images[0] ?? null;
  return found;
}

/** Whether a file is a PNG with one channel of 16 bits, which is how depth is kept. */
async function isDeepGrey(file) {
  if (!file.type.endsWith("png")) return false;
  const head = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  return head[24] === 16 && head[25] === 0;
}

/** {camera?, pose?}: intrinsics in any JSON form that the server reads, and world_from_camera where it is beside them. */
export async function readCamera(file) {
  let content;
  try {
    content = JSON.parse(await file.text());
  } catch {
    throw new FileError(`${file.name} is no JSON: intrinsics come as {"fx", "fy", "cx", "cy", "width", "height"}`);
  }
  const { world_from_camera: pose, ...camera } = Array.isArray(content) ? { K: content } : content;
  return { ...(Object.keys(camera).length && { camera }), ...(pose && { pose }) };
}

/** The camera of a picture, or null: of its horizontal field of view, which has square pixels, or of a file. */
export function cameraOf({ camera, fov, width, height }) {
  if (!fov) return camera;
  const focal = width / 2 / Math.tan((Number(fov) * Math.PI) / 360);
  return { fx: focal, fy: focal, cx: width / 2, cy: height / 2, width, height };
}

/** The shipped examples, as examples/index.json lists them; none if the server has none. */
export async function listExamples() {
  const response = await fetch("examples/index.json").catch(() => null);
  return response?.ok ? (await response.json()).examples : [];
}

export async function openExample(example) {
  const [file, depth] = await Promise.all([fetchFile(example.image), example.depth ? fetchFile(example.depth) : null]);
  return openPicture(file, {
    title: example.title, depth, camera: example.intrinsics ?? null, pose: example.world_from_camera ?? null,
    suggestions: example.suggestions ?? [], credit: example.credit ?? "",
    address: `examples/${example.image}`, depthAddress: example.depth ? `examples/${example.depth}` : "",
  });
}

async function fetchFile(name) {
  const response = await fetch(`examples/${name}`).catch(() => null);
  if (!response?.ok) throw new FileError(`The server did not send examples/${name}`);
  const content = await response.blob();
  return new File([content], name, { type: content.type });
}
