"""The whole station on a simulated night, for a newcomer with a laptop, checked against the truth at the end.

broker.py     an MQTT broker of its own (amqtt), as a child process on the loopback interface
telescope.py  the ranging telescope and its interlock: points, and fires only while its permit lives
view.py       the live terminal picture; plain lines where there is no terminal
summary.py    truth against journals: table and verdict
command.py    builds the run's folder, starts everything, ends it in order
"""
