# shellcheck shell=bash
# The lab cluster of an installation: nodes (Docker Engines in containers) and a registry, on a network of their own, with
# an authority of their own. Sourced after settings.sh, say.sh and engine.sh.
#
#   <state>/cluster/lab.env         LAB_PREFIX, the first three numbers of its addresses; the lab exists while this does
#   <state>/cluster/members         one node a line: name, last number of its address, size of its disk (-: the machine's)
#   <state>/cluster/ca.pem ca.key   the authority; <state>/cluster/<name>/ the certificates of a node or the registry
#   <state>/config/nodes.yaml       its nodes stand between two marks; the rest of the file is the operator's
#   <state>/config/tls/cluster/     what api and controller show to the nodes, readable by them alone

lab_folder=$ASCI_STATE/cluster
lab_registry_number=2
lab_first_number=11
lab_marks=("# lab cluster: from here on written by make cluster" "# lab cluster: end")
# The numbers of their images' users.
lab_api_uid=10001 lab_registry_uid=10009

lab_exists() { [ -s "$lab_folder/lab.env" ]; }
lab_prefix() { sed -n 's/^LAB_PREFIX=//p' "$lab_folder/lab.env"; }
lab_members() { cut -d' ' -f1 "$lab_folder/members"; }
lab_address() { printf '%s.%s' "$(lab_prefix)" "$(sed -n "s/^$1 \([0-9]*\) .*/\1/p" "$lab_folder/members")"; }
lab_registry() { printf '%s.%s:5000' "$(lab_prefix)" "$lab_registry_number"; }
lab_network() { printf 'asci-%s-nodes' "$(installation)"; }
lab_container() { printf 'asci-%s-lab-%s' "$(installation)" "$1"; }

# lab_labels ROLE: labels of what the lab makes; the installation's sweep finds them.
lab_labels() { printf '%s\n' --label "org.asci.installation=$(installation)" --label "org.asci.role=$1"; }

# lab_character NAME: what kind of node it plays. Sets lab_engine_labels and lab_registration (further lines of its entry).
lab_character() {
    lab_engine_labels=(site=lab "rack=$1") lab_registration=''
    case $1 in
        xfm-*)
            lab_engine_labels+=(beamline=xfm online=true)
            lab_registration='  taints: [{key: online, value: "true", effect: NoStart}]' ;;
        # for whoever asks for it by name: nothing is fetched ahead onto its disk
        small*) lab_registration="  taints: [{key: rack, value: $1, effect: NoStart}]" ;;
        gpu-*)
            lab_engine_labels+=(gpu=true)
            lab_registration='  gpus:
    - {model: "Lab card", memory: 17179869184, slots: 4}
    - {model: "Lab card", memory: 17179869184, slots: 4}' ;;
    esac
}

# lab_network_up: the nodes' network, on the first range of 10.213.0.0/16 that nothing here uses.
lab_network_up() {
    local number labels prefix
    mapfile -t labels < <(lab_labels nodes)
    mkdir -p "$lab_folder"
    if docker network inspect "$(lab_network)" >/dev/null 2>&1; then
        lab_exists || docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' "$(lab_network)" |
            sed 's/^\(.*\)\.[0-9]*\/.*/LAB_PREFIX=\1/' >"$lab_folder/lab.env"
        return
    fi
    number=$(($(installation | cksum | cut -d' ' -f1) % 200))
    # what stands in certificates and registrations is tried first
    for prefix in $(lab_exists && lab_prefix) $(seq -f 10.213.%g "$number" $((number + 50))); do
        # addresses that nobody asked for (services that join) begin behind those of the nodes
        if docker network create "${labels[@]}" --subnet "$prefix.0/24" --ip-range "$prefix.128/25" --gateway "$prefix.1" "$(lab_network)"; then
            echo "LAB_PREFIX=$prefix" >"$lab_folder/lab.env"
            return
        fi
    done
    return 1
}

# lab_member NAME DISK: writes a node down, unless it is.
lab_member() {
    local number=$lab_first_number
    touch "$lab_folder/members"
    ! grep -q "^$1 " "$lab_folder/members" || return 0
    while grep -q "^[^ ]* $number " "$lab_folder/members"; do number=$((number + 1)); done
    echo "$1 $number $2" >>"$lab_folder/members"
}

