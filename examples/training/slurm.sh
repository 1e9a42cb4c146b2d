#!/bin/bash
# Supervised fine-tuning on several nodes. Requeued or submitted again, it goes on from the last checkpoint.
#   MODEL=runs/align/model DATA=simulation_dataset+simulation_dataset_RGB OUT=runs/sft sbatch examples/training/slurm.sh
# STAGE=align or sft, ENGINE=fsdp2 or zero3. What follows the script's name goes on to `roborefer train`:
#   MODEL=m DATA=d OUT=runs/sft sbatch examples/training/slurm.sh --data-root /data --set learning_rate=1e-5
# MODEL, DATA and OUT are on a file system that all nodes share.
#SBATCH --job-name=roborefer-sft
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=48:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

: "${MODEL:?name the model to start from}" "${DATA:?name the mixture}" "${OUT:?name the folder of the run}"
STAGE=${STAGE:-sft}
CONFIG=${CONFIG:-$STAGE-2b-published}
ENGINE=${ENGINE:-fsdp2}
GPUS=${SLURM_GPUS_ON_NODE:-8}
NODES=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
HEAD=${NODES%%$'\n'*}
export MODEL DATA OUT STAGE CONFIG ENGINE GPUS HEAD
export PORT=$((20000 + SLURM_JOB_ID % 20000))

# Every node runs this once; SLURM_NODEID tells them apart.
srun --kill-on-bad-exit=1 bash -c '
  accelerate launch --config_file "examples/training/$ENGINE.yaml" \
    --num_machines "$SLURM_NNODES" --num_processes "$((SLURM_NNODES * GPUS))" --machine_rank "$SLURM_NODEID" \
    --main_process_ip "$HEAD" --main_process_port "$PORT" \
    -m roborefer train "$STAGE" --model "$MODEL" --data "$DATA" --config "$CONFIG" --out "$OUT" "$@"
' "$0" "$@"
