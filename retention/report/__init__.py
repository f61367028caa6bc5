"""What people look at: records of the model as text for terminals, and as JSON documents.

`escape`, `words` and `documents` load no library; the others load rich, and are imported when
something is about to be shown.
"""
