"""The ledger's formats and their verification: line, tree, note, evidence. Pure; fixed for ever.

Modules are imported by name (`retention.ledger.line`, …), so that one who only
parses a line loads no cryptography.
"""
