# The home folder; without a writable one a private home that ends with this session. asci-set-upstream says so.
export HOME=$ASCI_HOME USER=$ASCI_USER LOGNAME=$ASCI_USER SHELL=/bin/bash
if ! { [ -d "$HOME" ] && [ -w "$HOME" ] && : >"$HOME/.asci-write-test"; } 2>/dev/null; then
    say "home folder $ASCI_HOME is not writable: using a private one that ends with this session"
    export HOME=$run/home
    mkdir -m 0700 "$HOME"
    cp -rT /etc/skel "$HOME"
    sed -i "s|:$ASCI_HOME:|:$HOME:|" "$run/nss/passwd"
fi
rm -f "$ASCI_HOME/.asci-write-test" 2>/dev/null
cd "$HOME" || fail "cannot enter $HOME"
