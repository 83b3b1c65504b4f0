"""The gallery: a folder of static pages that show a grid of pastiches. They open from disk and need no network."""
