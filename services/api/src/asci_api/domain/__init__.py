"""The nouns. Pure: no clock, no network, no library beyond the standard one."""
