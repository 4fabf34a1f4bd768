#!/bin/sh
# A stand-in for `lane` in the tests of `bench`: see fakes.rs. Steps take 6 and 8 ms, a training none.
echo "lane $* threads=$RAYON_NUM_THREADS" >> "$(dirname "$0")/calls"
case "$1" in
--version) echo "lane 0.0.0" ;;
bench)
    echo '{"steps":[{"ms":6.0},{"ms":8.0}],"ms":500.0,"rows":[[0,1]],"peak_memory_bytes":1000000}'
    ;;
train)
    while [ $# -gt 0 ]; do
        case $1 in --out) out=$2 ;; esac
        shift
    done
    mkdir -p "$out"
    echo '{"peak_memory_bytes":3000000}' > "$out/record.json"
    ;;
esac
