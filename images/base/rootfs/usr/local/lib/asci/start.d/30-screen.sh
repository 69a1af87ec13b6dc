# The screen: Xvnc on display :1 and port 5901. It says itself when it is ready, so nothing here polls.
: "${ASCI_GEOMETRY:=1280x800}" "${ASCI_LAYOUT:=us}" "${ASCI_SCALE:=1}"

# Prints the geometry, brought into what the server and people can use.
sane_geometry() {
    [[ $1 =~ ^([0-9]{2,5})x([0-9]{2,5})$ ]] || return 1
    local width=$((10#${BASH_REMATCH[1]})) height=$((10#${BASH_REMATCH[2]}))
    width=$((width < 640 ? 640 : width > 3840 ? 3840 : width))
    height=$((height < 480 ? 480 : height > 2160 ? 2160 : height))
    printf '%sx%s' $width $height
}
wanted=$ASCI_GEOMETRY
ASCI_GEOMETRY=$(sane_geometry "$wanted") || ASCI_GEOMETRY=1280x800
[ "$wanted" = "$ASCI_GEOMETRY" ] || say "screen size $wanted is not possible, taking $ASCI_GEOMETRY"

mkdir -m 1777 /tmp/.X11-unix /tmp/.ICE-unix
[ -S /run/3dx/X0 ] && ln -sfn /run/3dx/X0 /tmp/.X11-unix/X0
printf 'add %s . %s\n' "$DISPLAY" "$(mcookie)" | xauth -q -f "$XAUTHORITY" source - 2>/dev/null
[ -r /run/3dx/Xauthority ] && xauth -q -f "$XAUTHORITY" merge /run/3dx/Xauthority 2>/dev/null

mkfifo "$run/ready" "$run/wake"
exec {wake}<>"$run/wake"
Xvnc "$DISPLAY" -displayfd 3 -geometry "$ASCI_GEOMETRY" -depth 24 -desktop "$ASCI_USER" -auth "$XAUTHORITY" \
    -rfbport 5901 -SecurityTypes VncAuth -PasswordFile "$run/vncpasswd" -UseBlacklist=0 -AlwaysShared \
    -MaxCutText 1048576 -nolisten tcp -noreset -s 0 -dpms -br -Log '*:stderr:30' \
    3>"$run/ready" > >(label xvnc) 2>&1 &
xvnc=$!
read -rt 15 <"$run/ready" || fail "the X server did not start"

if [[ $ASCI_LAYOUT =~ ^[a-z]{2,8}(\([a-z0-9_-]+\))?$ ]] && setxkbmap "$ASCI_LAYOUT" 2>/dev/null; then :; else
    say "keyboard layout $ASCI_LAYOUT is not known, taking us"
fi
