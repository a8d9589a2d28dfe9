"""Peers as this installation sees them.

`validation` judges what was read, `views` turns a stored record and what an administrator said about it into what
policy sees, `directory` answers the logins of one worker from the active version, `declarations` says what our own
metadata declare.
"""
