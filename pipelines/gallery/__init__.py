"""The gallery: a page on loopback to walk through a generator, and what stands behind it."""
