#!/bin/sh
# shellcheck disable=SC2154  # names are shared with the other files of the gate
# How much of the node is in use and by whom: everything a sample needs, in one answer. Every function only reads.

usage_fields=ctid,status,diskspace,diskspace.h,diskinodes,diskinodes.h,cpulimit,cpuunits,cpus
usage_seconds=4

usage_of_all() {
	usage_of_disk
	usage_of_node
	usage_of_containers
}

usage_of_disk() {
	container_folder VE_PRIVATE 101
	private=${value%/*}
	within "$usage_seconds" df -Pk -- "$private" 2>/dev/null | usage_of_filesystem disk_kib
	within "$usage_seconds" df -Pi -- "$private" 2>/dev/null | usage_of_filesystem inodes
}

usage_of_filesystem() {
	read -r _ || return 0
	read -r _ whole _ free _ || return 0
	printf '%s=%s %s\n' "$1" "$whole" "$free"
}

usage_of_node() {
	printf 'at=%s\n' "$(within 2 date +%s.%N)"
	awk '
	BEGIN {
		while ((getline < "/proc/uptime") > 0) print "uptime=" $1
		while ((getline < "/proc/loadavg") > 0) print "load=" $1 " " $2 " " $3
		while ((getline < "/proc/stat") > 0) {
			if ($1 == "cpu") print "cpu=" $2 " " $3 " " $4 " " $5 " " $6 " " $7 " " $8 " " ($9 == "" ? 0 : $9)
			else if ($1 ~ /^cpu[0-9]+$/) processors++
		}
		print "processors=" processors
		while ((getline < "/proc/meminfo") > 0) kib[$1] = $2
		if (!("MemAvailable:" in kib)) kib["MemAvailable:"] = kib["MemFree:"] + kib["Buffers:"] + kib["Cached:"]
		printf "memory_kib=%.0f %.0f\n", kib["MemTotal:"], kib["MemAvailable:"]
		printf "swap_kib=%.0f %.0f\n", kib["SwapTotal:"], kib["SwapFree:"]
		while ((getline line < "/proc/net/dev") > 0) {
			sub(/:/, " ", line)
			if (split(line, column, " ") >= 17) print "net=" column[1] " " column[2] " " column[10]
		}
	}' </dev/null
}

# Numbers stay the text the kernel printed: "unlimited" has more digits than awk can count.
usage_of_containers() {
	{
		within "$usage_seconds" vzlist -aHo "$usage_fields" 2>/dev/null
		set +f
		grep -H '^envID:' /proc/[0-9]*/status 2>/dev/null
	} | awk -v kernel="$proc_vz" '
	function traffic_inside(file) {
		rx = tx = 0
		while ((getline line < file) > 0) {
			sub(/:/, " ", line)
			if (split(line, column, " ") >= 17 && column[1] != "lo") { rx += column[2]; tx += column[10] }
		}
		close(file)
		return sprintf("%.0f %.0f", rx, tx)
	}
	function written(file) {
		bytes = "-"
		while ((getline line < file) > 0) if (split(line, column, " ") == 2 && column[1] == "write") bytes = column[2]
		close(file)
		return bytes
	}
	function known(text) { return text == "" ? "-" : text }
	/^\/proc\// {
		split($1, part, "/")
		if ($2 != "0" && !($2 in inside)) inside[$2] = part[3]
		next
	}
	NF == 9 && !($1 in status) {
		order[++count] = $1
		status[$1] = $2
		disk[$1] = $3 " " $4 " " $5 " " $6
		share[$1] = $7 " " $8 " " $9
	}
	END {
		while ((getline < (kernel "/vz/vestat")) > 0) if (NF >= 5 && $1 in status) {
			ticks[$1] = sprintf("%.0f", $2 + $3 + $4)
			up[$1] = $5
		}
		counters = kernel "/bc/resources"
		if ((getline line < counters) <= 0) counters = kernel "/user_beancounters"
		while ((getline line < counters) > 0) {
			first = 1
			split(line, column, " ")
			if (column[1] ~ /:$/) { ct = substr(column[1], 1, length(column[1]) - 1); first = 2 }
			if (column[first] == "physpages") memory[ct] = column[first + 1] " " column[first + 4]
			if (column[first] == "swappages") swap[ct] = column[first + 1] " " column[first + 4]
			fails[ct] += column[first + 5]
		}
		while ((getline line < "/proc/net/dev") > 0) {
			sub(/:/, " ", line)
			if (split(line, column, " ") >= 17 && column[1] ~ /^veth[0-9]+(\.[0-9]+)?$/) {
				ct = column[1]
				sub(/^veth/, "", ct)
				sub(/\..*/, "", ct)
				sent[ct] += column[10]
				received[ct] += column[2]
			}
		}
		for (number = 1; number <= count; number++) {
			ct = order[number]
			traffic = "- -"
			if (ct in inside) traffic = traffic_inside("/proc/" inside[ct] "/net/dev")
			else if (ct in sent) traffic = sprintf("%.0f %.0f", sent[ct], received[ct])
			print "ct=" ct " " status[ct] " " known(ticks[ct]) " " known(up[ct]) \
				" " (ct in memory ? memory[ct] : "- -") " " (ct in swap ? swap[ct] : "- -") \
				" " (ct in fails ? sprintf("%.0f", fails[ct]) : "-") " " disk[ct] " " traffic \
				" " written(kernel "/bc/" ct "/ioacct") " " share[ct]
		}
	}'
}
