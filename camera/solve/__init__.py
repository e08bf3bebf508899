"""Where a camera looks, from the stars in its frames.

starfield.py  what may be stars in a frame, and the lens's circle
solver.py     blind, or from an earlier plate: guess, fit, accept
guess.py      first: pairs of detections laid onto pairs of stars, voted on
fit.py        then: match, fit, tighten; covariance
accept.py     last: is it the truth, or chance?
refusal.py    what to wait for, when it is neither
"""
