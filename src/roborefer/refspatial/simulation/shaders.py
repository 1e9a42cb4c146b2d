"""GLSL sources of the OpenGL renderer, one program a pass.

Frames: ``world`` is the scene's; ``view`` is the camera's (OpenCV: x right, y down, z forward). Images are drawn with
their first row at the bottom of OpenGL's window, so ``gl_FragCoord.xy`` is the pixel (u, v) with centres at .5.
Upper-case words in angle brackets are replaced by numbers when a program is built.
"""

from __future__ import annotations

_VERSION = "#version 330\n"

FULL_SCREEN_VERTEX = (
    _VERSION
    + """
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }
"""
)

# ---------------------------------------------------------------------------------------------------------- shadows

SHADOW_VERTEX = (
    _VERSION
    + """
uniform mat4 light_from_world;
in vec3 position;
void main() { gl_Position = light_from_world * vec4(position, 1.0); }
"""
)

SHADOW_FRAGMENT = _VERSION + "void main() {}\n"

# Glass lets most of the light through: one texel of four holds it back, and the soft edge evens that out.
GLASS_SHADOW_FRAGMENT = (
    _VERSION
    + """
void main() {
    ivec2 texel = ivec2(gl_FragCoord.xy) & 1;
    if (texel.x + texel.y != 0) discard;
}
"""
)

# --------------------------------------------------------------------------------------------------------- geometry

GEOMETRY_VERTEX = (
    _VERSION
    + """
uniform mat4 clip_from_world;
uniform mat4 view_from_world;
in vec3 position;
in vec3 normal;
in float part;
out vec3 view_position;
out vec3 view_normal;
flat out uint part_number;
void main() {
    view_position = (view_from_world * vec4(position, 1.0)).xyz;
    view_normal = mat3(view_from_world) * normal;
    part_number = uint(part + 0.5) + 1u;
    gl_Position = clip_from_world * vec4(position, 1.0);
}
"""
)

GEOMETRY_FRAGMENT = (
    _VERSION
    + """
in vec3 view_position;
in vec3 view_normal;
flat in uint part_number;
layout(location = 0) out vec4 normal_and_depth;
layout(location = 1) out uint part_image;
void main() {
    vec3 normal = normalize(view_normal);
    if (dot(normal, view_position) > 0.0) normal = -normal;
    normal_and_depth = vec4(normal, view_position.z);
    part_image = part_number;
}
"""
)

# One depth for all of an instance: where it is drawn twice, only the first fragment passes, so a query counts pixels.
SOLO_VERTEX = (
    _VERSION
    + """
uniform mat4 clip_from_world;
in vec3 position;
void main() { gl_Position = clip_from_world * vec4(position, 1.0); }
"""
)

SOLO_FRAGMENT = (
    _VERSION
    + """
uniform float instance_depth;
void main() { gl_FragDepth = instance_depth; }
"""
)

# ------------------------------------------------------------------------------------------------ ambient occlusion

# Writes (openness 0-1, depth). The spiral of samples turns from pixel to pixel through the 16 angles of a 4x4 tile,
# so that the mean over any 4x4 tile has no pattern left.
OCCLUSION_FRAGMENT = (
    _VERSION
    + """
uniform sampler2D normal_and_depth;
uniform vec4 intrinsics;  // fx, fy, cx, cy
uniform int stride;
out vec2 openness_and_depth;

const float RADIUS = 0.10;  // metres
const int SAMPLES = <SAMPLES>;

vec3 unproject(ivec2 pixel, float depth) {
    return vec3((vec2(pixel) + 0.5 - intrinsics.zw) / intrinsics.xy * depth, depth);
}

void main() {
    ivec2 size = textureSize(normal_and_depth, 0);
    ivec2 tile = ivec2(gl_FragCoord.xy);
    ivec2 pixel = min(tile * stride + stride / 2, size - 1);
    vec4 here = texelFetch(normal_and_depth, pixel, 0);
    float depth = here.w;
    if (depth <= 0.0) { openness_and_depth = vec2(1.0, 0.0); return; }
    vec3 center = unproject(pixel, depth);
    float turn = float((tile.x & 3) * 4 + ((tile.y * 5 + tile.x * 2) & 3)) / 16.0;
    float reach = min(RADIUS * intrinsics.x / depth, 0.2 * float(size.x));
    float occlusion = 0.0;
    for (int i = 0; i < SAMPLES; i++) {
        float fraction = (float(i) + 0.25 + 0.5 * turn) / float(SAMPLES);
        float angle = 6.2831853 * turn + 2.3999632 * float(i);
        ivec2 other = clamp(pixel + ivec2(round(fraction * reach * vec2(cos(angle), sin(angle)))), ivec2(0), size - 1);
        float other_depth = texelFetch(normal_and_depth, other, 0).w;
        vec3 offset = unproject(other, other_depth) - center;
        float range = length(offset) + 1e-5;
        float rise = max(0.0, dot(here.xyz, offset) / range - 0.1);
        occlusion += other_depth > 0.0 ? rise * max(0.0, 1.0 - range / (1.5 * RADIUS)) : 0.0;
    }
    openness_and_depth = vec2(clamp(1.0 - 2.4 * occlusion / float(SAMPLES), 0.0, 1.0), depth);
}
"""
)

