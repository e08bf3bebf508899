"""What keeps three processes alive and joined.

place       the private directory where the processes of one box meet
clock       sky time and monotonic time, never mixed
ring        frames from the camera's process to the judgement's
datagram    aircraft states and health, radio and camera -> judgement
notify      ready, alive, status: sd_notify
"""
