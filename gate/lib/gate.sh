#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# Entry of the gate: settle the environment, split the request into words, hand it to one verb.
# A request that is not understood whole is refused before anything happens.

set -fu
umask 077
LC_ALL=C
export LC_ALL
unset ENV BASH_ENV CDPATH GLOBIGNORE

# shellcheck source=gate/lib/settings.sh
. "$gate_lib/settings.sh"
# shellcheck source=gate/lib/words.sh
. "$gate_lib/words.sh"
# shellcheck source=gate/lib/answer.sh
. "$gate_lib/answer.sh"

read_settings "$gate_conf"

verb_ask() {
	[ $# -ge 1 ] || refuse "ask takes at least one fact"
	[ $# -le 30 ] || refuse "ask takes at most 30 facts"
	load questions
	for question do check_question "$question"; done
	load container_facts
	for question do answer_question "$question"; done
}

verb_do() {
	[ $# -ge 3 ] || refuse "do takes CTID TOKEN OP"
	check_word ctid "$1" || refuse "bad container"
	check_word token "$2" || refuse "bad token"
	signature_of_op "$3" || refuse "unknown operation"
	ctid=$1 token=$2 op=$3
	shift 3
	check_signature "$@"
	load fence
	load "$op_room"
	hold_fence "$ctid" "$token"
	answer_with "" "$out_limit_op" "op_$op" "$@"
}

verb_job() {
	[ $# -ge 1 ] || refuse "job takes run, start, status, cancel, forget or list"
	load jobs
	job_action=$1
	shift
	case $job_action in
	run) job_run "$@" ;;
	start) job_start "$@" ;;
	status) job_status "$@" ;;
	cancel) job_cancel "$@" ;;
	forget) job_forget "$@" ;;
	list) job_list "$@" ;;
	*) refuse "unknown job action" ;;
	esac
}

serve() {
	[ $# -ge 1 ] || refuse "empty request"
	verb=$1
	shift
	case $verb in
	hello)
		[ $# -eq 0 ] || refuse "hello takes no words"
		read -r host_name </proc/sys/kernel/hostname
		printf 'ovzgate %s %s\n' "$protocol_version" "$host_name"
		;;
	ask) verb_ask "$@" ;;
	do) verb_do "$@" ;;
	job) verb_job "$@" ;;
	*) refuse "unknown verb" ;;
	esac
}

request=${SSH_ORIGINAL_COMMAND-}
check_request "$request"
IFS=' '
# The words hold no blank, quote or glob character any more, and set -f is on: this is the one place
# where a request is split.
# shellcheck disable=SC2086
set -- $request
IFS=' 	
'
serve "$@"
