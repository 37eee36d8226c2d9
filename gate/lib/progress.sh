#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# How far a job is: key=value lines, as base64, or "-". Read from what the tools print anyway.

progress_of() {
	read -r _ _ progress_op <"$1/about"
	case $progress_op in
	sync) lines=$(rsync_progress "$1") ;;
	push_archive) lines=$(push_progress "$1") ;;
	vzmigrate) lines=$(vzmigrate_progress "$1") ;;
	vzdump) lines=$(vzdump_progress "$1") ;;
	*) lines= ;;
	esac
	if [ -n "$lines" ]; then printf '%s\n' "$lines" | base64 -w0 && echo; else echo -; fi
}

# The newest of rsync's "bytes percent rate eta (xfr#n, to-chk=left/total)" lines.
rsync_progress() {
	tail -c 2048 "$1/out" | tr '\r' '\n' | awk '
		$2 ~ /^[0-9]+%$/ { line = $0 }
		END {
			if (line == "") exit
			split(line, word, " ")
			bytes = word[1]; gsub(/[,.]/, "", bytes)
			percent = word[2] + 0
			print "bytes_done=" bytes
			print "percent=" percent
			if (percent > 0) printf "bytes_total=%.0f\n", bytes * 100 / percent
			rate = word[3]
			unit = (rate ~ /kB/) ? 1024 : (rate ~ /MB/) ? 1048576 : (rate ~ /GB/) ? 1073741824 : 1
			printf "bytes_per_second=%.0f\n", (rate + 0) * unit
			if (match(line, /xfr#[0-9]+/)) print "files_done=" substr(line, RSTART + 4, RLENGTH - 4)
			if (match(line, /chk=[0-9]+\/[0-9]+/)) {
				split(substr(line, RSTART + 4, RLENGTH - 4), left, "/")
				print "files_left=" left[1]; print "files_total=" left[2]
			}
		}'
}

# Until the dump is finished nobody knows the total, and the dump itself tells how far it is.
push_progress() {
	if [ ! -f "$1/total" ]; then
		echo stage=following
		return
	fi
	read -r total <"$1/total"
	printf 'bytes_total=%s\nstage=rest\n' "$total"
	tail -c 2048 "$1/out" | tr '\r' '\n' | awk -v total="$total" '
		$2 ~ /^[0-9]+%$/ { printf "bytes_done=%.0f\n", total * ($2 + 0) / 100 }' | tail -n 1
}

vzmigrate_progress() {
	tail -c 4194304 "$1/out" | sed 's/.*\r\(.\)/\1/' | awk '
		/^ *(Locked|Starting|Checking|Loading|Getting|Preparing|Copying|Creating|Initializing|Syncing|Live migrating|Suspending|Dumping|Stopping|Undumping|Resuming|Cleaning up|Cleanup|Killing|Removing|Destroying)/ {
			sub(/^ +/, ""); stage = $0
		}
		END { if (stage != "") print "stage=" stage; exit stage !~ /^Syncing private/ }' && rsync_progress "$1"
}

vzdump_progress() {
	tail -c 4096 "$1/out" | awk '
		/^INFO: (starting first sync|suspend vm|stopping vm|starting final sync|resume vm|restarting vm|creating archive|archive file size)/ {
			sub(/^INFO: /, ""); stage = $0
		}
		END { if (stage != "") print "stage=" stage }'
	archives=$(sed -n "s/.*creating archive '\(.*\)\/[^/]*'.*/\1/p" "$1/out" | tail -n 1)
	[ -d "$archives" ] || return 0
	set +f
	for file in "$archives"/vzdump*.dat "$archives"/vzdump*.t*gz; do
		[ ! -f "$file" ] || stat -c 'bytes_done=%s' "$file"
	done | tail -n 1
}