# Mean over TAPS x TAPS texels of the source that lie at about the same depth. With four taps at the source's own
# size it takes the tile's pattern out; with two it brings half size up to full size.
OCCLUSION_FILTER_FRAGMENT = (
    _VERSION
    + """
uniform sampler2D source;
uniform sampler2D normal_and_depth;
uniform int stride;  // of the source, in pixels of the image
uniform int own_stride;
out vec2 openness_and_depth;

const int TAPS = <TAPS>;

void main() {
    ivec2 size = textureSize(source, 0);
    ivec2 tile = ivec2(gl_FragCoord.xy);
    ivec2 pixel = min(tile * own_stride + own_stride / 2, textureSize(normal_and_depth, 0) - 1);
    float depth = texelFetch(normal_and_depth, pixel, 0).w;
    vec2 place = (vec2(pixel) + 0.5) / float(stride);
    ivec2 first = ivec2(floor(place - 0.5 * float(TAPS) + (own_stride == stride ? 0.0 : 0.5)));
    float total = 0.0, weight = 1e-4;
    for (int row = 0; row < TAPS; row++) {
        for (int column = 0; column < TAPS; column++) {
            vec2 tap = texelFetch(source, clamp(first + ivec2(column, row), ivec2(0), size - 1), 0).xy;
            float near = max(1e-3, 1.0 - abs(tap.y - depth) / (0.015 + 0.02 * depth));
            total += near * tap.x;
            weight += near;
        }
    }
    openness_and_depth = vec2(total / weight, depth);
}
"""
)

# ----------------------------------------------------------------------------------------------------------- colour

COLOR_VERTEX = (
    _VERSION
    + """
uniform mat4 clip_from_world;
uniform mat4 light_from_world;
uniform float shadow_offset;  // metres along the normal, against self-shadowing
uniform sampler2D materials;
in vec3 position;
in vec3 normal;
in vec2 uv;
in float part;
out vec3 world_position;
out vec3 world_normal;
out vec2 print_place;
out vec3 shadow_place;
flat out vec3 base_color;
flat out vec3 finish;  // layer of the print (below 0: none), roughness, metallic
void main() {
    int row = int(part + 0.5);
    vec4 first = texelFetch(materials, ivec2(0, row), 0);
    vec4 second = texelFetch(materials, ivec2(1, row), 0);
    base_color = first.rgb;
    finish = vec3(first.a, second.xy);
    world_position = position;
    world_normal = normal;
    print_place = vec2(uv.x, 1.0 - uv.y);
    shadow_place = (light_from_world * vec4(position + normal * shadow_offset, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = clip_from_world * vec4(position, 1.0);
}
"""
)

