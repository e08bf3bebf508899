"""What may be believed of one aircraft. Doubts are published as flags with the position, never acted on in silence.

positions.py  CPR fields -> positions that agree with each other and that something flies to
conduct.py    does it fly as aircraft do? speed, acceleration, climb, velocity against positions
strength.py   is its signal as strong as its distance allows?
height.py     height above the ellipsoid from the best there is, and its doubt

Flags: nic nacp sil (it says so itself, `edge.adsb.quality`); jump duplicate-address, and for positions that are not
believed range (beyond the horizon) or incoherent (positions); speed acceleration climb altitude-jump velocity
ground-claim (conduct); signal-range (strength).
"""
