#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Per container, the newest token wins; an older holder is told so and does nothing.

# $1 < $2 for decimals of up to 19 digits, more than some shells count to.
is_lower() {
	[ ${#1} -ge ${#2} ] || return 0
	[ ${#1} -le ${#2} ] || return 1
	if [ ${#1} -le 10 ]; then
		[ "$1" -lt "$2" ]
		return
	fi
	mine_head=${1%??????????} newest_head=${2%??????????}
	mine_tail=${1#"$mine_head"} newest_tail=${2#"$newest_head"}
	[ "$mine_head" -ge "$newest_head" ] || return 0
	[ "$mine_head" -le "$newest_head" ] || return 1
	[ "$mine_tail" -lt "$newest_tail" ]
}

newest_token() {
	newest=
	if [ -f "$state_dir/fence/$1" ]; then read -r newest <"$state_dir/fence/$1"; fi
	if [ -n "$newest" ]; then is_number "$newest" 19 || break_down "fence of $1 is damaged"; fi
}

# Check and raise the token, and keep the container's lock until the gate ends, so that an older holder
# that was let in cannot act after a newer one was.
hold_fence() {
	room fence
	exec 8>>"$state_dir/fence/$1.lock"
	flock -w 30 8 || break_down "container $1 is busy with another call"
	newest_token "$1"
	if [ -n "$newest" ] && is_lower "$2" "$newest"; then
		printf 'fenced: newest %s\n' "$newest" >&2
		exit 75
	fi
	[ "$newest" = "$2" ] || raise_token "$1" "$2"
}

raise_token() {
	printf '%s\n' "$2" >"$state_dir/fence/$1.new" || break_down "cannot write the fence of $1"
	mv -f "$state_dir/fence/$1.new" "$state_dir/fence/$1" || break_down "cannot raise the fence of $1"
}
