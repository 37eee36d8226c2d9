#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# The way by archive: dump here, push to the other node while it is being written, restore there.

# Set $archives to the migration's folder on the file system meant for dumps.
archive_folder() {
	load trust_ops
	work_area "$1" || return
	vz_folder DUMPDIR /vz/dump
	archives=$value/ovzpanel-m$1
	[ -d "$archives" ] || mkdir -p "$archives"
}

# The configuration and the scripts always; with "full" the whole private area too, as it is on disk.
run_backup() {
	archive_folder "$1" || return
	mkdir -p "$area/backup" || return
	set +f
	for file in "$etc_vz/conf/$ctid".*; do
		if [ -f "$file" ]; then cp -p "$file" "$area/backup/" && echo "saved=${file##*/}" || return; fi
	done
	[ "${2-}" = full ] || return 0
	container_folder VE_PRIVATE "$ctid"
	# 1 means that files changed while they were read, which is expected of a running container.
	tar --create --gzip --numeric-owner --one-file-system --file "$archives/backup.tar.gz.new" --directory "$value" .
	[ $? -le 1 ] || return 2
	mv -f "$archives/backup.tar.gz.new" "$archives/backup.tar.gz"
	echo "saved=backup.tar.gz"
}

# vzdump ends with 0 whatever happened: its log and the archive decide.
run_vzdump() {
	archive_folder "$1" || return
	# To compress takes longer than a fast link takes for what it saves; a cap says that the link is what is scarce.
	rate=$3 compress=--compress
	[ "$rate" -gt 0 ] || { rate=99999999 && compress=; }
	# shellcheck disable=SC2086  # one word or none
	vzdump "--$2" $compress --dumpdir "$archives" --bwlimit "$rate" --maxfiles 1 "$ctid" 2>&1 || return
	if grep -q '^ERROR:' "$dir/out"; then return 1; fi
	grep -q "Finished Backup of VM $ctid " "$dir/out" || return 1
	finished_archive
	if [ ! -s "$archive" ]; then
		echo "vzdump says it finished, but $archives holds no archive" >&2
		return 1
	fi
	echo "archive=${archive##*/}"
	echo "bytes=$(stat -c %s "$archive")"
}

# Set $archive to the finished dump in $archives.
finished_archive() {
	archive=
	set +f
	for file in "$archives"/vzdump*"$ctid"*.tgz "$archives"/vzdump*"$ctid"*.tar.gz "$archives"/vzdump*"$ctid"*.tar; do
		[ ! -f "$file" ] || archive=$file
	done
	set -f
}

# Set $archive to the dump that vzdump is writing right now.
growing_archive() {
	archive=
	set +f
	for file in "$archives"/vzdump*"$ctid"*.dat; do
		[ ! -f "$file" ] || archive=$file
	done
	set -f
}

# Set $dumper to the session of the vzdump job of this migration that is at work; fail when none is.
is_dumping() {
	dumper=
	set +f
	for folder in "$state_dir/jobs/m$1"-*; do
		[ -f "$folder/session" ] || continue
		read -r _ _ about_op <"$folder/about"
		[ "$about_op" = vzdump ] || continue
		flock -n -s "$folder/lock" true || read -r dumper <"$folder/session"
	done
	set -f
	[ -n "$dumper" ]
}

# Send the archive while it is being written, in one stream. Should the connection break, the rest follows in
# pieces, of which only what is new is read.
run_push_archive() {
	prepare_push "$1" "$2" || return
	streamed=
	while is_dumping "$2"; do
		growing_archive
		if [ -z "$archive" ]; then
			sleep 0.3
		elif [ -z "$streamed" ]; then
			streamed=broken
			if follow_archive "$1" "$dumper"; then streamed=$archive; fi
		else
			send_tail "$1" "$3"
			sleep 1
		fi
	done
	finished_archive
	if [ -z "$archive" ]; then
		echo "there is no archive of container $ctid to push" >&2
		return 2
	fi
	name_arriving
	size=$(stat -c %s "$archive")
	printf '%s\n' "$size" >"$dir/total"
	[ "${streamed%.*}" = "${archive%.*}" ] || send_rest "$1" "$3" || return
	compare_digests "$1"
}

