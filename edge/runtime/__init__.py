"""What keeps three processes alive and joined: clock, ring, datagrams, notify, lock, supervisor, stage."""
