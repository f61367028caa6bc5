"""`policies.toml`: the policy, its rules, told events."""
