"""Pure decisions: which node, and why not the others."""
