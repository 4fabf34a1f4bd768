#!/bin/sh
# A stand-in for `lane` in the tests of `reproduce`: see fake_lane.rs.
command=$1
while [ $# -gt 0 ]; do
    case $1 in
        --data|--train) input=$2 ;; --out) out=$2 ;; --method) method=$2 ;; --seed) seed=$2 ;;
    esac
    shift
done
echo "$command $method $seed $RAYON_NUM_THREADS" >> "$(dirname "$0")/calls"
if [ "$command" = noise ]; then
    awk -F, 'NR==1 {print "id,text,label,gold,flipped"} NR>1 {print NR-2","$1","$2","$2","NR%2}' \
        "$input" > "$out"
    exit 0
fi
if [ "$method" = broken ]; then
    echo "error: no method broken" >&2
    exit 2
fi
mkdir -p "$out"
awk -F, 'NR==1 {print "row,weight"} NR>1 {print NR-2","($5==1 ? 0.2 : 1)}' "$input" > "$out/labels.csv"
printf '{"best":{"test":{"accuracy":0.%s}},"detection":{"average_precision":0.5}}' "$seed" \
    > "$out/result.json"
