"""What an auditor is shown: signed checkpoints, what was published, a record that is not there."""
