"""One module a command: what the command line does, as functions. The composition root.

Each takes a `Place` (which files, which environment) and a `clock` that tells the time, and raises
`RetentionError`. Only these modules name an adapter.
"""
