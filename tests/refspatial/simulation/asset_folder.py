"""Meshes of one's own, made in code: a blue goblet, a red radio with a face, and a yellow rubber duck with a print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

GOBLET = ((0, 0), (0.03, 0), (0.03, 0.004), (0.006, 0.01), (0.006, 0.06), (0.03, 0.08), (0.035, 0.13), (0, 0.13))


def asset_folder(folder: Path) -> Path:
    """Writes the three: a GLB with also_called, a GLB with named directions, an OBJ with material and texture."""
    folder.mkdir(parents=True, exist_ok=True)
    write(trimesh.creation.revolve(GOBLET), folder / "goblet.glb", (20, 40, 200), color="blue", also_called=["vase"])
    radio = trimesh.creation.box(extents=(0.24, 0.1, 0.16))
    write(radio, folder / "radio.glb", (200, 20, 20), color="red", front="-y", directions={"antenna": "+x"})
    write_duck(folder)
    return folder


def write(mesh: trimesh.Trimesh, path: Path, rgb: tuple[int, int, int], **facts: Any) -> None:
    """A z-up GLB and its sidecar."""
    paint = trimesh.visual.material.PBRMaterial(baseColorFactor=(*rgb, 255), metallicFactor=0.0, roughnessFactor=0.5)
    mesh.visual = trimesh.visual.TextureVisuals(material=paint)
    mesh.export(path)
    content = {"name": path.stem, "licence": "CC0-1.0", "up": "z", **facts}
    path.with_suffix(".json").write_text(json.dumps(content), encoding="utf-8")


def write_duck(folder: Path) -> None:
    body = trimesh.creation.icosphere(subdivisions=2, radius=0.04)
    head = trimesh.creation.icosphere(subdivisions=2, radius=0.022)
    head.apply_translation((0, -0.035, 0.045))
    duck = trimesh.util.concatenate([body, head])
    lines = ["mtllib duck.mtl", "usemtl rubber"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in duck.vertices]
    lines += [f"vt {0.5 + 5 * x:.4f} {0.5 + 5 * z:.4f}" for x, _, z in duck.vertices]
    lines += [
        "f " + " ".join(f"{corner}/{corner}" for corner in face) for face in (np.asarray(duck.faces) + 1).tolist()
    ]
    (folder / "duck.obj").write_text("\n".join(lines), encoding="utf-8")
    (folder / "duck.mtl").write_text("newmtl rubber\nmap_Kd duck.png\n", encoding="utf-8")
    Image.new("RGB", (8, 8), (240, 200, 30)).save(folder / "duck.png")
    content = {"name": "rubber duck", "licence": "CC-BY-4.0", "color": "yellow", "front": "-y", "rolls": True}
    (folder / "duck.json").write_text(json.dumps(content), encoding="utf-8")
