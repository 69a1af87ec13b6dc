# The session: its own bus, then MATE.
export XDG_CURRENT_DESKTOP=MATE XDG_SESSION_DESKTOP=mate DESKTOP_SESSION=mate XDG_SESSION_TYPE=x11 XDG_MENU_PREFIX=mate-
export GTK_A11Y=none NO_AT_BRIDGE=1 GTK_MODULES='' QT_QPA_PLATFORMTHEME=gtk3
dbus-daemon --session --address="$DBUS_SESSION_BUS_ADDRESS" --fork --nopidfile || fail "the session bus did not start"
mate-session > >(label session) 2>&1 &
session=$!
