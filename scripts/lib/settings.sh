# shellcheck shell=bash
# Where things are and what the operator chose. Sourced first by every script; changes nothing.
#
#   ASCI_STATE         state folder: secrets, accounts, homes     (.asci)
#   ASCI_TAG           tag of the images                          (dev)
#   ASCI_PYTHON        Python of the images' base                 (3.13)
#   ASCI_INSTALLATION  name of a new installation                 (made up once, kept in the state folder)

ASCI_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ASCI_BUILD=$ASCI_ROOT/.build
ASCI_STATE=${ASCI_STATE:-$ASCI_ROOT/.asci}
case $ASCI_STATE in /*) ;; *) ASCI_STATE=$PWD/$ASCI_STATE ;; esac
ASCI_TAG=${ASCI_TAG:-dev}
ASCI_PYTHON=${ASCI_PYTHON:-3.13}
export ASCI_ROOT ASCI_BUILD ASCI_STATE ASCI_TAG ASCI_PYTHON

# installation: the name that the state folder has, empty before the first `make up`. Fails where ASCI_INSTALLATION says
# another: what stops and removes things must never follow a name that is only left over in a shell.
installation() {
    local kept=''
    [ ! -s "$ASCI_STATE/installation" ] || kept=$(cat "$ASCI_STATE/installation") || return 1
    if [ -n "$kept" ] && [ "${ASCI_INSTALLATION:-$kept}" != "$kept" ]; then
        printf '%s belongs to the installation %s, not %s.\nNext: unset ASCI_INSTALLATION, or choose another ASCI_STATE\n' \
            "$ASCI_STATE" "$kept" "$ASCI_INSTALLATION" >&2
        return 1
    fi
    printf '%s' "$kept"
}
