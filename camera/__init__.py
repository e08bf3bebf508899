"""Photons -> Frame -> direction in the sky. Imports neither `models` nor `edge`.

device       Frame, the Camera protocol, and what can go wrong
asi          the real camera: ZWO ASI through the vendor's library (zwoasi)
files        stored frames: FITS, PNG, JPEG, TIFF
background   sky level and noise (sep); the planes in units of noise that the network sees
frozen       is it the same picture again, a thermometer that stands still?
recorder     frames kept on disk as FITS, within a quota
geodesy      WGS-84: positions to directions
satellites   two-line elements to directions, sunlit or not
lens         fisheye "kb13": direction <-> pixel, past 90 degrees
plate        a solved camera as a checked JSON file
stars        naked-eye catalogue (data/stars.csv)
sky          where stars, Sun and Moon stand, refracted, offline
starfield    what may be stars in a frame, and the lens's circle
solver       where a camera looks, from the stars in one frame: blind, or from an earlier plate
solver_guess   first: pairs of detections laid onto pairs of stars, voted on
solver_fit     then: match, fit, tighten; covariance
solver_accept  last: is it the truth, or chance?
visibility   which sectors of the sky the stars prove to be visible
sim/         the simulated twin: sky, sensor, SDK
"""
