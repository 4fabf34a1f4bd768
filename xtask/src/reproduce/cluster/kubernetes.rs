//! Kubernetes: one indexed job over a shared volume.

use anyhow::Result;
use serde_json::json;

use super::Work;
use crate::shell::quoted;

const FOLDER: &str = "k8s";

/// Writes the manifest. YAML reads JSON, and so does `kubectl`.
pub(super) fn write(work: &Work<'_>) -> Result<()> {
    work.write_indices(FOLDER)?;
    let text = serde_json::to_string_pretty(&manifest(work))? + "\n";
    let path = work.write(FOLDER, "job.yaml", &text)?;
    println!(
        "{} cells written; to submit them: kubectl apply -f {}",
        work.indices.len(),
        quoted(&path.display().to_string())
    );
    Ok(())
}

fn manifest(work: &Work<'_>) -> serde_json::Value {
    let options = work.options;
    let out = work.out.display().to_string();
    let cell = format!(
        "index=$(sed -n \"$((JOB_COMPLETION_INDEX + 1))p\" {0}/{FOLDER}/indices) && \
         exec lane run-cell --cells {0}/{1} --index \"$index\" --quiet --json",
        quoted(&out),
        super::super::grid::CELLS,
    );
    let resources = json!({
        "cpu": options.cpus.to_string(),
        "memory": format!("{}Mi", work.memory_mib()),
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "lane-cells"},
        "spec": {
            "completionMode": "Indexed",
            "completions": work.indices.len(),
            "parallelism": options.throttle,
            "backoffLimitPerIndex": 2,
            "maxFailedIndexes": work.indices.len(),
            "template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "lane",
                    "image": options.image,
                    "command": ["sh", "-c", cell],
                    "env": [{"name": "RAYON_NUM_THREADS", "value": options.cpus.to_string()}],
                    "resources": {"requests": resources, "limits": resources},
                    "volumeMounts": [{"name": "results", "mountPath": out}],
                }],
                "volumes": [{
                    "name": "results",
                    "persistentVolumeClaim": {"claimName": options.claim},
                }],
            }},
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::ClusterOptions;
    use super::*;
    use crate::lane_binary::Lane;

    #[test]
    fn an_index_is_a_line_of_the_list() {
        let lane = Lane { path: "/lane".into(), fingerprint: String::new() };
        let options = ClusterOptions::parsed(&["--throttle", "7", "--image", "me/lane:1"]);
        let (lane, options) = (&lane, &options);
        let work = Work {
            lane,
            out: Path::new("/results/a grid"),
            indices: vec![3, 5, 8],
            memory_gib: 2.0,
            options,
        };
        let job = manifest(&work);
        let spec = &job["spec"];
        assert_eq!((&spec["completionMode"], &spec["completions"]), (&json!("Indexed"), &json!(3)));
        assert_eq!(spec["parallelism"], 7);
        let container = &spec["template"]["spec"]["containers"][0];
        let command = container["command"][2].as_str().unwrap();
        assert!(command.contains("'/results/a grid'/k8s/indices"), "{command}");
        assert!(command.contains("$((JOB_COMPLETION_INDEX + 1))p"), "{command}");
        assert_eq!(container["resources"]["limits"]["memory"], "3072Mi");
        assert_eq!(container["volumeMounts"][0]["mountPath"], "/results/a grid");
    }
}
