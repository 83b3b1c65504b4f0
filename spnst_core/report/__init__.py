"""What people look at: contact sheets, plots, colour maps, close-ups and films."""
