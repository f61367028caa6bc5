"""A web store in Norway: customers with their accounts, and orders with all that belongs to them."""
