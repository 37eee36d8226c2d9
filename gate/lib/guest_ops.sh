#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Lines inside a container that name an address: found on a copy at rest, changed only on one that has just arrived.
# What a container holds is its owner's. One that runs can swap a folder for a link to /dev, or a file for a FIFO,
# between looking at a path and opening it as root of this node; a link that rests is seen, and not followed.

most_files=50
most_lines=20
guest_places="etc usr/local/etc usr/local/psa/etc usr/local/directadmin/conf var/cpanel var/named opt/lampp/etc"

# awk's "line=NUMBER B64" for each of grep's NUMBER:TEXT; a base64 started per line takes seconds for a thousand.
# shellcheck disable=SC2016  # awk's own words
told_line='
	BEGIN {
		letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		for (i = 1; i < 256; i++) byte[sprintf("%c", i)] = i
	}
	function letter(value) { return substr(letters, int(value) % 64 + 1, 1) }
	{
		colon = index($0, ":")
		text = substr($0, colon + 1)
		said = ""
		for (i = 1; i <= length(text); i += 3) {
			bits = byte[substr(text, i, 1)] * 65536 + byte[substr(text, i + 1, 1)] * 256 + byte[substr(text, i + 2, 1)]
			said = said letter(bits / 262144) letter(bits / 4096) letter(bits / 64) letter(bits)
		}
		over = (3 - length(text) % 3) % 3
		print "line=" substr($0, 1, colon - 1) " " substr(said, 1, length(said) - over) substr("==", 1, over)
	}'

# tell_mentions CTID ADDRESS: per file "file=B64", then "line=NUMBER B64" for each line that names exactly it.
tell_mentions() {
	is_at_rest "$1" || return
	enter_private "$1" || return
	escaped=$(printf %s "$2" | sed 's/\./\\./g')
	case $2 in
	*:*) pattern="(^|[^0-9a-fA-F:])$escaped(\$|[^0-9a-fA-F:])" ;;
	*) pattern="(^|[^0-9.])$escaped(\$|[^0-9.]|\\.(\$|[^0-9]))" ;;
	esac
	# shellcheck disable=SC2016  # the inner shell's own words
	for place in $guest_places; do
		if [ ! -d "$place" ] || ! is_without_links "$place"; then continue; fi
		find "./$place" -xdev -type f -size -257k ! -name '*.ovz-m*' -print0
	done | {
		within "$fact_seconds" xargs -0 -r grep -lZIiE -e "$pattern" --
		echo $? >"$scratch.rc"
	} | head -z -n "$most_files" |
		within "$fact_seconds" xargs -0 -r -n 1 sh -c '
			printf "file=%s\n" "$(printf %s "${4#./}" | base64 -w0)"
			grep -niE -m "$2" -e "$1" -- "$4" | cut -c 1-400 | awk "$3"
			' sh "$pattern" "$most_lines" "$told_line"
	told=$?
	read -r searched <"$scratch.rc"
	# A search that was ended has not seen everything, and half a list looks like a whole one.
	[ "$searched" -ne 137 ] || return 137
	return $told
}

# edit_line M FILE NUMBER OLD NEW: all texts in base64. The line has to be OLD still; said again it is found done.
op_edit_line() {
	load incoming_ops
	is_incoming "$1" || return
	is_at_rest "$ctid" || return
	enter_private "$ctid" || return
	file=$(printf %s "$2" | base64 -d) OLD=$(printf %s "$4" | base64 -d) NEW=$(printf %s "$5" | base64 -d) || return 65
	is_plain_file "$file" || return
	export OLD NEW
	now=$(sed -n "$3p" "./$file")
	[ "$now" != "$NEW" ] || return 0
	if [ "$now" != "$OLD" ]; then
		echo "line $3 of $file is not what it was" >&2
		return 9
	fi
	[ -e "./$file.ovz-m$1" ] || cp -p "./$file" "./$file.ovz-m$1" || return
	fresh=$state_dir/tmp/edited-$$
	awk -v wanted="$3" 'NR == wanted { print ENVIRON["NEW"]; next } { print }' "./$file" >"$fresh" &&
		keep_ending "./$file" "$fresh" && cat "$fresh" >"./$file"
	edited=$?
	rm -f "$fresh"
	return $edited
}

# awk ends every line: a file whose last line had no end keeps it so.
keep_ending() {
	[ -n "$(tail -c 1 "$1")" ] || return 0
	truncate -s -1 "$2"
}

# Succeed when no process can change what container $1 holds: it is down, and so is every rehearsal of it.
is_at_rest() {
	load incoming_ops
	is_down "$1" || return
	rehearsals=$(grep -rlsxF "ctid=$1" "$state_dir/rehearsal")
	[ -n "$rehearsals" ] || return 0
	echo "container $1 is being rehearsed here as ${rehearsals##*/}" >&2
	return 32
}

enter_private() {
	container_folder VE_PRIVATE "$1"
	if [ ! -d "$value/etc" ] || [ -e "$value/root.hdd" ]; then
		echo "the private area of $1 cannot be looked into" >&2
		return 2
	fi
	cd -P "$value" || return
}

# Succeed when neither $1 nor a folder on the way to it is a link.
is_without_links() {
	walked=.
	rest=$1/
	while [ -n "$rest" ]; do
		walked=$walked/${rest%%/*}
		rest=${rest#*/}
		[ ! -L "$walked" ] || return
	done
}

# A file below the private area, reached without any link, of a size that a person edits.
is_plain_file() {
	case $1 in
	'' | /* | *../* | */.. | *'
'*) plain=no ;;
	*) plain=yes ;;
	esac
	if [ "$plain" = yes ] && is_without_links "$1" && [ -f "./$1" ] && [ "$(stat -c %s "./$1")" -le 262144 ]; then
		return 0
	fi
	echo "not a plain file of the container" >&2
	return 9
}
