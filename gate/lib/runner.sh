#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# The detached side of a job: run one operation and write its exit code by rename.
# Started by jobs.sh with the job's lock on descriptor 9, in a session of its own.

set -fu
umask 077
LC_ALL=C
export LC_ALL
gate_conf=$1 gate_lib=$2 key=$3 ctid=$4 op=$5 op_room=$6
shift 6

# shellcheck source=gate/lib/settings.sh
. "$gate_lib/settings.sh"
# shellcheck source=gate/lib/words.sh
. "$gate_lib/words.sh"
# shellcheck source=gate/lib/answer.sh
. "$gate_lib/answer.sh"
read_settings "$gate_conf"

dir=$state_dir/jobs/$key
printf '%s\n' $$ >"$dir/session"
# A handler, unlike ignoring, is not passed on: the tool dies of the signal, this shell lives to write it down.
trap : TERM INT

finish() {
	read -r began _ <"$dir/started"
	read -r now _ </proc/uptime
	took=$((${now%.*}${now#*.} - ${began%.*}${began#*.}))
	# Whole or not at all: somebody may be asking how the job stands this moment.
	printf '%s.%02d\n' $((took / 100)) $((took % 100)) >"$dir/took.new" && mv -f "$dir/took.new" "$dir/took"
	printf '%s\n' "$1" >"$dir/rc.new" && mv -f "$dir/rc.new" "$dir/rc"
}

load "$op_room"
if [ "$op" = vzmigrate ]; then
	("run_$op" "$@")
else
	("run_$op" "$@") 9>&-
fi
finish $?
