"""Web applications: instances of kind ``web``, each under a host name of its own (design, section 5).

*A request* comes to :mod:`apps` by its ``Host``. :mod:`enter` turns a one-time password into an app session; every
other request finds its session in :mod:`sessions` (cookie -> :mod:`records` in Redis), and goes on as HTTP
(:mod:`exchange`) or as WebSocket (:mod:`upgrade`, then :mod:`splice`). :mod:`headers`, :mod:`cookies`,
:mod:`isolation`, :mod:`heads`, :mod:`hosts` and :mod:`frame_trail` are pure.
"""
