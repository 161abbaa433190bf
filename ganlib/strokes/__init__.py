"""Pictures that are drawn once and shown twice: as SVG on pages that follow light and dark, and as pixels."""
