"""Sensors: new pictures, requested runs and an outdated gallery."""
