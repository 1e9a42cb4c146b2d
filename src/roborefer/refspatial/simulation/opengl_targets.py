"""What the OpenGL renderer draws into, and what each quality of picture costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import moderngl


@dataclass(frozen=True)
class Quality:
    """What a picture costs. Geometry (depth, ids, normals) is exact at any quality.

    Attributes:
        samples: Colour samples a pixel: 4 for MSAA, 1 to smooth the edges of the finished picture instead, which is
            three times as fast in software; only what is thinner than a pixel looks worse.
        shadow_map_side: Texels.
        shadow_samples: Look-ups in the shadow map a pixel.
        occlusion_samples: Look-ups for ambient occlusion a pixel.
        occlusion_stride: 1 for ambient occlusion at full size, 2 for half size.
        print_side: Side of a print, texels.
        large_print_side: Side of a print that is larger than 1.5 times ``print_side``, such as a floor's.
    """

    samples: Literal[1, 4]
    shadow_map_side: int
    shadow_samples: int
    occlusion_samples: int
    occlusion_stride: Literal[1, 2]
    print_side: int
    large_print_side: int


QUALITIES = {
    "fast": Quality(1, 1024, 6, 8, 2, 256, 512),
    "fine": Quality(4, 2048, 16, 12, 1, 512, 1024),
}


class Targets:
    """What is drawn into, for one size of image."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int], quality: Quality) -> None:
        self.size = size
        stride = quality.occlusion_stride
        half = (-(-size[0] // stride), -(-size[1] // stride))
        self.normal_and_depth = context.texture(size, 4, dtype="f4")
        self.part_image = context.texture(size, 1, dtype="u2")
        self.raw_openness = context.texture(half, 2, dtype="f4")
        self.openness = context.texture(half, 2, dtype="f4")
        self.full_openness = context.texture(size, 2, dtype="f4") if stride > 1 else self.openness
        self.picture = context.texture(size, 4)
        self.borders = context.texture(size, 1, dtype="u1")
        self._textures = [self.normal_and_depth, self.part_image, self.raw_openness, self.openness, self.picture]
        self._textures += [self.borders, *([self.full_openness] if stride > 1 else [])]
        for texture in self._textures:
            texture.filter = (context.NEAREST, context.NEAREST)
        self._buffers = [context.depth_renderbuffer(size), context.renderbuffer(size, 4)]
        self.geometry = context.framebuffer([self.normal_and_depth, self.part_image], self._buffers[0])
        self.raw_openness_target = context.framebuffer([self.raw_openness])
        self.openness_target = context.framebuffer([self.openness])
        self.full_openness_target = context.framebuffer([self.full_openness])
        self.borders_target = context.framebuffer([self.borders])
        self.resolved = context.framebuffer([self._buffers[1]])
        if quality.samples > 1:
            samples = quality.samples
            many = context.renderbuffer(size, 4, samples=samples)
            self._buffers += [many, context.depth_renderbuffer(size, samples=samples)]
            self.color = context.framebuffer([many], self._buffers[-1])
        else:
            self._buffers.append(context.depth_renderbuffer(size))
            self.color = context.framebuffer([self.picture], self._buffers[-1])

    def release(self) -> None:
        """Gives the driver's memory back."""
        targets = (self.geometry, self.raw_openness_target, self.openness_target, self.full_openness_target)
        for framebuffer in (*targets, self.borders_target, self.resolved, self.color):
            framebuffer.release()
        for texture in self._textures:
            texture.release()
        for buffer in self._buffers:
            buffer.release()
