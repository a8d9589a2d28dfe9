"""What happened, so that nobody can quietly change it, and without anybody's personal data.

Each serving process writes a hash chain of its own (`chain`): no lock is shared, and an event costs one INSERT. The
chains hold each other: every chain begins with the heads of the others, and repeats that once a minute, so that a
chain whose end was cut off contradicts its neighbours. `verification` reads it all back. `redaction` decides what may
be written, here and to the log.
"""
