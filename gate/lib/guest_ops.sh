#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Lines inside a container that name an address: found on any copy, changed only on one that has just arrived
# and does not run. Links are never followed: what a container holds is its owner's, and may point anywhere.

most_files=50
most_lines=20
guest_places="etc usr/local/etc usr/local/psa/etc usr/local/directadmin/conf var/cpanel var/named opt/lampp/etc"

# tell_mentions CTID ADDRESS: per file "file=B64", then "line=NUMBER B64" for each line that names exactly it.
tell_mentions() {
	enter_private "$1" || return
	escaped=$(printf %s "$2" | sed 's/\./\\./g')
	case $2 in
	*:*) pattern="(^|[^0-9a-fA-F:])$escaped(\$|[^0-9a-fA-F:])" ;;
	*) pattern="(^|[^0-9.])$escaped(\$|[^0-9.]|\\.(\$|[^0-9]))" ;;
	esac
	# shellcheck disable=SC2016  # the inner shell's own words
	for place in $guest_places; do
		[ -d "$place" ] && [ ! -L "$place" ] || continue
		find "./$place" -xdev -type f -size -257k ! -name '*.ovz-m*' -print0
	done | within "$fact_seconds" xargs -0 -r grep -lZIiE -e "$pattern" -- | head -z -n "$most_files" |
		xargs -0 -r -n 1 sh -c '
			printf "file=%s\n" "$(printf %s "${4#./}" | base64 -w0)"
			grep -niE -m "$2" -e "$1" -- "$4" | cut -c 1-400 | while IFS= read -r hit; do
				printf "line=%s %s\n" "${hit%%:*}" "$(printf %s "${hit#*:}" | base64 -w0)"
			done' sh "$pattern" "$most_lines" file
}

# edit_line M FILE NUMBER OLD NEW: all texts in base64. The line has to be OLD still; said again it is found done.
op_edit_line() {
	load incoming_ops
	is_incoming "$1" || return
	is_down "$ctid" || return
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

enter_private() {
	container_folder VE_PRIVATE "$1"
	if [ ! -d "$value/etc" ] || [ -e "$value/root.hdd" ]; then
		echo "the private area of $1 cannot be looked into" >&2
		return 2
	fi
	cd -P "$value" || return
}

# A file below the private area, reached without any link, of a size that a person edits.
is_plain_file() {
	case $1 in
	'' | /* | *../* | */.. | *'
'*) plain=no ;;
	*) plain=yes ;;
	esac
	walked=.
	rest=$1/
	while [ "$plain" = yes ] && [ -n "$rest" ]; do
		walked=$walked/${rest%%/*}
		rest=${rest#*/}
		[ ! -L "$walked" ] || plain=no
	done
	if [ "$plain" = yes ] && [ -f "./$1" ] && [ "$(stat -c %s "./$1")" -le 262144 ]; then return 0; fi
	echo "not a plain file of the container" >&2
	return 9
}