_SHADING = """
uniform sampler2DArray prints;
uniform sampler2DArray large_prints;
uniform sampler2DShadow shadow_map;
uniform sampler2D openness;
uniform vec3 eye;
uniform vec3 light_direction;
uniform vec3 light_color;
uniform vec3 ambient;
uniform vec3 sky;
uniform vec3 ground;
uniform vec3 shadow_radius;  // in the map's 0-1 coordinates along x and y; depth bias in z
in vec3 world_position;
in vec3 world_normal;
in vec2 print_place;
in vec3 shadow_place;
flat in vec3 base_color;
flat in vec3 finish;
out vec4 color;

const int SHADOW_SAMPLES = <SHADOW_SAMPLES>;
const vec2 SHADOW_PLACES[SHADOW_SAMPLES] = vec2[](<SHADOW_PLACES>);

vec3 linear_from_srgb(vec3 c) { return c * (c * (c * 0.305306011 + 0.682171111) + 0.012522878); }

vec3 srgb_from_linear(vec3 c) {
    vec3 s = sqrt(c), t = sqrt(s);
    return 0.662002687 * s + 0.684122060 * t - 0.323583601 * sqrt(t) - 0.022541147 * c;
}

vec3 tone_mapped(vec3 c) {  // the usual rational fit of the ACES curve
    return clamp(c * (2.51 * c + 0.03) / (c * (2.43 * c + 0.59) + 0.14), 0.0, 1.0);
}

// The room as seen in a reflection: a gradient from ground to sky, a bright window and a dimmer one opposite.
vec3 surroundings(vec3 direction, float roughness) {
    vec3 tint = mix(0.62 * ground, sky, smoothstep(-0.4 - roughness, 0.5 + roughness, direction.z));
    float low = 0.80 - 0.3 * roughness, high = 0.9 + 0.1 * roughness;
    float window = smoothstep(low, high, dot(direction, vec3(-0.4615, -0.5538, 0.6923)));
    float second = smoothstep(low, high, dot(direction, vec3(0.7071, 0.5657, 0.4243)));
    return tint + (2.2 * window + 0.8 * second) * (1.0 - roughness) * sky;
}

float lit_fraction() {
    vec3 place = vec3(shadow_place.xy, clamp(shadow_place.z - shadow_radius.z, 0.0, 1.0));
    float lit = 0.0;
    for (int i = 0; i < SHADOW_SAMPLES; i++)
        lit += texture(shadow_map, vec3(place.xy + shadow_radius.xy * SHADOW_PLACES[i], place.z));
    return lit / float(SHADOW_SAMPLES);
}

vec3 print_color() {
    if (finish.x < 0.0) return base_color;
    vec3 ink = finish.x < LARGE_PRINTS ? texture(prints, vec3(print_place, finish.x), -0.5).rgb
                                       : texture(large_prints, vec3(print_place, finish.x - LARGE_PRINTS), -0.5).rgb;
    return base_color * linear_from_srgb(ink);
}

float fifth_power(float x) { float square = x * x; return square * square * x; }

// The GGX lobe of the key light, as a factor on its colour (times pi, as the light's colour is what white returns).
vec3 highlight(vec3 f0, float roughness, float facing_light, float facing_eye, vec3 normal, vec3 to_eye) {
    vec3 half_way = normalize(light_direction + to_eye);
    float facing_half = max(dot(normal, half_way), 0.0);
    float alpha = roughness * roughness * roughness * roughness;
    float spread = facing_half * facing_half * (alpha - 1.0) + 1.0;
    float lobe = min(alpha / (spread * spread), 190.0);
    float k = (roughness + 1.0) * (roughness + 1.0) / 8.0;
    float masking = 4.0 * (facing_light * (1.0 - k) + k) * (facing_eye * (1.0 - k) + k);
    return (f0 + (1.0 - f0) * fifth_power(1.0 - max(dot(to_eye, half_way), 0.0))) * lobe / masking;
}
"""

