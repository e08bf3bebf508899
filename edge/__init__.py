"""The appliance: composes camera, network, radio, fusion, guard and publishing.

calibrate.py  `skyspotter calibrate`: frames of a clear night into a plate file
cli.py        the command `skyspotter`; its functions parse and call
cli_*         them, in parts:
  cli_station   the station and its processes
  cli_desk      looking after it
  cli_camera    what is made of stored frames
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

capture/      the eye: the camera's process
adsb/         the ear: 1090 MHz samples -> Mode S messages -> one state per aircraft
vision/       the judgement: frames, aircraft and pointing in; tracks and the permission out
fusion/       trails, transponders and orbits become the objects of one sky
guard/        may the laser fire? the judgement's rules, and the contract that carries it
publish/      out of the box and into the control room
runtime/      what keeps three processes alive and joined
watch/        `skyspotter watch`: the control room's subscriber
replay/       `skyspotter replay`: recorded nights through the very same pipeline
demo/         `skyspotter demo`: the whole station on a simulated night, checked against the truth
weaklabels/   `skyspotter labels`: a station's own nights as labels to train on
"""
