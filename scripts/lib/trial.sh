# shellcheck shell=bash
# An installation for a trial (tests, benchmarks): its own name, port and state folder, beside whatever else runs on this
# engine. Sourced after settings.sh, say.sh and engine.sh.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# trial_state FOLDER: from here on the scripts work on that state folder, free of this shell's settings.
trial_state() {
    export ASCI_STATE=$1
    unset ASCI_INSTALLATION ASCI_PUBLIC_URL ASCI_PORT ASCI_HOMES ASCI_TLS_CERT ASCI_TLS_KEY ASCI_DEMO_PASSWORD ASCI_ADMIN_PASSWORD
}

# trial_start LETTER SETTING=VALUE…: starts it, and tells where it is in ASCI_TEST_URL, _INSTALLATION and _STATE.
trial_start() {
    local trial_name trial_port letter=$1
    shift
    trial_name=$letter$(LC_ALL=C tr -dc 'a-z0-9' </dev/urandom | head -c 5 || true)
    trial_port=$(free_port)
    say "Starting an installation for this run"
    steps 4
    step "State folder of the run" "look at the rights of .build" \
        env ASCI_INSTALLATION="$trial_name" ASCI_PORT="$trial_port" "$@" scripts/state
    step "Accounts of the run" "read the log above" scripts/accounts ensure
    step "Containers of the run" "read the log above" compose up --detach --remove-orphans
    step "Wait for the portal of the run" "read the log above" scripts/wait
    export ASCI_TEST_INSTALLATION=$trial_name ASCI_TEST_STATE=$ASCI_STATE ASCI_TEST_URL=http://localhost:$trial_port
}

# trial_sweep: takes it away again. KEEP=1 leaves it.
trial_sweep() {
    [ -d "$ASCI_STATE" ] || return 0
    if [ "${KEEP:-}" = 1 ]; then
        note "Kept: installation $(installation). Sweep: ASCI_STATE=$ASCI_STATE scripts/clean"
        return 0
    fi
    YES=1 scripts/clean --keep-images </dev/null
}
