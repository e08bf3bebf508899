"""The simulated twin of the camera. Shares its pixels' path with the real one; nothing here is used in the field.

scenario   the truth of a simulated night, read by the radio's simulator too
lights     what an object's lamps send during an exposure: aircraft, satellite, meteor, own beam
backdrop   sky light, skyline and cloud
splat      points of light into a colour mosaic
laser      when the simulated laser really fired
sensor     electrons to stored units, with noise
renderer   scenario + lens + time -> raw frame, and the truth about it
faultfile  a fault asked for from outside while a simulated device runs
asi_unit   what a simulated ASI camera is: controls, ranges, state, error codes
sdk        an ASI library that renders its frames and misbehaves on request; zwoasi drives it unchanged
"""
