# The image of one function, for those who ship images instead of zip files. Build from the repository's root:
#
#   docker build --build-arg FUNCTION=worker --platform linux/arm64 --tag docent-worker .
#
# FUNCTION is api, worker, janitor or migrator. A container image starts slower than the zip that `sam build` makes. Not
# tried by `cargo xtask test`, which needs no container engine.

# The same system as Lambda's, so that the binary asks for no newer C library than it will find there.
FROM public.ecr.aws/lambda/provided:al2023 AS build
# A pipe fails with its first part.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The image's own release fixes the versions of its packages.
# hadolint ignore=DL3041
RUN dnf install -y gcc gcc-c++ make cmake perl-core tar gzip && dnf clean all
ENV CARGO_HOME=/opt/cargo RUSTUP_HOME=/opt/rustup PATH=/opt/cargo/bin:$PATH
RUN curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain 1.95.0
WORKDIR /src
COPY . .
ARG FUNCTION
RUN --mount=type=cache,target=/opt/cargo/registry --mount=type=cache,target=/src/target \
    test -n "$FUNCTION" && cargo build --release --locked --package "$FUNCTION" --bin "$FUNCTION" \
    && install -D "target/release/$FUNCTION" /out/bootstrap

FROM public.ecr.aws/lambda/provided:al2023
COPY layer/ /opt/
COPY --from=build /out/bootstrap ${LAMBDA_RUNTIME_DIR}/bootstrap
# Lambda runs an image as a user without rights whatever is said here; this is for every other place.
USER 65534
# A name for the handler, which the base image asks for; the binary does not look at it.
CMD ["bootstrap"]
