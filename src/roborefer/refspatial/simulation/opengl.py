"""The default renderer: OpenGL through moderngl and EGL, in software on a CPU and on the GPU where there is one.

A scene is uploaded once and drawn in passes: a shadow map (once a scene), then for each camera the geometry at pixel
centres (depth, normals, part numbers), ambient occlusion from it, and the picture with four samples a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.geometry.transforms import invert_pose
from roborefer.refspatial.scene_graph import Camera
from roborefer.refspatial.simulation import shaders
from roborefer.refspatial.simulation.opengl_projection import ShadowProjection, projection_matrix, shadow_projection
from roborefer.refspatial.simulation.opengl_scene import PackedScene, UploadedScene, pack_scene
from roborefer.refspatial.simulation.opengl_targets import QUALITIES, Quality, Targets
from roborefer.refspatial.simulation.renderer import Light, RenderItem, View, check_items
from roborefer.structures import Intrinsics

if TYPE_CHECKING:
    import moderngl

_SIZES_KEPT = 4  # sizes of image whose targets stay allocated
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
_BACKGROUND = (0.8, 0.8, 0.8, 1.0)


class OpenGLRenderer:
    """Draws scenes with OpenGL 3.3. One instance serves one thread; every worker process makes its own.

    Args:
        width, height: Size of image to prepare for, pixels. Cameras of other sizes are served too.
        quality: ``fast`` for generating data, ``fine`` for pictures to look at, or a :class:`Quality`.

    Raises:
        InputError: moderngl or an EGL driver is missing, the size is 0, or the quality is unknown.
    """

    def __init__(self, width: int = 640, height: int = 480, *, quality: str | Quality = "fast") -> None:
        if width < 1 or height < 1:
            raise InputError(f"expected an image size of at least 1x1, got {width}x{height}")
        if isinstance(quality, str) and quality not in QUALITIES:
            raise InputError(f"expected the quality {' or '.join(QUALITIES)}, got {quality!r}")
        self.quality = QUALITIES[quality] if isinstance(quality, str) else quality
        self._context = _create_context()
        self._scene: UploadedScene | None = None
        self._scene_items: tuple[RenderItem, ...] = ()
        self._targets: dict[tuple[int, int], Targets] = {}
        with self._context:
            self._programs = _build_programs(self._context, self.quality)
            side = self.quality.shadow_map_side
            self._shadow_map = self._context.depth_texture((side, side))
            self._shadow_map.compare_func = "<="
            self._shadow_map.filter = (self._context.LINEAR, self._context.LINEAR)
            self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
            self._shadow_target = self._context.framebuffer(depth_attachment=self._shadow_map)
            corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
            self._corners = self._context.buffer(corners)
            self._screen_passes = {
                name: self._context.vertex_array(self._programs[name], [(self._corners, "2f", "corner")])
                for name in _SCREEN_PROGRAMS
            }
            self._targets_for((width, height))

    @property
    def device(self) -> str:
        """What draws, in the driver's words: renderer and version."""
        return _device(self._context)

    def render(self, items: Sequence[RenderItem], cameras: Sequence[Camera], light: Light) -> list[View]:
        """One view a camera.

        Items that were drawn last time, in the same order, are not uploaded again.

        Raises:
            InputError: The items cannot be drawn, a camera's pose is not rigid, or this renderer was released.
        """
        with self._current():
            scene = self._upload(items)
            shadow = shadow_projection(scene.packed, light, self.quality.shadow_map_side)
            self._draw_shadow_map(scene, shadow)
            return [self._draw_view(scene, camera, light, shadow) for camera in cameras]

    def solo_pixel_counts(self, items: Sequence[RenderItem], camera: Camera) -> dict[int, int]:
        """Pixels that each instance but 0 would cover if it were alone in this view, by instance; exact."""
        with self._current():
            scene = self._upload(items)
            context = self._context
            targets = self._targets_for((camera.intrinsics.width, camera.intrinsics.height))
            program = self._programs["solo"]
            _set(program, clip_from_world=projection_matrix(camera, scene.packed))
            targets.geometry.use()
            targets.geometry.clear(depth=1.0)
            context.enable_only(context.DEPTH_TEST)
            context.depth_func = "<"
            instances = sorted({item.instance for item in scene.packed.items} - {0})
            queries = {instance: context.query(samples=True) for instance in instances}
            for number, (instance, query) in enumerate(queries.items()):
                # Nearer than every instance before, so that these do not count against it.
                program["instance_depth"] = 1.0 - (number + 1) / (len(instances) + 1)
                with query:
                    for first, count in scene.packed.ranges(instance):
                        scene.arrays["solo"].render(vertices=count, first=first)
            return {instance: int(query.samples) for instance, query in queries.items()}

    def release(self) -> None:
        """Gives everything back to the driver; the renderer cannot be used afterwards."""
        if self._context is None:
            return
        with self._context:
            for targets in self._targets.values():
                targets.release()
            if self._scene is not None:
                self._scene.release()
            own: list[Any] = [*self._screen_passes.values(), *self._programs.values()]
            for resource in (*own, self._corners, self._shadow_target, self._shadow_map):
                resource.release()
        self._context.release()
        self._targets, self._scene, self._scene_items = {}, None, ()
        self._context = None

    def __enter__(self) -> OpenGLRenderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _current(self) -> Any:
        if self._context is None:
            raise InputError("expected a renderer that is open, got one that was released: make a new one")
        return self._context

    def _upload(self, items: Sequence[RenderItem]) -> UploadedScene:
        known = self._scene_items
        same = len(known) == len(items) and all(old is new for old, new in zip(known, items, strict=True))
        if self._scene is None or not same:
            check_items(items)
            packed = pack_scene(items, self.quality.print_side, self.quality.large_print_side)
            if self._scene is not None:
                self._scene.release()
                self._scene, self._scene_items = None, ()
            drawn = {name: self._programs[name] for name in _SCENE_PROGRAMS}
            self._scene = UploadedScene(self._context, packed, drawn)
            self._scene_items = tuple(items)
        return self._scene

    def _targets_for(self, size: tuple[int, int]) -> Targets:
        if size not in self._targets:
            if len(self._targets) == _SIZES_KEPT:
                self._targets.pop(next(iter(self._targets))).release()
            self._targets[size] = Targets(self._context, size, self.quality)
        return self._targets[size]

    def _draw_shadow_map(self, scene: UploadedScene, shadow: ShadowProjection) -> None:
        packed, context = scene.packed, self._context
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        context.enable_only(context.DEPTH_TEST)
        context.depth_func = "<"
        for name, first, end in (
            ("shadow", 0, packed.opaque_casters),
            ("glass_shadow", packed.opaque, packed.opaque + packed.glass_casters),
        ):
            _set(self._programs[name], light_from_world=shadow.light_from_world)
            scene.draw(name, first, end)

    def _draw_view(self, scene: UploadedScene, camera: Camera, light: Light, shadow: ShadowProjection) -> View:
        intrinsics = camera.intrinsics
        targets = self._targets_for((intrinsics.width, intrinsics.height))
        clip_from_world = projection_matrix(camera, scene.packed)
        self._draw_geometry(scene, camera, targets, clip_from_world)
        self._draw_occlusion(intrinsics, targets)
        self._draw_color(scene, camera, light, shadow, targets, clip_from_world)
        self._draw_smooth_edges(intrinsics, targets)
        return self._read_view(scene.packed, targets)

    def _draw_geometry(
        self, scene: UploadedScene, camera: Camera, targets: Targets, clip_from_world: NDArray[np.float64]
    ) -> None:
        context = self._context
        targets.geometry.use()
        targets.geometry.clear(depth=1.0)
        context.enable_only(context.DEPTH_TEST)
        context.depth_func = "<"
        _set(
            self._programs["geometry"],
            clip_from_world=clip_from_world,
            view_from_world=invert_pose(camera.world_from_camera),
        )
        scene.draw("geometry", 0, len(scene.packed.items))

    def _draw_occlusion(self, intrinsics: Intrinsics, targets: Targets) -> None:
        stride = self.quality.occlusion_stride
        self._context.enable_only(self._context.NOTHING)
        targets.normal_and_depth.use(0)
        program = self._programs["occlusion"]
        program["intrinsics"] = (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy)
        program["stride"] = stride
        targets.raw_openness_target.use()
        self._screen_passes["occlusion"].render()
        targets.raw_openness.use(1)
        targets.openness_target.use()
        self._screen_passes["occlusion_blur"].render()
        if stride > 1:
            targets.openness.use(1)
            targets.full_openness_target.use()
            self._screen_passes["occlusion_resize"].render()

    def _draw_color(
        self,
        scene: UploadedScene,
        camera: Camera,
        light: Light,
        shadow: ShadowProjection,
        targets: Targets,
        clip_from_world: NDArray[np.float64],
    ) -> None:
        context, packed = self._context, scene.packed
        targets.color.use()
        targets.color.clear(*_BACKGROUND, depth=1.0)
        for unit, texture in enumerate(
            (scene.prints, scene.large_prints, self._shadow_map, targets.full_openness, scene.materials)
        ):
            texture.use(unit)
        for name in ("opaque", "glass"):
            _set(
                self._programs[name],
                clip_from_world=clip_from_world,
                light_from_world=shadow.light_from_world,
                shadow_offset=shadow.offset,
                shadow_radius=shadow.radius,
                eye=camera.world_from_camera[:3, 3],
                light_direction=shadow.direction,
                light_color=light.color,
                ambient=light.ambient,
                sky=light.sky,
                ground=light.ground,
            )
        context.enable_only(context.DEPTH_TEST)
        context.depth_func = "<"
        scene.draw("opaque", 0, packed.opaque)
        if packed.opaque < len(packed.items):
            self._draw_glass(scene, camera, targets)

    def _draw_smooth_edges(self, intrinsics: Intrinsics, targets: Targets) -> None:
        if self.quality.samples > 1:
            self._context.copy_framebuffer(targets.resolved, targets.color)
            return
        self._context.enable_only(self._context.NOTHING)
        targets.normal_and_depth.use(0)
        targets.part_image.use(1)
        program = self._programs["edges"]
        program["intrinsics"] = (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy)
        targets.borders_target.use()
        self._screen_passes["edges"].render()
        targets.picture.use(0)
        targets.borders.use(1)
        targets.resolved.use()
        self._screen_passes["smooth"].render()

    def _draw_glass(self, scene: UploadedScene, camera: Camera, targets: Targets) -> None:
        """Farthest part first, and of each part the far side first."""
        context, packed = self._context, scene.packed
        context.enable_only(context.DEPTH_TEST | context.BLEND | context.CULL_FACE)
        context.blend_func = context.PREMULTIPLIED_ALPHA
        targets.color.depth_mask = False
        eye = camera.world_from_camera[:3, 3]
        centers = [packed.center(number) for number in range(packed.opaque, len(packed.items))]
        order = np.argsort([-float(np.linalg.norm(center - eye)) for center in centers], kind="stable")
        # Images are drawn top row first, which mirrors them, so that outsides turn clockwise.
        context.front_face = "cw"
        for number in order:
            for culled in ("front", "back"):
                context.cull_face = culled
                scene.draw("glass", packed.opaque + int(number), packed.opaque + int(number) + 1)
        targets.color.depth_mask = True

    def _read_view(self, packed: PackedScene, targets: Targets) -> View:
        width, height = targets.size
        rgb = np.frombuffer(targets.resolved.read(components=4), np.uint8).reshape(height, width, 4)
        geometry = np.frombuffer(targets.geometry.read(components=4, attachment=0, dtype="f4"), np.float32)
        geometry = geometry.reshape(height, width, 4)
        parts = np.frombuffer(targets.geometry.read(components=1, attachment=1, dtype="u2", alignment=1), np.uint16)
        parts = parts.reshape(height, width)
        instances = np.array([0, *(item.instance for item in packed.items)], np.uint16)
        surfaces = np.array([0, *(item.surface for item in packed.items)], np.uint8)
        return View(
            rgb=np.ascontiguousarray(rgb[..., :3]),
            depth_m=np.ascontiguousarray(geometry[..., 3]),
            ids=instances[parts],
            surface_ids=surfaces[parts],
            normals=np.ascontiguousarray(geometry[..., :3]),
        )


