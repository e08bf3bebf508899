"""The appliance: composes camera, network, radio, fusion, guard and publishing.

calibrate.py  `skyspotter calibrate`: frames of a clear night into a plate file
cli.py        the command `skyspotter`; its functions parse and call
cli_*         them, in parts:
  cli_station   the station and its processes
  cli_desk      looking after it
  cli_camera    what frames tell of their camera
  cli_shared    options that several have
config.py     the station's configuration, refused with the path of what is wrong
darks.py      `skyspotter darks`: frames taken with the cap on into master darks
desk.py       `skyspotter hold`, `release` and `keep`: said at the box, never over the network
doctor.py     `skyspotter doctor`: what a station lacks, and what to do
example.py    the commented example.toml, and a configuration in words
flat.py       `skyspotter flat`: the lens's shading from the stars of some frames
lettering.py  text on pictures: a real font, labels that keep off each other
night.py      `skyspotter night`: keogram, time-lapse, star trails of a folder of frames
masking.py    `skyspotter mask`: a night or a drawing into the file of what hides the sky
panel.py      what stands beside the annotated sky: title, legend, verdict
picture.py    the annotated sky: detections, paths, cone and compass on the picture itself
records.py    small frozen records that travel between the parts
skydisc.py    the map of what the camera sees, as a small disc
starchart.py  the picture of a calibration: stars found, predicted, rejected
status.py     `skyspotter status`: the file that the judgement writes for people and programs
watch.py      `skyspotter watch`: the control room's subscriber
"""
