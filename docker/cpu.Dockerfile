# syntax=docker/dockerfile:1
# The server on a CPU, with the model of the package:
#
#   docker build -f docker/cpu.Dockerfile -t roborefer:cpu .
#   docker run --rm -p 127.0.0.1:25547:25547 -e ROBOREFER_API_KEY=... --read-only --tmpfs /tmp roborefer:cpu
#
# torch from PyPI brings the CUDA libraries along. Name PyTorch's own index of CPU wheels to leave them out:
# --build-arg TORCH_INDEX=<its address>. The version is pinned either way.

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/roborefer
COPY constraints/cpu.txt constraints/cpu.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/roborefer/bin/pip install -c constraints/cpu.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} ".[serve]"

FROM python:3.11-slim-bookworm
# No weights are fetched: mount a checkpoint (-v /path/to/it:/model:ro) and add "--model /model" to the command.
ENV PATH=/opt/roborefer/bin:$PATH HOME=/tmp USER=roborefer HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_WAIT_POLICY=PASSIVE
COPY --from=build /opt/roborefer /opt/roborefer
USER 10001:10001
WORKDIR /tmp
EXPOSE 25547
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:25547/readyz', timeout=4)"]
# SIGTERM, which docker sends, answers what is in flight first.
ENTRYPOINT ["roborefer", "serve", "--host", "0.0.0.0", "--quiet"]
