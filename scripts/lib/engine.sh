# shellcheck shell=bash
# Docker Engine as it is here: Debian's 20.10 or newer, with or without BuildKit, compose 1.29 or 2.
# Sourced after settings.sh and say.sh.

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# engine_socket: path of the engine's unix socket; fails where the engine is not on this machine.
engine_socket() {
    local address=${DOCKER_HOST:-}
    if [ -z "$address" ]; then
        address=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)
    fi
    case ${address:-unix:///var/run/docker.sock} in
        unix://*) address=${address:-unix:///var/run/docker.sock}; printf '%s' "${address#unix://}" ;;
        *) return 1 ;;
    esac
}

# engine_build ARGUMENTS…: docker build; a client without the buildx plugin is told to use the classic builder.
engine_build() {
    if docker buildx version >/dev/null 2>&1; then
        docker build "$@"
    else
        DOCKER_BUILDKIT=0 docker build "$@"
    fi
}

# compose_program: the words that start compose.
compose_program() {
    if [ -n "${ASCI_COMPOSE:-}" ]; then
        printf '%s' "$ASCI_COMPOSE"
    elif docker compose version >/dev/null 2>&1; then
        printf 'docker compose'
    elif command -v docker-compose >/dev/null; then
        printf 'docker-compose'
    else
        return 1
    fi
}

# compose ARGUMENTS…: compose for this installation. Needs the state folder (scripts/state).
compose() {
    local name program files
    name=$(installation) || return 1
    read -ra program <<<"$(compose_program)"
    files=(-f "$ASCI_ROOT/compose.yaml")
    [ ! -e "$ASCI_STATE/tls/cert.pem" ] || files+=(-f "$ASCI_ROOT/compose.tls.yaml")
    [ ! -s "$ASCI_STATE/cluster/lab.env" ] || files+=(-f "$ASCI_ROOT/compose.cluster.yaml")
    # Settings reach compose by compose.env alone, so that a second call without them finds the same.
    # COMPOSE_API_VERSION: compose 1.29 would speak an API that engines from 29 on refuse.
    # shellcheck disable=SC2046  # names of variables have no blanks
    env $(compgen -e | sed -n 's/^\(ASCI_[A-Z_]*\|COMPOSE_[A-Z_]*\)$/-u \1/p') COMPOSE_API_VERSION=auto \
        "${program[@]}" --project-name "asci-$name" --project-directory "$ASCI_ROOT" \
        --env-file "$ASCI_STATE/compose.env" "${files[@]}" "$@"
}

# service_container NAME: id of a service's running container; empty when it does not run.
service_container() {
    local name
    name=$(installation) || return 1
    docker ps --quiet --filter "label=com.docker.compose.project=asci-$name" \
        --filter "label=com.docker.compose.service=$1" | head -n 1
}

# one_shot IMAGE ARGUMENTS…: runs a command in a container without rights, network and trace. Options of docker run
# go in the array one_shot_options.
one_shot_options=()
one_shot() {
    local name
    name=$(installation) || return 1
    docker run --rm --interactive --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
        --label "org.asci.installation=$name" --label org.asci.role=one-shot "${one_shot_options[@]}" "$@"
}

# as_owner COMMAND…: runs a command as root on the state folder (mounted at /state): directly for root, else in a container.
as_owner() {
    local name
    name=$(installation) || return 1
    if [ "$(id -u)" -eq 0 ]; then
        (cd "$ASCI_STATE" && "$@")
    else
        docker run --rm --interactive --network none --volume "$ASCI_STATE:/state" --workdir /state \
            --label "org.asci.installation=$name" --label org.asci.role=one-shot "asci/base-os:$ASCI_TAG" "$@"
    fi
}
