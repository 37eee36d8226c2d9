#!/bin/sh
# shellcheck disable=SC2034,SC2154  # names are shared with the other files of the gate
# A fact is asked as NAME or NAME,ARG,ARG: take it apart, check it, answer it.

split_question() {
	fact_name=${1%%,*} fact_first='' fact_second=''
	case $1 in
	*,*,*,*) refuse "too many words in a fact" ;;
	*,*,*)
		fact_first=${1#*,}
		fact_second=${fact_first#*,}
		fact_first=${fact_first%%,*}
		;;
	*,*) fact_first=${1#*,} ;;
	esac
}

check_question() {
	signature_of_fact "${1%%,*}" || refuse "unknown fact"
	split_question "$1"
	case $1 in
	*,*,*) check_signature "$fact_first" "$fact_second" ;;
	*,*) check_signature "$fact_first" ;;
	*) check_signature ;;
	esac
}

answer_question() {
	split_question "$1"
	answer_with "$fact_name" "$out_limit_fact" "fact_$fact_name" "$fact_first" "$fact_second"
}
