/^[[:space:]]*$/d
# the banner of Xvnc, and the addresses of its makers
/^Xvnc TigerVNC|^Copyright \(C\)|^See https:|^Underlying X server/d
# the health check looks for the banner and goes away again
/127\.0\.0\.1[:@]+[0-9]+|::1[:@]+[0-9]+/d
# programs that look for services a container does not have: harmless, each is handled by the one who writes it
/org\.a11y|at-spi|accessibility bus|AT-SPI/d
/Gtk-Message: .*Failed to load module/d
/systemd1|login1|ConsoleKit|UPower|UDisks|PolicyKit/d
