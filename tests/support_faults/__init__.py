"""What the fault tests stand on: small shops on real databases, and ways to break them."""
