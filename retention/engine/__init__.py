"""The batch and what goes on around it: pace, recovery, the end of a job."""
