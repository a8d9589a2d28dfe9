"""The steps from an empty durable store to this version, run by Alembic (`broker migrate`).

One file per revision, numbered without gaps. A released revision is never edited: a change is a new file.
"""
