"""Out of the box and into the control room, and the little that may come in.

topics   the one table of topics: direction, QoS, retain, expiry
mqtt     the only user of paho: one connection, one thread, one will
outbox   events wait on disk until the broker has acknowledged them
twins    does another box speak with this station's id?
"""
