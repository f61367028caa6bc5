"""May this go on? Each module answers one such question with a typed reason; none acts."""