OPAQUE_FRAGMENT = (
    _VERSION
    + _SHADING
    + """
void main() {
    vec3 to_eye = normalize(eye - world_position);
    vec3 normal = normalize(world_normal);
    float facing_eye = dot(normal, to_eye);
    normal = facing_eye < 0.0 ? -normal : normal;
    facing_eye = max(abs(facing_eye), 0.02);
    float roughness = clamp(finish.y, 0.05, 1.0), metallic = finish.z;
    vec3 base = print_color();
    vec3 f0 = mix(vec3(0.04), base, metallic);
    vec3 diffuse = base * (1.0 - metallic);
    float open = texelFetch(openness, ivec2(gl_FragCoord.xy), 0).r;

    vec3 fresnel = f0 + (max(vec3(1.0 - roughness), f0) - f0) * fifth_power(1.0 - facing_eye);
    vec3 fill = diffuse * mix(ground, 1.05 * sky, normal.z * 0.5 + 0.5)
              + fresnel * surroundings(reflect(-to_eye, normal), roughness);
    vec3 radiance = ambient * open * fill;

    float facing_light = dot(normal, light_direction);
    if (facing_light > 0.0)
        radiance += light_color * facing_light * lit_fraction()
                  * (diffuse + highlight(f0, roughness, facing_light, facing_eye, normal, to_eye));
    color = vec4(srgb_from_linear(tone_mapped(0.9 * radiance)), 1.0);
}
"""
)

# Blended with premultiplied alpha: what is behind shines through a thin tint; rims and highlights are bright.
GLASS_FRAGMENT = (
    _VERSION
    + _SHADING
    + """
void main() {
    vec3 to_eye = normalize(eye - world_position);
    vec3 normal = normalize(world_normal);
    normal = dot(normal, to_eye) < 0.0 ? -normal : normal;
    float facing_eye = max(dot(normal, to_eye), 0.02);
    float roughness = clamp(finish.y, 0.05, 1.0);
    float fresnel = 0.04 + 0.96 * fifth_power(1.0 - facing_eye);
    float facing_light = max(dot(normal, light_direction), 0.0);
    vec3 mirrored = ambient * fresnel * surroundings(reflect(-to_eye, normal), roughness)
                  + light_color * facing_light * lit_fraction()
                  * highlight(vec3(0.04), roughness, facing_light, facing_eye, normal, to_eye);
    float cover = 0.10 + 0.25 * fifth_power(1.0 - 0.8 * facing_eye);
    vec3 body = print_color() * ambient * cover;
    color = vec4(srgb_from_linear(tone_mapped(0.9 * (mirrored + body))), clamp(cover + fresnel, 0.0, 1.0));
}
"""
)

# ------------------------------------------------------------------------------------------------------- smooth edges

# Which of a pixel's left (1) and upper (2) borders lie between two parts, two depths or two faces.
EDGE_FRAGMENT = (
    _VERSION
    + """
uniform sampler2D normal_and_depth;
uniform usampler2D part_image;
uniform vec4 intrinsics;  // fx, fy, cx, cy
out uint borders;

vec3 ray(ivec2 pixel) { return vec3((vec2(pixel) + 0.5 - intrinsics.zw) / intrinsics.xy, 1.0); }

bool differs(ivec2 pixel, vec4 here, uint part, ivec2 other) {
    if (other.x < 0 || other.y < 0) return false;
    if (texelFetch(part_image, other, 0).r != part) return true;
    if (part == 0u) return false;
    vec4 there = texelFetch(normal_and_depth, other, 0);
    // Where the plane through this pixel has the other one's depth: a slope is no edge.
    float expected = here.w * dot(here.xyz, ray(pixel)) / min(dot(here.xyz, ray(other)), -0.02);
    return abs(there.w - expected) > 0.01 * here.w + 0.002 || dot(here.xyz, there.xyz) < 0.8;
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    vec4 here = texelFetch(normal_and_depth, pixel, 0);
    uint part = texelFetch(part_image, pixel, 0).r;
    borders = (differs(pixel, here, part, pixel - ivec2(1, 0)) ? 1u : 0u)
            + (differs(pixel, here, part, pixel - ivec2(0, 1)) ? 2u : 0u);
}
"""
)

