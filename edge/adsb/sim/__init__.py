"""What a dongle would hear of a simulated night.

encode.py      messages of simulated aircraft (the inverse of decode)
signal.py      their samples, with noise
librtlsdr.py   a simulated librtlsdr under the real pyrtlsdr
"""
