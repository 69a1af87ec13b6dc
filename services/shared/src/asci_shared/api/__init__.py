"""ASCI's REST API from the other side: typed models and a client, for the services that show pages."""