# Morphological anti-aliasing (Reshetov 2009) on borders known from the geometry. A straight border that steps aside
# at its end was a slanted line: it is drawn again from half a pixel aside at that end to the border's middle, and a
# pixel takes its neighbour's colour for the area that this line cuts off.
SMOOTH_FRAGMENT = (
    _VERSION
    + """
uniform sampler2D picture;
uniform usampler2D borders;
out vec4 color;

const int REACH = 8;

bool has_border(ivec2 pixel, uint side) {
    return (texelFetch(borders, clamp(pixel, ivec2(0), textureSize(borders, 0) - 1), 0).r & side) != 0u;
}

// Area of a unit step between the border and the line from 0.5 aside at the end to 0 at the middle of `length`.
float cut_off(float from, float length) {
    float to = min(from + 1.0, 0.5 * length);
    return from < to ? 0.5 * ((to - from) - (to * to - from * from) / length) : 0.0;
}

// Follows the border above (or left of) `pixel` along +-`along`; returns the steps to its end, and in `step_aside`
// whether it goes on towards the pixel's side (1), the other one (-1) or neither (0).
float follow(ivec2 pixel, ivec2 along, ivec2 across, uint side, uint crossing, bool forward, out float step_aside) {
    step_aside = 0.0;
    ivec2 place = pixel;
    for (int i = 0; i < REACH; i++) {
        ivec2 corner = forward ? place + along : place;
        bool here = has_border(corner, crossing), opposite = has_border(corner - across, crossing);
        if (here || opposite) {
            step_aside = float(here) - float(opposite);
            return float(i);
        }
        place += forward ? along : -along;
        if (!has_border(place, side)) return float(i);
    }
    return float(REACH);
}

// Share of the pixel that belongs to its neighbour across the border above `base` (left of it if along is y).
float share(ivec2 base, ivec2 along, ivec2 across, uint side, uint crossing, bool pixel_is_base) {
    if (!has_border(base, side)) return 0.0;
    float back_aside, ahead_aside;
    float back = follow(base, along, across, side, crossing, false, back_aside);
    float ahead = follow(base, along, across, side, crossing, true, ahead_aside);
    float length = back + ahead + 1.0;
    float wanted = pixel_is_base ? 1.0 : -1.0;
    return max(0.0, wanted * back_aside) * cut_off(back, length)
         + max(0.0, wanted * ahead_aside) * cut_off(ahead, length);
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy), right = ivec2(1, 0), down = ivec2(0, 1);
    color = texelFetch(picture, pixel, 0);
    bool beside = has_border(pixel, 3u) || has_border(pixel + right, 1u) || has_border(pixel + down, 2u);
    if (!beside) return;
    ivec2 last = textureSize(picture, 0) - 1;
    vec4 shares = vec4(
        share(pixel, right, down, 2u, 1u, true), share(pixel + down, right, down, 2u, 1u, false),
        share(pixel, down, right, 1u, 2u, true), share(pixel + right, down, right, 1u, 2u, false)
    );
    vec3 mixed = shares.x * texelFetch(picture, max(pixel - down, ivec2(0)), 0).rgb
               + shares.y * texelFetch(picture, min(pixel + down, last), 0).rgb
               + shares.z * texelFetch(picture, max(pixel - right, ivec2(0)), 0).rgb
               + shares.w * texelFetch(picture, min(pixel + right, last), 0).rgb;
    float total = dot(shares, vec4(1.0));
    color.rgb = (mixed + max(0.0, 1.0 - total) * color.rgb) / max(1.0, total);
}
"""
)

LARGE_PRINTS = 4096  # layers from here on are in the array of large prints


def shading_source(fragment: str, shadow_places: list[tuple[float, float]]) -> str:
    """``OPAQUE_FRAGMENT`` or ``GLASS_FRAGMENT`` with the places of its shadow samples, within a unit disc."""
    places = ", ".join(f"vec2({x:.6f}, {y:.6f})" for x, y in shadow_places)
    return (
        fragment.replace("<SHADOW_SAMPLES>", str(len(shadow_places)))
        .replace("<SHADOW_PLACES>", places)
        .replace("LARGE_PRINTS", f"{LARGE_PRINTS:.1f}")
    )


def occlusion_source(samples: int) -> str:
    """``OCCLUSION_FRAGMENT`` for this many samples a pixel."""
    return OCCLUSION_FRAGMENT.replace("<SAMPLES>", str(samples))


def occlusion_filter_source(taps: int) -> str:
    """``OCCLUSION_FILTER_FRAGMENT`` for a square of ``taps`` x ``taps`` texels."""
    return OCCLUSION_FILTER_FRAGMENT.replace("<TAPS>", str(taps))
