"""The control room's subscriber. It only listens.

It follows the consumer's rule (`edge.guard.consumer`) to the letter, so what it shows is what an interlock may do.

state.py    what was heard of one beam, and what follows
screen.py   the same as a screen of a terminal
letters.py  large letters
command.py  `skyspotter watch`
"""
