#!/bin/sh
# A stand-in for `lane` in the tests of `reproduce`: see fake_lane.rs.
here=$(dirname "$0")
command=$1
while [ $# -gt 0 ]; do
    case $1 in
        --data) input=$2 ;; --out) out=$2 ;; --seed) seed=$2 ;; --grid) grid=$2 ;;
        --cells) cells=$2 ;; --index) index=$2 ;; --force) force=1 ;;
    esac
    shift
done
if [ "$command" = methods ]; then
    echo '[{"name": "base"}, {"name": "lane"}, {"name": "broken"}]'
    exit 0
fi
if [ "$command" = few-shot ]; then
    echo "few-shot" >> "$here/calls"
    mkdir -p "$out"
    echo '{"runs": [{"accuracy": 0.25}, {"accuracy": 0.75}]}' > "$out/result.json"
    exit 0
fi
if [ "$command" = export ]; then
    printf 'row,epoch,label,margin,label_aware_margin,predicted\n1,2,b,-1,-4,a\n' > "$out/dynamics.csv"
    exit 0
fi
if [ "$command" = noise ]; then
    echo "noise $seed" >> "$here/calls"
    awk -F, 'NR==1 {print "id,text,label,gold,flipped"} NR>1 {print NR-2","$1","$2","$2","NR%2}' \
        "$input" > "$out"
    exit 0
fi
if [ "$command" = cells ]; then
    base=$(dirname "$grid")
    awk -F'"' '
        /^  "data"/ {part = "data"} /^  "variants"/ {part = "variants"} /^  "settings"/ {part = ""}
        part == "data" && $2 == "name" {name = $4}
        part == "data" && $2 == "noise" {gsub(/[^0-9.]/, "", $3); noise = $3}
        part == "data" && $2 == "seed" {gsub(/[^0-9]/, "", $3); seed = $3}
        part == "data" && $2 == "train" {data[n++] = name " " noise " " seed " " $4}
        part == "variants" && $2 == "label" {for (at = 0; at < n; at++) print data[at], $4}
    ' "$grid" | sort -k 1,2 -k 5,5 -k 3,3 | while read -r name noise seed train label; do
        sum=$(sed -n '/^  "settings"/,$p' "$grid" | cat - "$train" | cksum | cut -d ' ' -f 1)
        out=runs/$name/noise-$noise/$label/seed-$seed id=$sum$label$seed
        echo "{\"id\": \"$id\", \"out\": \"$out\"," \
            "\"place\": {\"dataset\": \"$name\", \"noise\": $noise, \"variant\": \"$label\", \"seed\": $seed}," \
            "\"config\": {\"data\": {\"train\": \"$train\"}}," \
            "\"fake\": \"$id $out $train $label $seed\"}"
    done > "$base/cells.jsonl"
    exit 0
fi
# run-cell: what the fake list says of the line, in order: id, folder, training file, method, seed.
set -- $(sed -n "$((index + 1))s/.*\"fake\": \"\([^\"]*\)\".*/\1/p" "$cells")
id=$1 folder=$(dirname "$cells")/$2 input=$3 method=$4 seed=$5
if [ -f "$folder/result.json" ] && [ -z "$force" ]; then
    echo '{"outcome": "kept"}'
    exit 0
fi
echo "train $method $seed $RAYON_NUM_THREADS" >> "$here/calls"
mkdir -p "$folder"
echo "{\"id\": \"$id\"}" > "$folder/cell.json"
if [ "$method" = broken ]; then
    echo '{"error": "no method broken"}' > "$folder/failed.json"
    echo "error: no method broken" >&2
    exit 2
fi
awk -F, 'NR==1 {print "row,weight"} NR>1 {print NR-2","($5==1 ? 0.2 : 1)}' "$input" > "$folder/labels.csv"
printf '{"best":{"test":{"accuracy":0.%s}},"detection":{"average_precision":0.5}}' "$seed" \
    > "$folder/result.json"
echo '{"outcome": "ran"}'
