"""Runs on schedule: when, how often, what it waits for, and what it tells whom.

It knows the verbs only as functions that it is given.
"""