# Each dump has a name of its own: the rest of one is never appended to the beginning of another.
name_arriving() {
	arriving=${archive##*/}
	arriving=${arriving%%.*}.arriving
}

# One stream from the first byte on, until process $2 has ended. Both sides sum up what passes, so that
# nothing has to be read again. A dump keeps to its own cap, and so does what follows it.
follow_archive() {
	name_arriving
	rm -f "$dir/stream" "$dir/digest"
	mkfifo "$dir/stream" || return
	sha256sum <"$dir/stream" >"$dir/digest" &
	summing=$!
	(
		while sleep 5; do echo following; done
	) &
	beating=$!
	# shellcheck disable=SC2029,SC2086  # words the gate itself put together
	tail --pid="$2" -s 0.1 -c +1 -f "$archive" | tee "$dir/stream" |
		ssh $ssh_options "root@$1" "cd $remote_folder && tee $arriving | sha256sum >$arriving.sum"
	followed_rc=$?
	kill "$beating"
	[ $followed_rc -eq 0 ] || kill "$summing" 2>/dev/null
	wait
	return $followed_rc
}

send_rest() {
	rm -f "$dir/digest"
	for _ in 1 2 3 4 5; do
		if send_tail "$1" "$2"; then return; fi
		sleep 1
	done
	return 12
}

# The sums of a stream that was whole, or else both sides read the file at the same time; they stay beside it
# for whoever asks later.
compare_digests() {
	named=${archive##*/}
	sum_far="cut -c 1-64 $arriving.sum"
	if [ ! -s "$dir/digest" ]; then
		sha256sum <"$archive" >"$dir/digest" &
		sum_far="sha256sum <$named | cut -c 1-64"
	fi
	# shellcheck disable=SC2029,SC2086  # words the gate itself put together
	ssh $ssh_options "root@$1" "cd $remote_folder && mv -f $arriving $named && $sum_far >$named.sha256 && rm -f $arriving.sum && stat -c %s $named && cat $named.sha256" >"$dir/far"
	far_rc=$?
	wait
	[ $far_rc -eq 0 ] || return 12
	cut -c 1-64 "$dir/digest" >"$archive.sha256"
	read -r digest <"$archive.sha256"
	{ read -r far_size && read -r far_digest; } <"$dir/far"
	if [ "$size $digest" != "$far_size $far_digest" ]; then
		echo "the archive here has $size bytes and the digest $digest, the copy $far_size and $far_digest; the copy is thrown away" >&2
		# shellcheck disable=SC2029,SC2086  # words the gate itself put together
		ssh $ssh_options "root@$1" "rm -f $remote_folder/$named"
		return 1
	fi
	printf 'archive=%s\nbytes=%s\ndigest=%s\n' "$named" "$size" "$digest"
}

# Find out where the other node wants dumps, and make the migration's folder there.
prepare_push() {
	load trust_ops
	is_peer "$1" || return
	archive_folder "$2" || return
	load transfer_jobs
	transfer_words "$2" "$1"
	# shellcheck disable=SC2086  # words the gate itself put together
	remote_dump=$(within 30 ssh $ssh_options "root@$1" cat "$etc_vz/vz.conf" | sed -n 's/^DUMPDIR=["'\'']\{0,1\}\([^"'\'']*\).*/\1/p' | tail -n 1)
	[ -n "$remote_dump" ] || remote_dump=/vz/dump
	is_clean_path "$remote_dump" || return 1
	remote_folder=$remote_dump/ovzpanel-m$2
	# shellcheck disable=SC2086  # words the gate itself put together
	within 30 ssh $ssh_options "root@$1" "mkdir -p -m 700 $remote_folder"
}

send_tail() {
	name_arriving
	rsync --append --inplace --times --bwlimit="$2" "$report" -e "ssh $ssh_options" "$archive" "root@$1:$remote_folder/$arriving"
}

# Whichever program this node has: vzrestore since 1.2, vzdump --restore before.
run_restore() {
	load incoming_ops
	is_incoming "$1" || return
	archive_folder "$1" || return
	finished_archive
	if [ ! -s "$archive" ]; then
		echo "$archives holds no archive of container $ctid" >&2
		return 2
	fi
	if command -v vzrestore >/dev/null; then vzrestore "$archive" "$ctid"; else vzdump --restore "$archive" "$ctid"; fi
}
