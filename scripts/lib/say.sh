# shellcheck shell=bash
# What scripts tell a person: a heading, numbered steps with their time, a failure with its log and the next step.
# shellcheck disable=SC2034  # colours are for whoever sources this
# Sourced; expects ASCI_ROOT (scripts/lib/settings.sh sets it).

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' green='' red='' plain=''
fi

say() { printf '%s\n' "$*"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

# fail SENTENCE [NEXT STEP]: ends the script with what went wrong and what to do.
fail() {
    printf '%s%s%s\n' "$red" "$1" "$plain" >&2
    [ -z "${2:-}" ] || printf 'Next: %s\n' "$2" >&2
    exit 1
}

steps_total=0
steps_done=0
# steps N: how many numbered steps follow.
steps() { steps_total=$1 steps_done=0; }

# step WHAT NEXT-STEP COMMAND…: (its own names begin with step_, since the command sees them) runs the command with its output in a log file, shows number, name and seconds.
# On a terminal the seconds count while it runs. A failure prints the log's tail and NEXT-STEP and ends the script.
step() {
    local step_what=$1 step_next=$2 step_began=$SECONDS step_code=0 step_name step_log step_head step_child
    shift 2
    steps_done=$((steps_done + 1))
    step_name=$(printf '%s' "$step_what" | tr -cs '[:alnum:]' '-' | tr '[:upper:]' '[:lower:]')
    step_log=$ASCI_BUILD/logs/${step_name%-}.log
    mkdir -p "$ASCI_BUILD/logs"
    step_head="  ${dim}[$steps_done/$steps_total]${plain} $step_what"
    printf '%s' "$step_head"
    # In the background, because a function called in a condition would not stop at its first failure.
    "$@" >"$step_log" 2>&1 &
    step_child=$!
    # shellcheck disable=SC2064  # the child of now, not of later
    trap "kill $step_child 2>/dev/null; exit 130" INT TERM
    [ -t 1 ] || printf ' …'
    while [ -t 1 ] && kill -0 "$step_child" 2>/dev/null; do
        printf '\r%s %s%d s%s' "$step_head" "$dim" "$((SECONDS - step_began))" "$plain"
        sleep 0.2
    done
    wait "$step_child" || step_code=$?
    trap - INT TERM
    [ ! -t 1 ] || printf '\r%s' "$step_head"
    if [ "$step_code" -ne 0 ]; then
        printf ' %sfailed after %d s%s\n' "$red" "$((SECONDS - step_began))" "$plain"
        printf '%s--- last lines of %s ---%s\n' "$dim" "${step_log#"$ASCI_ROOT/"}" "$plain" >&2
        tail -n 30 "$step_log" >&2
        fail "$step_what failed (exit code $step_code)." "$step_next"
    fi
    printf ' %sdone%s %s%d s%s\n' "$green" "$plain" "$dim" "$((SECONDS - step_began))" "$plain"
}
