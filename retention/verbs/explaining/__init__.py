"""What `explain` says of one record: its dates, what stops it, whom it shares rows with, in words."""
