# The base is an argument, so that a mirror or a pinned digest can be given: --build-arg BASE=…
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
RUN python -m venv /opt/broker
COPY requirements.lock ./
RUN /opt/broker/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY broker ./broker
COPY templates ./templates
RUN /opt/broker/bin/pip install --no-cache-dir --no-deps .

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /var/lib/broker --create-home broker
COPY --from=build /opt/broker /opt/broker
ENV PATH=/opt/broker/bin:$PATH PYTHONUNBUFFERED=1
USER broker
# broker.toml, keys/ and data/ as `broker init` wrote them; keep it on a volume
WORKDIR /var/lib/broker
EXPOSE 8080
HEALTHCHECK --start-period=15s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/live', timeout=3)"]
ENTRYPOINT ["broker"]
CMD ["serve", "--config", "/var/lib/broker/broker.toml", "--bind", "0.0.0.0:8080"]
