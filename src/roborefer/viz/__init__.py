"""Pictures for people: predictions, boxes and depth drawn so that they can be judged at a glance.

Everything is drawn with Pillow and its built-in font, so no font and no plotting package is needed. Nothing here
decides anything: what is drawn is what the prediction says.
"""

from roborefer.viz.depth import colorize_depth
from roborefer.viz.files import PICTURE_SUFFIXES, check_picture_path, write_picture
from roborefer.viz.pictures import contact_sheet, draw_boxes, draw_prediction
from roborefer.viz.words import describe_anchor, describe_step

__all__ = [
    "PICTURE_SUFFIXES",
    "check_picture_path",
    "colorize_depth",
    "contact_sheet",
    "describe_anchor",
    "describe_step",
    "draw_boxes",
    "draw_prediction",
    "write_picture",
]
