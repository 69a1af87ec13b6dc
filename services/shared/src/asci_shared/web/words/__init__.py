"""Words that pages of several services say: numbers with units, people, marks of states."""
