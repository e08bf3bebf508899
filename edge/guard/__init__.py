"""May the laser fire? One pure judgement on virtual time, and the contract that carries it.

payload      every message the station sends, as checked models
situation    everything the guard may look at
facts        what the rows of the fault table read, and the limits
causes       is the cause of a row present? in words
faults       the one fault table, as data that the guard executes
cone         how near everything comes to what the beam sweeps
rules        which explained objects may pass
nearness     what that means for one beam: who holds it, who will, who comes nearest
memory       which rows of the table are in force, since when, which latched
verdict      what the guard says now, and the message that carries it
model        the guard: situation in, verdict out, never an exception
consumer     the other side: what a laser may do with a message (standard library only)
rates        do the rates a telescope says fit the way it goes?
inbound      what the network may tell the guard: pointing, hold, primary measure
"""
