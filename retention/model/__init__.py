"""Domain records: frozen, keyword-only dataclasses without I/O.

This package imports nothing but the standard library and `retention.errors`.
"""
