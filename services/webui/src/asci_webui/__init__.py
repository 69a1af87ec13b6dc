"""The portal: pages for scientists. Knows the API and nothing else."""

VERSION = "0.1.0"
