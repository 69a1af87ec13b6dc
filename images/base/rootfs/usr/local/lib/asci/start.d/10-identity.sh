# Who: name, groups and home by libnss-extrausers, whose folder is a link to $run/nss. uid and gids are the container's.
: "${ASCI_USER:=user}" "${ASCI_NAME:=$ASCI_USER}" "${ASCI_GROUPS:=}"
[[ $ASCI_USER =~ ^[a-z_][a-z0-9_-]{0,31}$ ]] || fail "ASCI_USER is no user name"
: "${ASCI_HOME:=/home/$ASCI_USER}"
[[ $ASCI_HOME =~ ^/[A-Za-z0-9._/-]+$ ]] || fail "ASCI_HOME is no absolute path"

name_groups() {
    local -A names=()
    local pair gid
    for pair in ${ASCI_GROUPS//,/ }; do
        [[ $pair =~ ^([A-Za-z_][A-Za-z0-9_.-]{0,63}):([0-9]{1,10})$ ]] && names[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
    done
    for gid in "${GROUPS[@]}"; do
        if [ "$gid" = "${GROUPS[0]}" ]; then printf '%s:x:%s:\n' "${names[$gid]:-$ASCI_USER}" "$gid"; continue; fi
        printf '%s:x:%s:%s\n' "${names[$gid]:-group$gid}" "$gid" "$ASCI_USER"
    done
}

mkdir -p "$run/nss"
full_name=${ASCI_NAME//[:,$'\n']/ }
printf '%s:x:%s:%s:%s:%s:/bin/bash\n' "$ASCI_USER" "$UID" "${GROUPS[0]}" "$full_name" "$ASCI_HOME" >"$run/nss/passwd"
name_groups >"$run/nss/group"
