"""How calls divide the GPUs that they used: docs/what-did-this-image-cost.md. `attribute` runs it."""
