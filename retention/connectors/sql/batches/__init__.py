"""One transaction after another: finding, locking, looking again, removing, rewriting and moving records."""
