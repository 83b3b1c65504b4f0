"""What is minimised: loss terms, the targets they compare with, and the canvas."""
