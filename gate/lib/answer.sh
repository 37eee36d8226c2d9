#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Run one function and put what it said on one line: NAME RC OUT_B64 ERR_B64.

scratch_dir() {
	room tmp
	scratch=$state_dir/tmp/$$
	trap 'rm -f "$scratch.out" "$scratch.err" "$scratch.rc"' EXIT
}

# answer_with NAME OUT_LIMIT FUNCTION ARGS...; an empty NAME is left out, as "do" wants it.
answer_with() {
	answer_name=$1 answer_limit=$2
	shift 2
	[ -n "${scratch-}" ] || scratch_dir
	("$@") >"$scratch.out" 2>"$scratch.err" </dev/null
	answer_rc=$?
	# timeout reports 124 when TERM did it and 137 when KILL did: both mean "took too long" here.
	[ $answer_rc -ne 137 ] || answer_rc=124
	encode "$scratch.out" "$answer_limit"
	answer_out=$encoded
	encode "$scratch.err" "$err_limit"
	printf '%s%s %s %s\n' "${answer_name:+$answer_name }" "$answer_rc" "$answer_out" "$encoded"
}

encode() {
	encoded=-
	[ -s "$1" ] || return 0
	encoded=$(head -c "$2" "$1" | base64 -w0)
}

# Bound a tool that may hang: an outside program only, never a shell function.
within() {
	within_seconds=$1
	shift
	timeout -s KILL "$within_seconds" "$@" 8>&-
}