# lab_certificates: of all members, the registry, and api with controller; made in a container, so that keys belong to their readers.
lab_certificates() {
    local name members=()
    members=("registry=$(lab_prefix).$lab_registry_number=$lab_registry_uid")
    for name in $(lab_members); do members+=("$name=$(lab_address "$name")=0"); done
    mkdir -p "$ASCI_STATE/config/tls/cluster"
    chmod 0755 "$lab_folder" "$ASCI_STATE/config/tls" "$ASCI_STATE/config/tls/cluster"
    # not one_shot: it hands keys over, for which it needs the rights of root on these two folders
    # shellcheck disable=SC2046  # one word each
    docker run --rm --network none $(lab_labels one-shot) --entrypoint sh \
        --volume "$lab_folder:/lab" --volume "$ASCI_STATE/config/tls/cluster:/client" "asci/lab-node:$ASCI_TAG" \
        -euc 'certificates "$@"; cp --preserve=mode,ownership /lab/client/*.pem /client/' sh "$lab_api_uid" "${members[@]}"
    # where engines look for whom to believe
    mkdir -p "$lab_folder/certs.d/$(lab_registry)"
    cp "$lab_folder/ca.pem" "$lab_folder/certs.d/$(lab_registry)/ca.crt"
}

# lab_run NAME ROLE RECIPE OPTIONS…: a container of the lab as wanted: left alone, started, or made anew where its recipe changed.
lab_run() {
    local name=$1 role=$2 recipe labels found
    recipe=$(printf '%s\n' "${@:3}" | sha256sum | cut -c1-16)
    shift 3
    found=$(docker inspect --format '{{index .Config.Labels "org.asci.recipe"}} {{.State.Running}}' "$name" 2>/dev/null || true)
    case $found in
        "$recipe true") return ;;
        "$recipe false") docker start "$name"; return ;;
        ?*) docker rm --force "$name" ;;
    esac
    mapfile -t labels < <(lab_labels "$role")
    docker run --detach --name "$name" "${labels[@]}" --label "org.asci.recipe=$recipe" --restart unless-stopped \
        --network "$(lab_network)" --log-opt max-size=10m --log-opt max-file=2 "$@"
}

# lab_volume NAME [SIZE]: a node's disk; with a size it is a small one in memory, for trials of full disks.
lab_volume() {
    local labels options=()
    mapfile -t labels < <(lab_labels lab-node)
    [ "${2:--}" = - ] || options=(--opt type=tmpfs --opt device=tmpfs --opt "o=size=$2")
    docker volume create "${labels[@]}" "${options[@]}" "$1"
}

lab_registry_up() {
    local volume labels
    volume=$(lab_container registry)
    mapfile -t labels < <(lab_labels lab-registry)
    docker volume create "${labels[@]}" "$volume"
    lab_run "$volume" lab-registry "$(lab_image_id lab-registry) $(lab_prefix)" \
        --hostname registry --network-alias registry --ip "$(lab_prefix).$lab_registry_number" \
        --cap-drop ALL --security-opt no-new-privileges --read-only --memory 512m --pids-limit 128 \
        --volume "$volume:/images" --volume "$lab_folder/registry:/run/lab/tls:ro" "asci/lab-registry:$ASCI_TAG"
}

lab_image_id() { docker image inspect --format '{{.Id}}' "asci/$1:$ASCI_TAG"; }

