#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# Short changes to one container's configuration and state.

op_strip() { within "$op_seconds" vzctl set "$ctid" --ipdel all --onboot no --save; }
op_set_onboot() { within "$op_seconds" vzctl set "$ctid" --onboot "$1" --save; }
op_thaw() { within "$op_seconds" vzctl --skiplock chkpnt "$ctid" --resume; }

# Addresses, and "hostname=NAME" or "onboot=yes" where those are to be set with them.
op_address() {
	wishes=
	for wish do
		case $wish in
		hostname=*) wishes="$wishes --hostname ${wish#hostname=}" ;;
		onboot=*) wishes="$wishes --onboot ${wish#onboot=}" ;;
		*) wishes="$wishes --ipadd $wish" ;;
		esac
	done
	# shellcheck disable=SC2086  # checked words without blanks
	within "$op_seconds" vzctl set "$ctid" $wishes --save
}

op_drop_address() {
	wishes=
	for wish do wishes="$wishes --ipdel $wish"; done
	# shellcheck disable=SC2086  # checked words without blanks
	within "$op_seconds" vzctl set "$ctid" $wishes --save
}

op_clear_stale_lock() {
	load container_facts
	lock_file_of "$ctid"
	lock_file=$value
	case $(fact_ct_lock "$ctid" | head -n 1) in
	none) echo "no lock" ;;
	dead) rm -f "$lock_file" && echo "removed" ;;
	*)
		echo "the lock of $ctid is not stale" >&2
		return 9
		;;
	esac
}
