#!/bin/sh
# An ordinary program sleeps twice in the middle of its work and wakes up in a new process.
# usage: demo.sh [LIMIT]    (packages of the standard library to look at; `elsewhere` is on PATH)
set -eu
limit=${1:-150}
census=$(cd "$(dirname "$0")" && pwd)/census.py
elsewhere=$(command -v elsewhere) || { echo "error: no elsewhere on PATH" >&2; echo "hint: run make demo" >&2; exit 1; }
python=$(dirname "$elsewhere")/python
[ -x "$python" ] || python=python3

place=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :; rm -rf "$place"' EXIT
cd "$place"
mkdir plain elsewhere

now() { date +%s%N; }
milliseconds() { echo $((($2 - $1) / 1000000)); }
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. census.py, as it is: python census.py $limit"
began=$(now)
(cd plain && "$python" "$census" "$limit" >output)
plain=$(milliseconds "$began" "$(now)")
tail -n 3 plain/output
echo "took $plain ms"

say "2. the same program under elsewhere, stopped twice: elsewhere run --snapshot census.snap census.py $limit"
cd elsewhere
third=$(awk "BEGIN { print $plain / 3000 }")
life=1
while :; do
    "$elsewhere" run --python "$python" --snapshot census.snap "$census" "$limit" >>output &
    pid=$!
    if [ $life -le 2 ]; then
        sleep "$third"
        asked=$(now)
        kill -TERM $pid
    fi
    code=0
    wait $pid || code=$?
    if [ $life -gt 2 ]; then break; fi
    slept=$(milliseconds "$asked" "$(now)")
    if [ $code -ne 75 ]; then
        echo "error: life $life ended with $code instead of 75" >&2
        exit 1
    fi
    rows=$(wc -l <census.csv)
    size=$(wc -c <census.snap)
    printf 'process %s: SIGTERM in the middle of "%s"; %s rows written; asleep in %s ms, %s bytes, exit code 75\n' \
        $pid "$(tail -n 1 output | cut -c 6-30 | tr -d ' ')" "$rows" "$slept" "$size"
    life=$((life + 1))
done
echo "process $pid: ran to its end, exit code $code"
pid=
tail -n 3 output
cd ..

say "3. what is different?"
[ "$code" -eq 0 ] || { echo "error: exit code $code" >&2; exit 1; }
cmp plain/output elsewhere/output
cmp plain/census.csv elsewhere/census.csv
[ ! -e elsewhere/census.snap ] || { echo "error: census.snap is still there" >&2; exit 1; }
echo "nothing: output ($(wc -l <plain/output) lines) and census.csv ($(wc -l <plain/census.csv) rows) are byte for byte the same"

say "4. a running program moves: an SSH server is started for this demo, with keys of its own"
sshd=$(dirname "$census")/../tests/remote/sshd.py
config=$("$python" "$sshd" start "$place/sshd") || { echo "skipped: no SSH server can be started here"; exit 0; }
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :; "$python" "$sshd" stop "$place/sshd"; rm -rf "$place"' EXIT
spec="ssh=far//ssh_config=$config"
examples=$(dirname "$census")
say "   python hi_bye.py ssh=far"
"$python" "$examples/hi_bye.py" "$spec"
say "   python nested.py ssh=far"
"$python" "$examples/nested.py" "$spec"
say "   elsewhere exec ssh=far -c …"
"$elsewhere" exec --python "$python" "$spec" -c 'import os; print("hello from", os.getpid())'
