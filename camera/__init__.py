"""Photons -> Frame -> direction in the sky. Imports neither `models` nor `edge`."""
