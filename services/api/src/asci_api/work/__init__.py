"""The verbs, a file each: what ASCI does, in terms of domain and ports."""
