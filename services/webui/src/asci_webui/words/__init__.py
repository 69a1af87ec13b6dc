"""Everything the portal says about sessions, in one place: numbers, states, people."""
