"""Out of the box and into the control room, and the little that may come in.

publisher.py  all of it behind one door, by kind and beam
topics.py     the one table of topics: direction, QoS, retain, expiry
mqtt.py       the only user of paho: one connection, one thread, one will
outbox.py     events wait on disk until the broker has acknowledged them
twins.py      does another box speak with this station's id?
"""
