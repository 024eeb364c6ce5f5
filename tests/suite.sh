# What the suites' `run` programs share; they source it first. It takes them to the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# A report of a sanitizer ends the program, with the stack, also in a child whose words nobody reads.
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
TEST_SECONDS=120 # for one test program
ulimit -c 0      # a core file would lie in the checkout, and hold what no file should

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1"; }
skip() { echo "skip $1: $2"; }
indent() { sed 's/^/    /'; }

build() { # PRESET: makes build/PRESET; ends the suite when that fails
	local log=build/log/build-$1
	mkdir -p build/log
	if { cmake --preset "$1" && cmake --build "build/$1" -j "$(nproc)"; } >"$log" 2>&1; then
		return
	fi
	not_ok "build/$1"
	{ grep -E 'error|warning|undefined' -A 4 "$log" || tail -20 "$log"; } | head -60 | indent
	exit 1
}

# Runs one program that speaks TAP as cmocka does, and repeats each of its tests as a line of ours.
# One that ends early, by a crash or a report of a sanitizer, has failed, whatever it said before.
# A test that skips says "skipped: why" on a line of its own before it does.
tap() { # NAME PROGRAM
	local log=build/log/tap status=0
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "$TEST_SECONDS" "$2" >"$log" 2>"$log.err" || status=$?
	awk -v name="$1" -v status="$status" '
		/^1\.\.[0-9]+$/ { planned = substr($0, 4); next }
		/^# (not )?ok - / { next }
		/^skipped: / { why = substr($0, 10); next }
		/^not ok [0-9]+ # SKIP / { seen++; print "skip " name "/" $NF ": " (why ? why : "not said"); next }
		/^not ok [0-9]+ - / { seen++; failed++; print "not ok " name "/" $5; next }
		/^ok [0-9]+ - / { seen++; print "ok " name "/" $4; next }
		{ print "    " $0 }
		END {
			if (planned == 0 || seen != planned || (status != 0 && !failed))
				print "not ok " name ": ended with status " status " after " seen + 0 \
					" of " planned + 0 " tests"
		}' "$log"
	[[ $status -eq 0 ]] || indent <"$log.err"
}

# Runs the pytest files of a suite, each test as a line of ours (tests/pytest_lines.py). Debian's
# python3, because its modules are Debian's; the words after the name are pytest's own.
pytest_suite() { # SUITE [OPTION ...]
	local suite=$1
	shift
	mkdir -p "build/$suite"
	TOCSIN_SUITE=$suite PYTHONPATH=tests /usr/bin/python3 -m pytest -p pytest_lines \
		-p no:cacheprovider --rootdir="tests/$suite" --basetemp="build/$suite/tmp" "$@" "tests/$suite"
}