_SCREEN_PROGRAMS = ("occlusion", "occlusion_blur", "occlusion_resize", "edges", "smooth")
_SCENE_PROGRAMS = ("shadow", "glass_shadow", "geometry", "solo", "opaque", "glass")


def check_opengl() -> str:
    """What would draw, in the driver's words; a fraction of what making a renderer takes.

    Raises:
        InputError: moderngl or an EGL driver is missing.
    """
    context = _create_context()
    try:
        return _device(context)
    finally:
        context.release()


def _device(context: Any) -> str:
    with context:  # a driver answers for the context that is current, and with nothing where none is
        return f"{context.info['GL_RENDERER']}, OpenGL {context.info['GL_VERSION']}"


def _create_context() -> Any:
    try:
        moderngl: Any = import_module("moderngl")
    except ImportError as error:
        raise InputError("expected the package moderngl for rendering, got none: pip install moderngl") from error
    try:
        return moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:  # moderngl raises bare Exception for a missing library, driver or version
        raise InputError(
            f"expected an EGL driver with OpenGL 3.3 for rendering, got {str(error).splitlines()[0]!r}: "
            "apt install libegl1 libgl1-mesa-dri"
        ) from error


def _build_programs(context: moderngl.Context, quality: Quality) -> dict[str, moderngl.Program]:
    """All programs, with everything set that stays the same from scene to scene."""
    spiral = [
        (float(np.sqrt(f) * np.cos(i * _GOLDEN_ANGLE)), float(np.sqrt(f) * np.sin(i * _GOLDEN_ANGLE)))
        for i, f in enumerate((np.arange(quality.shadow_samples) + 0.5) / quality.shadow_samples)
    ]
    sources = {
        "shadow": (shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT),
        "glass_shadow": (shaders.SHADOW_VERTEX, shaders.GLASS_SHADOW_FRAGMENT),
        "geometry": (shaders.GEOMETRY_VERTEX, shaders.GEOMETRY_FRAGMENT),
        "solo": (shaders.SOLO_VERTEX, shaders.SOLO_FRAGMENT),
        "occlusion": (shaders.FULL_SCREEN_VERTEX, shaders.occlusion_source(quality.occlusion_samples)),
        "occlusion_blur": (shaders.FULL_SCREEN_VERTEX, shaders.occlusion_filter_source(4)),
        "occlusion_resize": (shaders.FULL_SCREEN_VERTEX, shaders.occlusion_filter_source(2)),
        "edges": (shaders.FULL_SCREEN_VERTEX, shaders.EDGE_FRAGMENT),
        "smooth": (shaders.FULL_SCREEN_VERTEX, shaders.SMOOTH_FRAGMENT),
        "opaque": (shaders.COLOR_VERTEX, shaders.shading_source(shaders.OPAQUE_FRAGMENT, spiral)),
        "glass": (shaders.COLOR_VERTEX, shaders.shading_source(shaders.GLASS_FRAGMENT, spiral)),
    }
    programs = {
        name: context.program(vertex_shader=vertex, fragment_shader=fragment)
        for name, (vertex, fragment) in sources.items()
    }
    stride = quality.occlusion_stride
    _set(programs["occlusion"], normal_and_depth=0)
    _set(programs["occlusion_blur"], normal_and_depth=0, source=1, stride=stride, own_stride=stride)
    _set(programs["occlusion_resize"], normal_and_depth=0, source=1, stride=stride, own_stride=1)
    _set(programs["edges"], normal_and_depth=0, part_image=1)
    _set(programs["smooth"], picture=0, borders=1)
    for name in ("opaque", "glass"):
        _set(programs[name], prints=0, large_prints=1, shadow_map=2, openness=3, materials=4)
    return programs


def _set(program: moderngl.Program, **values: ArrayLike) -> None:
    """Sets those uniforms that the program has; a driver drops the ones that it finds unused."""
    for name, value in values.items():
        if name not in program:
            continue
        array = np.asarray(value)
        uniform: Any = program[name]
        if array.ndim == 2:
            uniform.write(np.ascontiguousarray(array.T, np.float32))  # columns first
        else:
            uniform.value = tuple(array.tolist()) if array.ndim else array.item()
