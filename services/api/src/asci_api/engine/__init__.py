"""The only importer of docker: one adapter for one node's engine."""
