"""Photons -> Frame -> direction in the sky. Imports neither `models` nor `edge`.

device       Frame, the Camera protocol, and what can go wrong
asi          the real camera: ZWO ASI through the vendor's library (zwoasi)
files        stored frames: FITS, PNG, JPEG, TIFF
background   sky level and noise (sep); the planes in units of noise that the network sees
refresh      the sky's map on the live path: made anew as often as it must be
views        the two published views: "classical" and "enhanced", as 8-bit pictures
exposure     how long to expose next, from dusk to dawn
stack        five short exposures as one: the brightest that every pixel was
frozen       is it the same picture again, a thermometer that stands still?
gap          how long the camera is blind between two exposures
geodesy      WGS-84: positions to directions
satellites   two-line elements to directions, sunlit or not
lens         fisheye "kb13": direction <-> pixel, past 90 degrees
plate        a solved camera as a checked JSON file
stars        naked-eye catalogue (data/stars.csv)
sky          where stars, Sun and Moon stand, refracted, offline
starcheck    one frame's stars at their predicted pixels: how bright, how far aside
sectors      the sky in sectors some 15 degrees wide
condition    why a whole picture shows no sky: daylight, white, cap or dome closed, cloud
visibility   which sectors of the sky the stars prove to be visible, how faint
platewatch   does the plate still hold: jump, drift, a sky that stands still
mask         what hides the sky for good
masklearn    a mask from the frames of a night
sealed       small JSON files checked before they are believed
whole        files that are there whole or not at all
formats/     formats of stored frames, for `files`
frames/      what makes a raw frame true to the light: darks, hot photosites, shading
solve/       where a camera looks, from its stars
zwo/         what the driver of a ZWO camera stands on
store/       what is kept on disk
sim/         the simulated twin: sky, sensor, SDK
"""
