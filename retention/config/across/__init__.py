"""What the files say together: every word spelt out, nothing that contradicts."""
