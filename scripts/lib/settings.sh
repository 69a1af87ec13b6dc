# shellcheck shell=bash
# Where things are and what the operator chose. Sourced first by every script; changes nothing.
#
#   ASCI_STATE         state folder: secrets, accounts, homes     (.asci)
#   ASCI_TAG           tag of the images                          (dev)
#   ASCI_PYTHON        Python of the images' base                 (3.13)
#   ASCI_INSTALLATION  name of this installation                  (made once, kept in the state folder)

ASCI_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ASCI_BUILD=$ASCI_ROOT/.build
ASCI_STATE=${ASCI_STATE:-$ASCI_ROOT/.asci}
case $ASCI_STATE in /*) ;; *) ASCI_STATE=$PWD/$ASCI_STATE ;; esac
ASCI_TAG=${ASCI_TAG:-dev}
ASCI_PYTHON=${ASCI_PYTHON:-3.13}
export ASCI_ROOT ASCI_BUILD ASCI_STATE ASCI_TAG ASCI_PYTHON

# installation: the installation's name, empty before the first `make up`.
installation() {
    if [ -n "${ASCI_INSTALLATION:-}" ]; then
        printf '%s' "$ASCI_INSTALLATION"
    else
        cat "$ASCI_STATE/installation" 2>/dev/null || true
    fi
}
