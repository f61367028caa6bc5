"""From the operator's words to predicates over live tables: binding, references, fate."""
