# Language and size of things. The size is this desktop's own: it never goes into the person's settings.
: "${LANG:=C.UTF-8}"
if ! LC_ALL=C locale -a | grep -qixF "${LANG/[Uu][Tt][Ff]-8/utf8}"; then
    say "language $LANG is not in this image, taking C.UTF-8"
    LANG=C.UTF-8
fi
export LANG
[[ $ASCI_SCALE = [12] ]] || { say "scale $ASCI_SCALE is not possible, taking 1"; ASCI_SCALE=1; }
if [ "$ASCI_SCALE" = 2 ]; then
    export DCONF_PROFILE=asci-scale-2 QT_AUTO_SCREEN_SCALE_FACTOR=0 QT_SCALE_FACTOR=2 XCURSOR_SIZE=48
fi
