"""Databases to test against, and a workplace to run the engine in."""
