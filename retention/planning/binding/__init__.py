"""The words of the files, resolved against the live catalogue; what stands in the way, by name."""
