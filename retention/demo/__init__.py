"""Small invented companies to try the engine on: databases, policy and connectors.

Built with the standard library alone, on whatever day it is: every date is counted from the day
passed in, so that there are records on every side of every line of the company's policy.
"""
