"""Out of the box and into the control room, and the little that may come in.

publisher.py  all of it behind one door, by kind and beam
topics.py     the one table of topics: direction, QoS, retain, expiry
messages.py   what goes to the broker, what comes back, what became of it
mailbox.py    between the threads that publish and the one that owns the socket
link.py       the thread that connects, reconnects and never makes anybody wait
mqtt.py       one connection, the only user of paho
outbox.py     events wait on disk until the broker has acknowledged them
twins.py      does another box speak with this station's id?
"""
