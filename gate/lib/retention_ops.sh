#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# The old copy after the move: unable to start, kept until its date, deleted only then.
#
# A copy in its own place is on record as retained/CTID. When its container comes back, the copy is set aside
# and is on record as retained/CTID.mMIGRATION from then on, so that every copy has a record of its own.

action_scripts="premount mount start stop umount postumount"

# Set $record to the one of the copy in its own place, and $kept_KEY for its lines.
read_record_in_place() {
	record=$state_dir/retained/$ctid
	read_record
}

# The same for the copy that migration $1 keeps, wherever it is.
find_record() {
	read_record_in_place
	[ -f "$record.m$1" ] || return 0
	# A call that was killed while it set this copy aside left both records.
	if [ "$kept_migration" = "$1" ]; then set_aside || return; fi
	record=$state_dir/retained/$ctid.m$1
	read_record
}

read_record() {
	kept_migration='' kept_until='' kept_state='' kept_private='' kept_config='' kept_renamed=''
	[ -f "$record" ] || return 0
	while IFS='=' read -r name text; do
		case $name in
		migration) kept_migration=$text ;;
		until) kept_until=$text ;;
		state) kept_state=$text ;;
		private) kept_private=$text ;;
		config) kept_config=$text ;;
		renamed) kept_renamed=$text ;;
		esac
	done <"$record"
}

write_record() {
	room retained
	printf 'migration=%s\nuntil=%s\nstate=%s\nprivate=%s\nconfig=%s\nrenamed=%s\n' \
		"$kept_migration" "$kept_until" "$1" "$kept_private" "$kept_config" "$kept_renamed" >"$record.new" &&
		mv -f "$record.new" "$record"
}

op_fence() {
	load incoming_ops
	read_record_in_place
	if [ "$kept_migration" = "$1" ] && [ "$kept_state" = kept ]; then return 0; fi
	if [ -n "$kept_migration" ] && [ "$kept_migration" != "$1" ] && [ "$kept_state" != retired ]; then
		echo "an old copy of $ctid is kept here by migration $kept_migration" >&2
		return 9
	fi
	mark_owner_of "$state_dir/incoming/$ctid"
	if [ -n "$mark_owner" ]; then
		echo "container $ctid is arriving here with migration $mark_owner" >&2
		return 9
	fi
	is_down "$ctid" || return
	[ "$kept_migration" = "$1" ] || forget_record
	begin_record "$@" || return
	disable_config
}

# What an earlier, retired copy left on record says nothing about this one.
forget_record() {
	rm -f "$record" "$record.conf"
	read_record
}

begin_record() {
	conf=$etc_vz/conf/$ctid.conf
	container_folder VE_PRIVATE "$ctid"
	kept_migration=$1 kept_private=$value kept_until=$(($(date +%s) + least_retention_seconds))
	[ "$kept_until" -ge "$2" ] || kept_until=$2
	if [ -f "$conf" ]; then
		kept_config=$conf.ovz-m$1 kept_renamed=yes
		room retained
		# What unfence puts back is this file, byte for byte.
		[ -f "$record.conf" ] || cp -p "$conf" "$record.conf"
	elif [ "$kept_renamed" != yes ]; then
		kept_config=$conf.migrated kept_renamed=no
		if [ ! -f "$kept_config" ]; then
			echo "container $ctid has no configuration here" >&2
			return 14
		fi
		read_assignment "$kept_config" VE_PRIVATE
		case $value in
		'' | *\$*) ;;
		*) kept_private=$value ;;
		esac
	fi
	write_record fencing
}

disable_config() {
	if [ -f "$conf" ]; then
		within "$op_seconds" vzctl set "$ctid" --onboot no --disabled yes --save || return
		mv -f "$conf" "$kept_config" || return
	fi
	write_record kept
}

