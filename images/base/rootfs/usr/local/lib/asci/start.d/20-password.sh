# A password file that nobody knows stands until asci-set-passwords replaces it; ln never replaces one that is there.
(
    umask 077
    head -c 16 /dev/urandom >"$run/vncpasswd.locked"
    ln "$run/vncpasswd.locked" "$run/vncpasswd" 2>/dev/null
    rm -f "$run/vncpasswd.locked"
)
