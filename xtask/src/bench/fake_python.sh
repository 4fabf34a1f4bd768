#!/bin/sh
# A stand-in for a Python with torch in the tests of `bench`: see fakes.rs. Steps take 10 ms.
echo "python $* threads=$OMP_NUM_THREADS" >> "$(dirname "$0")/calls"
case "$1" in
-c)
    echo '{"python":"3","torch":"2"}'
    exit 0
    ;;
*train_base.py)
    while [ $# -gt 0 ]; do
        case $1 in --out) out=$2 ;; esac
        shift
    done
    echo '{"peak_memory_bytes":2000000}' > "$out"
    exit 0
    ;;
esac
echo '{"steps":[{"ms":10.0},{"ms":10.0}],"ms":1000.0,"peak_memory_bytes":2000000}'