# lab_node_up NAME: its engine, with rights enough to run containers of its own: as good as root on this machine.
lab_node_up() {
    local container address homes disk labels=() label mounts=() mount options
    container=$(lab_container "$1")
    address=$(lab_address "$1")
    homes=$(sed -n 's/^ASCI_HOMES=//p' "$ASCI_STATE/compose.env")
    homes=${homes#external:}
    disk=$(sed -n "s/^$1 [0-9]* //p" "$lab_folder/members")
    lab_character "$1"
    for label in "${lab_engine_labels[@]}"; do labels+=(--label "$label"); done
    lab_volume "$container" "$disk"
    # shellcheck disable=SC2054  # the comma is an option's own
    options=(
        --hostname "$1" --network-alias "$1" --ip "$address" --cgroupns host
        --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE --cap-add MKNOD --cap-add DAC_READ_SEARCH
        --security-opt seccomp=unconfined --security-opt apparmor=unconfined --device-cgroup-rule 'a *:* rwm'
        --tmpfs /run:exec,mode=755 --volume /sys/fs/cgroup:/sys/fs/cgroup --volume "$container:/var/lib/docker"
        --volume "$lab_folder/$1:/run/lab/tls:ro" --volume "$homes:$homes"
        --volume "$lab_folder/certs.d:/etc/docker/certs.d:ro"
        --env "LAB_CGROUP=/asci-$(installation)-lab/$1" --env DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1
    )
    # What the operator's overlay mounts into sessions must be there on every node: ASCI_CLUSTER_MOUNTS="/srv/data …"
    read -ra mounts < <(sed -n 's/^ASCI_CLUSTER_MOUNTS=//p' "$ASCI_STATE/settings.env") || true
    for mount in "${mounts[@]}"; do options+=(--volume "$mount:$mount"); done
    lab_run "$container" lab-node "$(lab_image_id lab-node) $address ${labels[*]} ${options[*]}" \
        "${options[@]}" "asci/lab-node:$ASCI_TAG" "${labels[@]}"
}

# lab_wait NAME…: until the engines answer.
lab_wait() {
    local name
    for name in "$@"; do
        for _ in $(seq 150); do
            if docker exec "$(lab_container "$name")" engine ready; then continue 2; fi
            sleep 0.2
        done
        echo "The engine of $name did not answer within 30 s. Its last lines:"
        docker logs --tail 20 "$(lab_container "$name")" 2>&1
        return 1
    done
}

# lab_trust: this machine's engine learns whom to believe at the registry's address; lab_distrust takes it back.
# shellcheck disable=SC2016  # the inner shell's names
lab_trust() { lab_trusted 'mkdir -p "/certs.d/$1"; cat >"/certs.d/$1/ca.crt"' <"$lab_folder/ca.pem"; }
# shellcheck disable=SC2016
lab_distrust() { lab_trusted 'rm -rf "/certs.d/$1"' </dev/null; }
lab_trusted() {
    # shellcheck disable=SC2046  # one word each
    docker run --rm --interactive --network none $(lab_labels one-shot) --volume /etc/docker/certs.d:/certs.d \
        "asci/base-os:$ASCI_TAG" sh -euc "$1" sh "$(lab_registry)"
}

# lab_push IMAGE…: into the lab's registry, under the same names.
lab_push() {
    local image
    for image in "$@"; do
        docker tag "$image" "$(lab_registry)/$image"
        docker push "$(lab_registry)/$image"
    done
}

# lab_images [NAME…]: images of these environments (none named: of all), and the base, whose program makes home folders.
lab_images() {
    local folder
    echo "asci/base:$ASCI_TAG"
    [ $# -gt 0 ] || for folder in "$ASCI_ROOT"/images/envs/*/; do set -- "$@" "$(basename "$folder")"; done
    for folder in "$@"; do
        if docker image inspect "asci/env-$folder:$ASCI_TAG" >/dev/null 2>&1; then echo "asci/env-$folder:$ASCI_TAG"; fi
    done
}

# lab_register NAME…: these nodes stand between the marks in nodes.yaml from now on, in one step.
lab_register() {
    local file=$ASCI_STATE/config/nodes.yaml fresh name
    mkdir -p "$ASCI_STATE/config"
    fresh=$(mktemp "$file.XXXXXX")
    [ ! -e "$file" ] || sed "/^${lab_marks[0]}$/,/^${lab_marks[1]}$/d" "$file" >"$fresh"
    if [ $# -gt 0 ]; then
        {
            echo "${lab_marks[0]}"
            for name in "$@"; do
                lab_character "$name"
                printf -- '- name: %s\n  url: tcp://%s:2376\n  publish: %s\n  tls: cluster\n' "$name" "$(lab_address "$name")" "$(lab_address "$name")"
                [ -z "$lab_registration" ] || printf '%s\n' "$lab_registration"
            done
            echo "${lab_marks[1]}"
        } >>"$fresh"
    fi
    chmod 0644 "$fresh"
    if cmp -s "$fresh" "$file"; then rm "$fresh"; elif [ -s "$fresh" ]; then mv "$fresh" "$file"; else rm -f "$fresh" "$file"; fi
}

# lab_containers: ids of its containers, running or not.
lab_containers() {
    local name
    name=$(installation) || return 1
    [ -n "$name" ] || return 0
    docker ps --all --quiet --filter "label=org.asci.installation=$name" --filter label=org.asci.role=lab-node
    docker ps --all --quiet --filter "label=org.asci.installation=$name" --filter label=org.asci.role=lab-registry
}

# lab_forget_groups: control groups of ended containers, which an engine that was killed could not remove.
lab_forget_groups() {
    local group
    group=asci-$(installation)-lab
    # shellcheck disable=SC2046,SC2016
    docker run --rm --network none --cgroupns host --cap-drop ALL --cap-add DAC_OVERRIDE $(lab_labels one-shot) \
        --volume /sys/fs/cgroup:/sys/fs/cgroup "asci/base-os:$ASCI_TAG" \
        sh -c 'for group in "/sys/fs/cgroup/$1" /sys/fs/cgroup/*/"$1"; do [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +; done' sh "$group"
}
