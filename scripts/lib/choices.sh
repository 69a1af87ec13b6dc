# shellcheck shell=bash
# What an operator may choose, judged before anything is built or remembered.
# Sourced after scripts/lib/settings.sh and scripts/lib/say.sh.

a_port() { [[ $1 =~ ^[0-9]{1,5}$ ]] && [ "$((10#$1))" -ge 1 ] && [ "$((10#$1))" -le 65535 ]; }

# judge_choice NAME VALUE: ends the script where a value cannot work. What has no rule here is judged by the service that reads it.
judge_choice() {
    case $1 in
        ASCI_PORT | ASCI_TLS_PORT)
            a_port "$2" || fail "$1 must be a port, 1 to 65535, not '$2'." "$1=9090 make up" ;;
        ASCI_PUBLIC_URL)
            [[ $2 =~ ^https?://[^/?@[:space:]]+/?$ ]] ||
                fail "ASCI_PUBLIC_URL must be an origin, http or https with a host, not '$2'." "ASCI_PUBLIC_URL=https://asci.example.org make up" ;;
        ASCI_HOMES)
            [[ $2 =~ ^(external:)?/ ]] ||
                fail "ASCI_HOMES must be an absolute folder, or external: with one, not '$2'." "ASCI_HOMES=/srv/homes make up" ;;
    esac
}

# judge_choices: those of this call, and those remembered or written by hand.
judge_choices() {
    local name line file=$ASCI_STATE/settings.env
    for name in ASCI_PORT ASCI_TLS_PORT ASCI_PUBLIC_URL ASCI_HOMES; do
        line=${!name:-}
        [ -n "$line" ] || [ ! -r "$file" ] || line=$(sed -n "s/^$name=//p" "$file" | tail -n 1)
        [ -z "$line" ] || judge_choice "$name" "$line"
    done
}
