# The server alone: built in one stage, run as a user without rights in another. Mount a volume on /data.
#   docker build -t tandem .
#   docker run --rm --network host -v tandem:/data tandem
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN ./dev setup run && ./dev build release tandem && ./dev build web && strip build/release/tandem

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsqlite3-0 libsimdjson14 libtomlplusplus3 libspdlog1.10 libfmt9 libcurl3-gnutls liblz4-1 libgnutls30 zlib1g ca-certificates libstdc++6 curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home tandem
COPY --from=build /src/build/release/tandem /usr/local/bin/tandem
COPY --from=build /src/build/web /usr/local/share/tandem/web
USER tandem
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENV TANDEM_SERVER_DATA=/data
HEALTHCHECK --interval=10s --timeout=3s CMD curl --fail --silent http://127.0.0.1:8080/health
STOPSIGNAL SIGTERM
ENTRYPOINT ["tandem"]
CMD ["dev"]
