# What the start script leaves out of the log: lines that frighten and mean nothing, and statistics that nobody asked for.
/^[[:space:]]*$/d
# Xvnc: its name, the time at each connection, what it drew for whom, and the health check, which looks and goes away again
/^Xvnc TigerVNC|^Copyright \(C\)|^See https:|^Underlying X server/d
/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [0-9]{4}$/d
/^ *(EncodeManager|ComparingUpdateTracker|SConnection):/d
/VNCSConnST: +(Server default|Client) pixel format/d
/(127\.0\.0\.1|\[?::1\]?)::?[0-9]+/d
# X without root and without a GPU of its own: each is as it should be
/(_XSERV|_Ice)Transmkdir: Owner of|Could not find any render nodes|Failed to initialize DRI3|mieq: warning/d
# parts of MATE that look for services which a container does not have, and go on without them
/org\.a11y|at-spi|accessibility bus|AT-SPI|Failed to load module/d
/systemd1|login1|ConsoleKit|UPower|UDisks|PolicyKit/d
/unsetenv\(\) is not thread-safe|Failed to register client:.*AlreadyRegistered/d
