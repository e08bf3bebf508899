"""The whole station on a simulated night, for a newcomer with a laptop, checked against the truth at the end.

broker.py     an MQTT broker of its own (amqtt), as a child process on the loopback interface
runfolder.py  the folder of one run: configuration, plate, elements
telescope.py  the ranging telescope and its interlock: points, and fires only while its permit lives
story.py      what to look at, moment by moment
view.py       the live screen; plain lines where there is no terminal
skymap.py     the whole sky in a few terminal cells
journals.py   what the station wrote during the run, read back
truth.py      what really happened on the sky
witness.py    what some of the frames really showed
items.py      what the summary is made of: things asked, rows, verdict
sights.py     what the network found of what the frames showed
flights.py    aircraft by aircraft: heard, seen, named rightly
permission.py held for what came near, permitted what was free?
summary.py    truth against journals: all of it asked
report.py     the summary as tables
poster.py     the annotated picture of the night
command.py    starts everything, ends it in order, judges it
"""
