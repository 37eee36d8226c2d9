#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Detached work: started once, adopted by whoever asks again, told apart by what the kernel knows.
#
# A job is a folder. It appears whole, by one rename, with its lock already held; the runner inherits the
# lock and holds it for life. So "folder, no lock, no rc" can only mean that the runner died.

job_dir() {
	is_job_key "$1" || refuse "bad job key"
	dir=$state_dir/jobs/$1
}

job_start() {
	[ $# -ge 4 ] || refuse "job start takes KEY CTID TOKEN OP"
	job_dir "$1"
	signature_of_job "$4" || refuse "unknown job operation"
	# 0 is the node itself, which is all that "install" is about.
	if [ "$4" = install ]; then check_word ctid_or_node "$2" || refuse "bad container"; else
		check_word ctid "$2" || refuse "bad container"
	fi
	check_word token "$3" || refuse "bad token"
	key=$1 ctid=$2 token=$3 op=$4
	shift 4
	check_signature "$@"
	load fence
	hold_fence "$ctid" "$token"
	room jobs
	if [ -d "$dir" ]; then
		echo adopted
		return
	fi
	end_orphans "$ctid"
	launch "$@"
}

# Start or adopt, then tell how it stands as "status" does: one call where time counts.
job_run() {
	[ $# -ge 5 ] || refuse "job run takes WAIT KEY CTID TOKEN OP"
	is_wait "$1" || refuse "bad wait"
	run_wait=$1 run_key=$2
	shift
	job_start "$@" >/dev/null
	# Whoever waits holds nobody else up.
	exec 8>&-
	job_status "$run_key" "$run_wait"
}

launch() {
	fresh=$state_dir/jobs/.new.$$
	rm -rf "$fresh"
	mkdir "$fresh" || break_down "cannot make a job folder"
	if [ "$op" = define ]; then take_payload "$fresh/in"; else : >"$fresh/in"; fi
	exec 9>"$fresh/lock"
	flock -n 9 || break_down "cannot lock a new job"
	printf '%s %s %s\n' "$ctid" "$token" "$op" >"$fresh/about"
	read -r uptime_seconds _ </proc/uptime
	printf '%s %s\n' "$uptime_seconds" "$(date +%s)" >"$fresh/started"
	: >"$fresh/out"
	: >"$fresh/err"
	# Renaming onto a folder that has something in it fails: whoever came first has the job.
	if ! mv -T "$fresh" "$dir" 2>/dev/null; then
		rm -rf "$fresh"
		echo adopted
		return
	fi
	# Ignored from the fork on, not only once the runner has a session of its own.
	trap '' HUP
	setsid sh "$gate_lib/runner.sh" "$gate_conf" "$gate_lib" "$key" "$ctid" "$op" "$op_room" "$@" \
		<"$dir/in" >>"$dir/out" 2>>"$dir/err" 8>&- &
	exec 9>&-
	echo started
}

take_payload() {
	head -c 65537 >"$1"
	[ "$(stat -c %s "$1")" -le 65536 ] || refuse "payload longer than 64 KiB"
}

# Wait until the runner lets go of its lock, at most $1 seconds. Success: it did, or it is dead.
runner_is_gone() {
	[ -f "$dir/rc" ] && return
	exec 7<"$dir/lock"
	flock -s -w "$1" 7
	gone=$?
	exec 7<&-
	return $gone
}

# Set $state to absent, running, lost or "done RC".
see_state() {
	state=absent
	[ -d "$dir" ] || return 0
	state=running
	runner_is_gone "$1" || return 0
	state=lost
	[ ! -f "$dir/rc" ] || { read -r rc <"$dir/rc" && state="done $rc"; }
}

job_status() {
	[ $# -ge 1 ] || refuse "job status takes KEY [WAIT]"
	[ $# -le 2 ] || refuse "too many words"
	job_dir "$1"
	is_wait "${2-0}" || refuse "bad wait"
	see_state "${2-0}"
	printf '%s\n' "$state"
	[ "$state" != absent ] || return 0
	{ read -r out_size out_grew && read -r err_size err_grew && read -r now_epoch; } <<-END
		$(stat -c '%s %Y' "$dir/out" "$dir/err"; date +%s)
	END
	printf '%s %s\n' "$out_size" "$(tail_of "$dir/out" "$out_size")"
	printf '%s %s\n' "$err_size" "$(tail_of "$dir/err" "$err_size")"
	load progress
	progress_of "$dir"
	print_age
}

# The last 16 KiB. Of longer output the progress that was written over goes first, or it would push out
# the lines that say what the tool is doing.
tail_of() {
	if [ "$2" -eq 0 ]; then
		printf -- -
	elif [ "$2" -le 16384 ]; then
		head -c "$2" "$1" | base64 -w0
	else
		tail -c 4194304 "$1" | sed 's/.*\r\(.\)/\1/' | tail -c 16384 | base64 -w0
	fi
}

# Hundredths of a second since boot need no program to be read; after a reboot the calendar has to do.
print_age() {
	read -r began_up began_epoch <"$dir/started"
	read -r now_up _ </proc/uptime
	age=$((${now_up%.*}${now_up#*.} - ${began_up%.*}${began_up#*.}))
	[ $age -ge 0 ] || age=$((($(date +%s) - began_epoch) * 100))
	took=-
	[ ! -f "$dir/took" ] || read -r took <"$dir/took"
	print_hundredths $age
	grew=$out_grew
	[ "$err_grew" -le "$grew" ] || grew=$err_grew
	quiet=$((now_epoch - grew))
	[ $quiet -ge 0 ] || quiet=0
	printf ' %s %s\n' "$took" $quiet
}

print_hundredths() {
	if [ $(($1 % 100)) -lt 10 ]; then printf '%s.0%s' $(($1 / 100)) $(($1 % 100)); else printf '%s.%s' $(($1 / 100)) $(($1 % 100)); fi
}

# The processes of a job: of its session, and writing to its own out or err. A number alone is no identity.
job_processes() {
	session=
	[ ! -f "$1/session" ] || read -r session <"$1/session"
	[ -n "$session" ] || return 0
	for pid in $(ps -o pid= -s "$session"); do
		for number in 1 2; do
			case $(readlink "/proc/$pid/fd/$number") in
			"$1/out" | "$1/err")
				printf '%s\n' "$pid"
				break
				;;
			esac
		done
	done
}

# Ask the job's processes to end, and make them after 3 seconds.
end_processes() {
	kill_all TERM "$1" || return 0
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		sleep 0.2
		[ -n "$(job_processes "$1")" ] || return 0
	done
	kill_all KILL "$1"
	sleep 0.1
}

kill_all() {
	victims=$(job_processes "$2")
	[ -n "$victims" ] || return 1
	for victim in $victims; do kill -s "$1" "$victim" 2>/dev/null; done
	return 0
}

# A runner that was killed leaves its tool at work, and its successor must not meet it. vzmigrate holds the
# lock itself: such a job is running until vzmigrate has ended, and never an orphan.
end_orphans() {
	set +f
	for folder in "$state_dir/jobs"/[mn]*; do
		[ -f "$folder/about" ] || continue
		read -r about_ctid _ <"$folder/about"
		[ "$about_ctid" = "$1" ] || continue
		[ ! -f "$folder/rc" ] || continue
		flock -n -s "$folder/lock" true || continue
		end_processes "$folder"
	done
	set -f
}

# Check key, container and token, and that the job belongs to that container.
own_job() {
	[ $# -eq 3 ] || refuse "this takes KEY CTID TOKEN"
	job_dir "$1"
	check_word ctid_or_node "$2" || refuse "bad container"
	check_word token "$3" || refuse "bad token"
	load fence
	hold_fence "$2" "$3"
	[ -f "$dir/about" ] || return 0
	read -r about_ctid _ <"$dir/about"
	[ "$about_ctid" = "$2" ] || refuse "the job belongs to another container"
}

job_cancel() {
	own_job "$@"
	see_state 0
	case $state in
	running)
		end_processes "$dir"
		see_state 1
		if [ "$state" = lost ]; then printf '143\n' >"$dir/rc"; fi
		echo cancelled
		;;
	lost)
		end_processes "$dir"
		echo cancelled
		;;
	*) printf '%s\n' "$state" ;;
	esac
}

job_forget() {
	own_job "$@"
	see_state 0
	case $state in
	running) refuse "the job is running" ;;
	absent) echo absent ;;
	*)
		rm -rf "$dir" || break_down "cannot remove the job"
		echo forgotten
		;;
	esac
}

job_list() {
	[ $# -eq 0 ] || refuse "job list takes no words"
	set +f
	for dir in "$state_dir/jobs"/[mn]*; do
		[ -d "$dir" ] || continue
		see_state 0
		printf '%s %s\n' "${dir##*/}" "$state"
	done
}
