"""Reading, writing and resizing images, and colour."""
