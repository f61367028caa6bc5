"""What becomes of a record, as tests: limbs, results, stops, actions, and all rules together."""
