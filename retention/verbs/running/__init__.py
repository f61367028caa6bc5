"""How a run is carried out: its phases, its jobs, what it refuses, what it leaves in order."""
