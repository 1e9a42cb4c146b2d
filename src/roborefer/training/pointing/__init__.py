"""How a small model learns to point from scratch: many questions about one picture, and heatmaps instead of digits."""
