"""The way in for people and services: thin Flask handlers."""
