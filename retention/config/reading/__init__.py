"""How one file, table and value is read: every mistake a finding."""
