"""The way in for time: the loops of the controller process."""
