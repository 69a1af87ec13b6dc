"""The proxy of ASCI: browsers on one side, instances on the other, and only bytes in between."""
