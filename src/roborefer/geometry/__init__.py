"""Cameras, rigid transforms, depth maps and 3D anchors: numpy in, numpy out, files only at the edge.

The conventions (pixel centres, camera frame, depth units) are stated in docs/conventions.md.
"""
