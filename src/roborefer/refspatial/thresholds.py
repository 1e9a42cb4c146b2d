"""Every threshold of the data engine in one place: below it a thing may be true, but it is not asked.

A relation always has a value. Whether a question may state it is decided here, so that two people who look at the
picture would give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """What must be exceeded before a question may state it. Lengths in metres, areas in square metres.

    Attributes:
        visible_fraction: Least share of an object that must be seen; with less, people name it wrongly.
        object_share: Least share of the image's pixels that an object covers (8 x 8 pixels at 320x240).
        left_right_m: Offset of centres along the camera's x.
        left_right_overlap: The same offset over the sum of both half widths: two plates that are 3 cm apart from
            being in line are not left and right of each other.
        left_right_image: Offset of what is seen of both over the image's width: perspective may swap the order.
        front_behind_m: Offset of nearest corners along the camera's z, and of the centres along the viewer's level
            forward direction; both must agree, since a camera that looks down sees a tall thing's top nearer.
        closer_m, closer_share: Difference of distances from the camera, and its share of the smaller one.
        above_m: Difference of the centres' heights.
        above_overlap_m: How far the lower one may reach above the higher one's underside: a bottle beside a cup is
            not above it, however high its centre is.
        above_image: Difference of rows over the image's height.
        taller_m, taller_share: Difference of heights, and its share of the larger.
        bigger_ratio: Larger volume over smaller, less 1; below about a half people disagree.
        wider_m, wider_share: Difference of widths as seen, and its share of the larger.
        between_m: How far inside the corridor between two anchors (or outside it).
        between_width: Half width of this corridor over its length.
        between_level_m: Largest difference of the undersides of the three objects.
        touch_m: Largest gap between surfaces that counts as touching.
        separate_m: Least gap between boxes at which two things are seen to be apart.
        far_m, far_margin_m: Gap from which on things are far from each other, and how far from it to stay.
        inside_share: Least share of an object's box within its container's box where the scene says it is inside (a
            spoon stands out of a cup).
        outside_share: Largest such share at which an object is clearly outside.
        facing_degrees, facing_margin_degrees: Largest angle between an object's front and the direction to what it
            faces, and how far from it to stay.
        rotation_degrees: Least turn of the camera, or turn between two objects, that is asked for.
        rotation_dominance: How many times the other turn a camera's turn must be to be named alone.
        level_distance_m: Least level distance from the camera at which a heading to an object is meaningful.
        corner_share: Side of a corner's region over the surface's side.
        edge_share: Depth of an edge's region over the surface's side.
        place_m: How far inside a corner's or edge's region an object must stand.
        surface_turn_degrees: Largest angle between the viewer's forward direction and a surface's side for "far" and
            "left" to be plain.
        rectangle_share: Least share of its rectangle that a surface must fill to have corners.
        center_m, center_share: How far the centre of what is seen may lie from the box's: constant, and share of the
            box's diagonal. It is the tolerance of all numbers made from centres.
        size_share: Tolerance of a size, as in the paper's reward (section 3.3: 15 %).
        depth_m, depth_share: Tolerance of a depth: constant, and share of it.
        depth_spread: Largest spread (10th to 90th percentile) of an object's depth over its median to state one depth.
        quantity_share: Largest tolerance over value at which a number may be asked for.
        angle_tolerance_degrees: Largest tolerance at which an angle may be asked for.
        rank_distance_m, rank_distance_share: Difference of two objects' distances from an anchor, and its share of
            the larger.
        occlusion_m: Largest difference between a point's depth and the depth image's where it is seen (paper B.2).
        sector_degrees, sector_radius_m: Beside an anchor: full angle, and least radius; the radius is the diagonal of
            the anchor's footprint where that is larger (paper B.2).
        shrink: Share of a top, an inside or a footprint that is used (paper B.2).
        vacant_m2, vacant_share, vacant_least_m2: Least free area between, on and in things: this share of the
            surface, 0.036 m^2 at most (the paper's for rooms, B.2) and the last at least (a bowl's floor).
        vacant_beside_m2: The same at most for places beside and under things and at corners and edges.
        vacant_fraction: Least share of an offset's disc that must be free.
        offset_radius_m, offset_radius_share: Radius of the disc that "0.2 m to the left" means: constant, and share of
            the distance.
        seen_sector, seen_area, seen_inside: Least share of a free region that the camera must see: for sectors,
            corners and edges 2,000 of 9,000 points; for all others 6,000 of 10,000 (paper B.2), but less inside
            things, whose near wall always hides a part.
        clearance_m: How far free space stays away from footprints.
        overhang_m, stack_m: Things whose underside is less than this above a surface are in the way: wherever they
            rest, and if they rest on something that stands there. The first is also how high an anchor may be above
            a surface for places beside it.
        region_share: Least share of the image's pixels that a region covers.
        region_radius: Least distance, over the image's width, from the answer's point to the region's outline.
    """

    visible_fraction: float = 0.4
    object_share: float = 0.0008
    left_right_m: float = 0.03
    left_right_overlap: float = 0.3
    left_right_image: float = 0.03
    front_behind_m: float = 0.03
    closer_m: float = 0.03
    closer_share: float = 0.04
    above_m: float = 0.02
    above_overlap_m: float = 0.01
    above_image: float = 0.05
    taller_m: float = 0.015
    taller_share: float = 0.15
    bigger_ratio: float = 0.5
    wider_m: float = 0.015
    wider_share: float = 0.15
    between_m: float = 0.02
    between_width: float = 0.25
    between_level_m: float = 0.05
    touch_m: float = 0.005
    separate_m: float = 0.02
    far_m: float = 0.25
    far_margin_m: float = 0.08
    inside_share: float = 0.25
    outside_share: float = 0.1
    facing_degrees: float = 45.0
    facing_margin_degrees: float = 15.0
    rotation_degrees: float = 5.0
    rotation_dominance: float = 2.0
    level_distance_m: float = 0.15
    corner_share: float = 0.25
    edge_share: float = 0.2
    place_m: float = 0.01
    surface_turn_degrees: float = 30.0
    rectangle_share: float = 0.9
    center_m: float = 0.01
    center_share: float = 0.15
    size_share: float = 0.15
    depth_m: float = 0.01
    depth_share: float = 0.02
    depth_spread: float = 0.15
    quantity_share: float = 0.25
    angle_tolerance_degrees: float = 15.0
    rank_distance_m: float = 0.03
    rank_distance_share: float = 0.15
    occlusion_m: float = 0.025
    sector_degrees: float = 90.0
    sector_radius_m: float = 0.20
    shrink: float = 0.8
    vacant_m2: float = 0.036
    vacant_share: float = 0.005
    vacant_least_m2: float = 0.0012
    vacant_beside_m2: float = 0.004
    vacant_fraction: float = 0.6
    offset_radius_m: float = 0.02
    offset_radius_share: float = 0.1
    seen_sector: float = 2_000 / 9_000
    seen_area: float = 6_000 / 10_000
    seen_inside: float = 0.3
    clearance_m: float = 0.01
    overhang_m: float = 0.05
    stack_m: float = 0.30
    region_share: float = 0.0008
    region_radius: float = 0.006


THRESHOLDS = Thresholds()
"""What all rooms use."""
