#!/bin/sh
# What benchmarks/RESULTS.md holds: run it from a clone, on an idle machine, with a folder for the output.
#
#   benchmarks/foundation.sh OUT [demo] [large] [suite]     all three parts by default
#
# `warpsmith` is taken from .venv/bin where there is one, else from PATH.
set -u
out=$1
shift
mkdir -p "$out"
here=$(cd "$(dirname "$0")" && pwd -P)
[ -x "$here/../.venv/bin/warpsmith" ] && PATH=$here/../.venv/bin:$PATH

part() {  # part NAME COMMAND...: keep the output and the wall seconds
    name=$1
    shift
    echo "\$ $*"
    begun=$(date +%s)
    "$@" >"$out/$name.out" 2>"$out/$name.err"
    status=$?
    cat "$out/$name.out"
    echo "(exit $status, $(($(date +%s) - begun)) s)"
}

[ $# -eq 0 ] && set -- demo large suite
part doctor warpsmith doctor
for chosen in "$@"; do
    case $chosen in
    demo) part demo warpsmith demo --out "$out/demo" ;;
    large)
        for kind in triton cuda; do
            part "large-$kind" warpsmith verify "$here/large/relu.py" "$here/large/relu_$kind.py" --json
        done
        ;;
    suite) part suite warpsmith bench --tag starter --budget trials=2,wall=25s --out "$out/suite" ;;
    *) echo "no part '$chosen'; there are demo, large and suite" >&2 ;;
    esac
done