op_unfence() {
	load incoming_ops
	find_record "$1" || return
	if [ -z "$kept_migration" ]; then return 0; fi
	if [ "$kept_migration" != "$1" ] || [ "$kept_state" = retired ]; then
		echo "migration $1 keeps no old copy of $ctid here" >&2
		return 9
	fi
	if is_aside; then
		echo "the old copy was set aside as $kept_private because container $ctid came back; put it back by hand" >&2
		return 9
	fi
	conf=$etc_vz/conf/$ctid.conf
	if [ "$kept_renamed" = yes ]; then
		if [ -f "$conf" ] && [ -f "$kept_config" ]; then
			echo "container $ctid has a configuration here again" >&2
			return 9
		fi
		if [ -f "$record.conf" ]; then mv -f "$record.conf" "$conf" || return; fi
		rm -f "$kept_config"
	fi
	rm -f "$record"
}

# Make room for a container that comes back: the copy an earlier migration keeps here goes beside its place,
# with all that bears the container's number. Every line may be repeated after a kill.
set_aside() {
	read_record_in_place
	case $kept_state in
	'' | retired) return 0 ;;
	kept) ;;
	*)
		echo "migration $kept_migration is still fencing container $ctid here" >&2
		return 9
		;;
	esac
	may_set_aside || return
	place=$kept_private config=$kept_config suffix=ovz-m$kept_migration
	kept_private=$place.$suffix kept_config=$etc_vz/conf/$ctid.conf.$suffix
	record=$record.m$kept_migration
	write_record kept || return
	if ! move_once "$place" "$kept_private"; then
		[ -e "$kept_private" ] || rm -f "$record"
		return 1
	fi
	move_once "$config" "$kept_config" || return
	move_once "$state_dir/retained/$ctid.conf" "$record.conf" || return
	for script in $action_scripts; do
		move_once "$etc_vz/conf/$ctid.$script" "$etc_vz/conf/$ctid.$script.$suffix" || return
	done
	forget_number "$ctid"
	rm -f "$state_dir/retained/$ctid"
}

may_set_aside() {
	is_down "$ctid" || return
	case $status_line in
	*\ mounted*)
		echo "the old copy of container $ctid is mounted here" >&2
		return 9
		;;
	esac
	is_our_folder "$kept_private" "m$kept_migration"
}

move_once() {
	if [ -e "$1" ] && [ "$1" != "$2" ]; then mv -T "$1" "$2"; fi
}

is_aside() { [ "$record" != "$state_dir/retained/$ctid" ]; }

op_retire() {
	load incoming_ops
	find_record "$1" || return
	if [ "$kept_migration" != "$1" ]; then
		echo "migration $1 keeps no old copy of $ctid here" >&2
		return 9
	fi
	may_retire "$2" || return
	throw_away "$kept_private" "m$1" || return
	if [ "$kept_state" = retired ]; then return 0; fi
	if is_aside; then
		for script in $action_scripts; do rm -f "$etc_vz/conf/$ctid.$script.ovz-m$1"; done
	else
		remove_traces "$ctid"
	fi
	rm -f "$kept_config" "$record.conf"
	write_record retired
}

# The date must have come for the caller and by this node's own clock, and nothing of it may be in use.
may_retire() {
	if [ "$1" -lt "$kept_until" ] || [ "$(date +%s)" -lt "$kept_until" ]; then
		echo "the old copy of $ctid is kept until $kept_until" >&2
		return 1
	fi
	if is_aside; then is_unused "$kept_private"; else number_is_idle; fi
}

number_is_idle() {
	if [ -e "$etc_vz/conf/$ctid.conf" ] || [ -e "$state_dir/incoming/$ctid" ]; then
		echo "container $ctid has a configuration here again, or is arriving" >&2
		return 9
	fi
	is_down "$ctid" || return
	load container_facts
	busy=$(fact_ct_jobs "$ctid" | sed -n '/ vzctl$/!p')
	[ -z "$busy" ] || { echo "a tool is at work on $ctid: $busy" >&2 && return 9; }
}

# The container itself may run under its number. Somebody who needed the old data back may have mounted the
# copy, or given it to another container.
is_unused() {
	set +f
	users=$(grep -lswF "$1" /proc/mounts "$etc_vz/conf"/*.conf | tr '\n' ' ')
	set -f
	[ -z "$users" ] || { echo "$1 is in use here, by the word of $users" >&2 && return 9; }
}
