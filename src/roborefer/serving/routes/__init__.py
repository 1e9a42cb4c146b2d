"""Where requests arrive: one module per protocol, pages, and what a monitor asks."""
