"""The pages for administrators. Knows the API and nothing else."""

VERSION = "0.1.0"
