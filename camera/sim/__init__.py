"""The simulated twin of the camera. Shares its pixels' path with the real one; nothing here is used in the field.

scenario   the truth of a simulated night, read by the radio's simulator too
lights     what an object's lamps send during an exposure: aircraft, satellite, meteor, own beam
conditions what else a night may bring, off unless asked for: Moon, Milky Way, dew, knock, dome, lamps, insects
backdrop   sky light, skyline and cloud
twilight   light of the Sun below the horizon
moonlight  the Moon's light in the air, its disc, aureole and ghost
milkyway   the galaxy's unresolved light
dew        drops on the camera's dome
fractal    noise without a scale: cloud, drops, dust lanes
splat      points of light into a colour mosaic
laser      when the simulated laser really fired
sensor     electrons to stored units, with noise
cast       what shines during one exposure, sampled in time
renderer   scenario + lens + time -> raw frame, and the truth about it
faultfile  a fault asked for from outside while a simulated device runs
asi_*      a simulated ASI library in parts:
  asi_unit      what a camera is: controls, ranges, state, error codes
  asi_faults    what may go wrong, by name
  asi_exposing  the sensor at work, and an account of every exposure
  asi_bus       cameras there or not, shaken from outside
  asi_settings  controls, temperature, region
sdk        the ASI library itself, misbehaving on request; zwoasi drives it unchanged
"""
