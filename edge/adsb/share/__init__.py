"""What other programs may have of the ear.

server.py         one TCP port, many clients, none of which can slow the ear
beast.py          a frame as Beast binary, the inverse of sources/beast.py
sbs.py            a message as a BaseStation line
aircraft_json.py  the table as readsb's aircraft.json
"""
