#!/usr/bin/env bash
# Asks a deployment whether it is ready: smoke.sh ENVIRONMENT, one of samconfig.toml. A database that paused needs a while.
set -euo pipefail
stack="docent-$1"
url=$(aws cloudformation describe-stacks --stack-name "$stack" \
  --query "Stacks[0].Outputs[?OutputKey=='ApiUrl'].OutputValue" --output text)
for _ in $(seq 1 12); do
  if answer=$(curl --silent --show-error --fail-with-body --max-time 15 "$url/ready"); then
    echo "$stack is ready: $answer"
    exit 0
  fi
  echo "not yet: ${answer:-no answer}"
  sleep 5
done
echo "$stack did not become ready: $url/ready" >&2
exit 1
