# OpenGL: the probe runs beside the start of the session; the panel and the file manager wait for its word, not for ever.
/usr/local/lib/asci/probe-graphics > >(label graphics) 2>&1 &
