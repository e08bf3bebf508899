"""Who is it, where will it be: trails, transponders and orbits become the objects of one sky.

fuse         Fusion: see an exposure, hear aircraft, ask for objects
sightings    trails of one exposure: checked, sampled, pieces joined
greatcircle  straight flight on the sky: fit, prediction, uncertainty
tracks       which sighting continues which; tentative, confirmed, coasting
heard        who of the aircraft heard has a place on the sky; bounded in number and age
associate    one chi-square for trail against path; global nearest neighbour
satellites   watched folder of element sets, propagated all at once
telescope    where it points, as far as it said so, and its beam as the camera sees it
identify     the rules that may explain a sighting; otherwise it is an aircraft
evidence     what one exposure adds to the evidence on its tracks
explain      the verdict on a track, and the words for it
objects      aircraft heard, tracks, the own beam and a crowd as objects of one sky
"""
