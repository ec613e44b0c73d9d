# SPDX-License-Identifier: GPL-2.0
# Completion of ipcx(1) for bash: subcommands, options and the names that exist.

_ipcx()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} words= names= name

	if [ "$COMP_CWORD" -eq 1 ]; then
		words="create ls stat shutdown notify rm send recv peek watch call serve purge post wait set reset pulse map demo bench top trace help
			--help --version"
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		return
	fi
	case $prev in
	--mode|--max-msgs|--max-bytes|--max-msg|--size|--capacity|--initial|--max|--type|--except|--up-to|\
	--priority|--timeout|--count|--value|--signal|--pid|--offset|--length)
		return
		;;
	esac
	case $command in
	create)
		words="--mode --exclusive --max-msgs --max-bytes --max-msg --size --initial --max --robust
				--manual --set --capacity --broadcast --overflow --latest --reserve"
		[ "$COMP_CWORD" -eq 2 ] && words="queue region sem event stream $words"
		;;
	ls)		words="--long --json" ;;
	stat)		words="--json" names=1 ;;
	shutdown)	words="--now" names=1 ;;
	notify)		words="--read --write --shut --pid --signal --value --count --follow --timeout" names=1 ;;
	rm)		words="--all --force" names=1 ;;
	send)		words="--type --priority --raw --fd --timeout --nowait --create --eof" names=1 ;;
	recv)		words="--count --follow --all --create --fds --type --except --up-to --timeout --nowait
				--raw --verbose --json" names=1 ;;
	peek)		words="--type --except --up-to --timeout --nowait --raw --verbose --json" names=1 ;;
	call)		words="--type --timeout" names=1 ;;
	serve)		words="--count" names=1 ;;
	purge)		words="--type --except --up-to" names=1 ;;
	post|set|reset|pulse) names=1 ;;
	wait)		words="--any --all --timeout --nowait" names=1 ;;
	map)		words="--hex --read --write --offset --length" names=1 ;;
	watch)		words="--count --timeout --raw --verbose --json --help" ;;
	demo)		words="--no-bench" ;;
	top)		words="--delay --count --batch --json --processes --sort --counters --help" ;;
	trace)		words="--pid --all --time --mech --objects --timeline --hist --svg --output --buffer --json --help" ;;
	bench)		words="--case --mechanism --size --sweep --steps --placement --seconds --rounds --rate --quick --brief
				--floor --count --local --memory --json --markdown --svg --list" ;;
	help)		words="create ls stat shutdown notify rm send recv peek watch call serve purge post wait set reset pulse map demo bench top trace" ;;
	esac
	COMPREPLY=($(compgen -W "$words --help" -- "$cur"))
	[ "$names" ] || return
	# Not through compgen -W, which would run a name like $(command).
	while IFS= read -r name; do
		[[ $name == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
	done < <(ipcx ls 2>/dev/null)
}

complete -o default -F _ipcx ipcx
