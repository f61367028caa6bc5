"""The state store: the engine's own tables, their migrations, and the ledger's mirror.

It holds the ledger in one transaction with the state that the ledger describes. It *is* personal
data (cursors, records set aside): a file of mode 0600. The way in is `retention.store.state.StateStore`.
"""
