"""The API and the controller of ASCI: one package, one image, two entries (``wsgi`` and ``controller``)."""
