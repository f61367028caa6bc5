"""What a live database tells of itself: tables that could be datasets, and the files to begin with.

Guesses are made from the catalogue and from names. What is guessed is written so that a person sees it;
what nobody but a person can know is left empty, which `check` refuses.
"""
