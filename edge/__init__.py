"""The appliance: composes camera, network, radio, fusion, guard and publishing.

lettering.py  text on pictures: a real font, labels that keep off each other
panel.py      what stands beside the annotated sky: title, legend, verdict
picture.py    the annotated sky: detections, paths, cone and compass on the picture itself
"""
