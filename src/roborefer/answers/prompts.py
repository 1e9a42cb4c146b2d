"""What a reader asks for in words: text that questions, training and inference must write alike."""

from __future__ import annotations

# What the published model was asked with; two spaces after the first comma (paper appendix D.1).
POINT_SUFFIX = (
    "Your answer should be formatted as a list of tuples, i.e. [(x1, y1)],  where each tuple contains the x and y "
    "coordinates of a point satisfying the conditions above. The coordinates should be between 0 and 1, indicating "
    "the normalized pixel locations of the points in the image."
)
