"""Environments and notices as operators write them."""
