# syntax=docker/dockerfile:1
# The server on an NVIDIA GPU; the host needs the driver and the NVIDIA container toolkit:
#
#   docker build -f docker/cuda.Dockerfile -t roborefer:cuda .
#   docker run --rm --gpus all -p 127.0.0.1:25547:25547 -e ROBOREFER_API_KEY=... --read-only --tmpfs /tmp \
#     -v /path/to/RoboRefer-2B-SFT:/model:ro roborefer:cuda --model /model --dtype bfloat16
#
# torch's wheels carry the CUDA libraries, so that the base image has none.

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/roborefer
COPY constraints/cuda.txt constraints/cuda.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/roborefer/bin/pip install -c constraints/cuda.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[serve]"

FROM python:3.11-slim-bookworm
# No weights are fetched: mount a checkpoint, as above.
ENV PATH=/opt/roborefer/bin:$PATH HOME=/tmp USER=roborefer HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build /opt/roborefer /opt/roborefer
USER 10001:10001
WORKDIR /tmp
EXPOSE 25547
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:25547/readyz', timeout=4)"]
# SIGTERM, which docker sends, answers what is in flight first.
ENTRYPOINT ["roborefer", "serve", "--host", "0.0.0.0", "--device", "cuda", "--quiet"]
