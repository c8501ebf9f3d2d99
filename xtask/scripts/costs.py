#!/usr/bin/env python3
"""Writes docs/costs.md from the prices and volumes below; with --check, says whether the file is as it would be written.

    python3 xtask/scripts/costs.py            # writes
    python3 xtask/scripts/costs.py --check    # ends with 1 if docs/costs.md is out of date

Needs Python 3.10 and nothing else. Each price has the page it was read from and that page's date: AWS's own pages fill in
their tables in the browser, so that for most of them the number was read in an article that quotes it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
HOURS = 730  # of a month
DAYS = HOURS / 24


@dataclass(frozen=True)
class Price:
    what: str
    usd: float
    per: str
    source: str
    date: str


# Region us-east-1, US dollars, without taxes.
P = {
    "lambda_requests": Price("Lambda requests", 0.20, "million", "cloudchipr.com/blog/aws-lambda-pricing", "2024"),
    "lambda_gbs": Price("Lambda duration, arm64", 0.0000133334, "GB-second", "cloudchipr.com/blog/aws-lambda-pricing", "2024"),
    "http_api": Price("API Gateway HTTP API requests", 1.00, "million", "awsforengineers.com/blog/aws-api-gateway-pricing-explained", "May 2025"),
    "data_out": Price("Data to the internet", 0.09, "GB", "awsforengineers.com/blog/aws-api-gateway-pricing-explained", "May 2025"),
    "sqs": Price("SQS standard requests", 0.40, "million", "cloudburn.io/blog/amazon-sqs-pricing", "Mar 2026"),
    "sqs_fair": Price("SQS, on top for fair queues", 0.10, "million", "cloudburn.io/blog/amazon-sqs-pricing", "Mar 2026"),
    "logs": Price("CloudWatch Logs ingestion", 0.50, "GB", "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards", "Jun 2026"),
    "metric": Price("CloudWatch metric", 0.30, "month", "signoz.io/guides/cloudwatch-pricing", "Feb 2026"),
    "alarm": Price("CloudWatch alarm, each metric in it", 0.10, "month", "c3x.dev/resources/aws/aws_cloudwatch_metric_alarm", "undated"),
    "dashboard": Price("CloudWatch dashboard", 3.00, "month", "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards", "Jun 2026"),
    "xray": Price("X-Ray traces", 5.00, "million", "aws.amazon.com/xray/pricing", "undated"),
    "secret": Price("Secrets Manager secret", 0.40, "month", "techoral.com/aws/aws-parameter-store-vs-secrets.html", "undated"),
    "acu": Price("Aurora Serverless v2 capacity", 0.12, "ACU-hour", "awsnegotiations.com/blog/aurora-serverless-v2-pricing.html", "May 2026"),
    "aurora_gb": Price("Aurora storage", 0.10, "GB-month", "awsnegotiations.com/blog/aurora-serverless-v2-pricing.html", "May 2026"),
    "aurora_io": Price("Aurora I/O", 0.20, "million", "jusdb.com/blog/aws-rds-vs-aurora-vs-serverless-cost-comparison", "undated"),
    "valkey_gb": Price("ElastiCache Serverless for Valkey, data", 0.084, "GB-hour", "usage.ai/blogs/aws/database-savings-plans/elasticache/serverless-pricing", "Jun 2026"),
    "valkey_ecpu": Price("ElastiCache Serverless for Valkey, work", 0.0023, "million ECPU", "usage.ai/blogs/aws/database-savings-plans/elasticache/serverless-pricing", "Jun 2026"),
    "endpoint": Price("Interface endpoint, each zone", 0.01, "hour", "factualminds.com/blog/amazon-vpc-pricing-endpoints-peering-transit-gateway", "Jun 2026"),
    "nat": Price("NAT gateway", 0.045, "hour", "cloudburn.io/blog/aws-nat-gateway-pricing", "Feb 2026"),
    "nat_gb": Price("NAT gateway, data", 0.045, "GB", "cloudburn.io/blog/aws-nat-gateway-pricing", "Feb 2026"),
    "ipv4": Price("Public IPv4 address", 0.005, "hour", "cloudburn.io/blog/aws-nat-gateway-pricing", "Feb 2026"),
    "neon_cu": Price("Neon Launch, compute", 0.106, "CU-hour", "neon.com/faqs/managed-postgres-services-pay-active-compute", "undated, read 2026"),
    "neon_gb": Price("Neon Launch, storage", 0.35, "GB-month", "neon.com/faqs/managed-postgres-services-pay-active-compute", "undated, read 2026"),
    "upstash": Price("Upstash Redis, commands", 2.00, "million", "upstash.com/docs/redis/overall/billing", "undated, read 2026"),
    "sonnet_in": Price("claude-sonnet-4-5, input", 3.00, "million tokens", "deploybase.ai/articles/claude-api-pricing", "Mar 2026"),
    "sonnet_out": Price("claude-sonnet-4-5, output", 15.00, "million tokens", "deploybase.ai/articles/claude-api-pricing", "Mar 2026"),
    "haiku_in": Price("claude-haiku-4-5, input", 1.00, "million tokens", "deploybase.ai/articles/claude-api-pricing", "Mar 2026"),
    "haiku_out": Price("claude-haiku-4-5, output", 5.00, "million tokens", "deploybase.ai/articles/claude-api-pricing", "Mar 2026"),
}

# What AWS gives every account each month, for good: not counted in the table, summed below it.
FREE = [
    ("1,000,000 Lambda requests and 400,000 GB-seconds", 1.0 * P["lambda_requests"].usd + 400_000 * P["lambda_gbs"].usd),
    ("1,000,000 SQS requests", P["sqs"].usd),
    ("10 metrics, 10 alarms, 3 dashboards", 10 * P["metric"].usd + 10 * P["alarm"].usd + P["dashboard"].usd),
    ("5 GB of logs", 5 * P["logs"].usd),
    ("100,000 traces", 0.1 * P["xray"].usd),
    ("100 GB to the internet", 100 * P["data_out"].usd),
]

# --- Volumes: assumptions, all of them to be changed here --------------------------------------------------------------
CACHED = 0.30  # of the questions are answered from the cache
POLLS = 4  # looks at a question that was not
INPUT_TOKENS, OUTPUT_TOKENS = 4_600, 250  # of one call: 10 passages and the prompt; a short answer with citations
API_GB, API_SECONDS = 0.5, 0.025  # memory of the api, billed time of one request
WORKER_GB, WORKER_SECONDS = 0.5, 8.0  # of the worker; at this rate nearly every batch holds one question
JANITOR_GB, JANITOR_SECONDS = 0.25, 0.2
QUEUE_REQUESTS = 6  # of SQS for one job: send, receive, delete, lease, two extensions
IDLE_RECEIVES = 5 * 3 * 60 * HOURS  # of Lambda's five pollers at one idle queue, each 20 seconds
ALARM_METRICS = 10  # in the seven alarms of template.yaml
METRICS_BUSY, METRICS_IDLE = 32, 2  # series with a value: name by function, LlmErrors by kind
LOG_KB = {"request": 2.0, "job": 4.0, "sweep": 1.0}  # with access log, metrics and Lambda's own lines
ANSWER_KB = 3.0
REDIS_COMMANDS = {"ask": 9, "poll": 2, "job": 8, "sweep": 1}
AWAKE_MINUTES_AN_HOUR = 5.5  # idle: the janitor looks into the database once an hour, which pauses five minutes later
DATA_GB = 5


@dataclass(frozen=True)
class Volume:
    questions: float  # a month
    cached: float = CACHED

    @property
    def jobs(self):
        return self.questions * (1 - self.cached)

    @property
    def requests(self):
        return self.questions + self.jobs * POLLS


IDLE = Volume(0)
BUSY = Volume(10_000 * DAYS)
BUSY_WITHOUT_CACHE = Volume(10_000 * DAYS, cached=0.0)
SWEEPS = HOURS * 60  # a month: the janitor is invoked each minute
MILLION = 1e6


def functions(v):
    """What every way has in common: name -> US dollars a month."""
    invocations = v.requests + v.jobs + SWEEPS
    gb_seconds = (
        v.requests * API_GB * API_SECONDS + v.jobs * WORKER_GB * WORKER_SECONDS + SWEEPS * JANITOR_GB * JANITOR_SECONDS
    )
    queue = 2 * IDLE_RECEIVES + v.jobs * QUEUE_REQUESTS
    logs_gb = (v.requests * LOG_KB["request"] + v.jobs * LOG_KB["job"] + SWEEPS * LOG_KB["sweep"]) / 1e6
    metrics = METRICS_BUSY if v.questions else METRICS_IDLE
    return {
        "Functions": invocations / MILLION * P["lambda_requests"].usd + gb_seconds * P["lambda_gbs"].usd,
        "HTTP API and data out": v.requests / MILLION * P["http_api"].usd + v.requests * ANSWER_KB / 1e6 * P["data_out"].usd,
        "Queues": queue / MILLION * P["sqs"].usd + v.jobs * QUEUE_REQUESTS / MILLION * P["sqs_fair"].usd,
        "Logs, metrics, alarms, dashboard": logs_gb * P["logs"].usd
        + metrics * P["metric"].usd
        + ALARM_METRICS * P["alarm"].usd
        + P["dashboard"].usd,
        "Traces": invocations / MILLION * P["xray"].usd,
    }


def commands(v):
    of_questions = v.questions * REDIS_COMMANDS["ask"] + v.jobs * (POLLS * REDIS_COMMANDS["poll"] + REDIS_COMMANDS["job"])
    return of_questions + SWEEPS * REDIS_COMMANDS["sweep"]


def awake_hours(v, knows_that_it_is_idle=True):
    """Hours in which the database runs: all of them, unless nobody asks and Redis tells the janitor so."""
    return HOURS if v.questions or not knows_that_it_is_idle else HOURS * AWAKE_MINUTES_AN_HOUR / 60


def neon(v, has_redis):
    return {
        "Postgres (Neon Launch)": awake_hours(v, has_redis) * (0.5 if v.questions else 0.25) * P["neon_cu"].usd
        + DATA_GB * P["neon_gb"].usd
    }


def own(v):
    return neon(v, has_redis=True) | {"Redis (Upstash)": commands(v) / MILLION * P["upstash"].usd}


def serverless(v, egress):
    cached_gb = 0.2 if v.questions else 0.1  # 0.1 is the least that is charged
    data_gb = v.jobs * 30 / 1e6  # of one job: passages to the model, its answer back
    network = {
        "ipv6": 0.0,
        "endpoints": 3 * 2 * HOURS * P["endpoint"].usd,
        "nat": HOURS * (P["nat"].usd + P["ipv4"].usd) + data_gb * P["nat_gb"].usd,
    }[egress]
    return {
        "Postgres (Aurora)": awake_hours(v) * (1.0 if v.questions else 0.5) * P["acu"].usd
        + DATA_GB * P["aurora_gb"].usd
        + v.questions * 100 / MILLION * P["aurora_io"].usd,
        "Cache (Valkey)": cached_gb * HOURS * P["valkey_gb"].usd + commands(v) * 3 / MILLION * P["valkey_ecpu"].usd,
        "Secrets": 2 * P["secret"].usd,
        f"Way out ({egress})": network,
    }


def model(v, name):
    return v.jobs / MILLION * (INPUT_TOKENS * P[f"{name}_in"].usd + OUTPUT_TOKENS * P[f"{name}_out"].usd)


def ways():
    """Name -> (idle; 10,000 questions a day)."""

    def way(data, busy=BUSY):
        return tuple(functions(v) | data(v) for v in (IDLE, busy))

    return {
        "bring-your-own": way(own),
        "bring-your-own, without Redis": way(lambda v: neon(v, has_redis=False), BUSY_WITHOUT_CACHE),
        "serverless-vpc, VpcEgress=ipv6": way(lambda v: serverless(v, "ipv6")),
        "serverless-vpc, VpcEgress=endpoints": way(lambda v: serverless(v, "endpoints")),
        "serverless-vpc, VpcEgress=nat": way(lambda v: serverless(v, "nat")),
        "existing-vpc (without your database, cache and network)": way(lambda v: {}),
    }


def money(usd):
    return f"{usd:,.2f}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def text():
    out = [
        "# What it costs",
        "",
        "<!-- Written by xtask/scripts/costs.py, which holds the prices and the assumptions. Do not edit by hand. -->",
        "",
        "US dollars a month in us-east-1, by list prices, without taxes and without AWS's free allowances. It is arithmetic on",
        "the prices and volumes below and not a bill: nothing of it was measured in an account. What the language model costs is",
        "a table of its own, because it is by far the most.",
        "",
        "| `DataMode` | Idle | 10,000 questions a day |",
        "|---|---|---|",
    ]
    for name, columns in ways().items():
        out.append(row([name, *(money(sum(column.values())) for column in columns)]))
    free = sum(usd for _, usd in FREE)
    out += [
        "",
        f"AWS gives each account, each month and for good, what is worth up to {money(free)}:",
        *(f"{what};" for what, _ in FREE[:-1]),
        f"{FREE[-1][0]}.",
        "How much of it is left depends on what else runs in the account. With it, an idle `bring-your-own` costs what its",
        "database does, and that is nothing within Neon's free plan (100 CU-hours).",
        "",
        "**Idle is only cheap if the database sleeps.** The janitor looks each minute, but into Redis first: once it has found",
        "nothing open it looks into the database once an hour, until a request that may begin a job says otherwise. Without Redis",
        "it looks into the database each minute, which then never pauses; `SweepSchedule=rate(1 hour)` lets it, and the price is that",
        "a question whose message got lost waits up to an hour (or expires after `JobDeadlineSeconds`, which clients see at once).",
        "The first question after a pause is answered 503 until the database is back, which takes Aurora some 15 seconds.",
        "",
        "## What it is made of",
        "",
    ]
    for name, columns in ways().items():
        parts = list(dict.fromkeys(part for column in columns for part in column))
        out += [f"**{name}**", "", "| | Idle | 10,000 a day |", "|---|---|---|"]
        out += [row([part, *(money(column.get(part, 0.0)) for column in columns)]) for part in parts]
        out.append("")
    out += [
        "## The language model",
        "",
        f"{BUSY.jobs:,.0f} calls a month ({1 - CACHED:.0%} of 10,000 questions a day; the rest comes from the cache), each of "
        f"{INPUT_TOKENS:,} tokens in and",
        f"{OUTPUT_TOKENS} out. Idle it costs nothing. `RETRIEVAL_RERANK` and `CONTEXTUAL_HEADERS` come on top (docs/operations.md).",
        "",
        "| Model | 10,000 questions a day | One question that is not cached |",
        "|---|---|---|",
    ]
    for model_name, key in (("claude-sonnet-4-5", "sonnet"), ("claude-haiku-4-5", "haiku")):
        usd = model(BUSY, key)
        out.append(row([model_name, money(usd), f"{usd / BUSY.jobs:.4f}"]))
    out += [
        row(["extractive", "0.00", "0.0000"]),
        "",
        "## Assumptions",
        "",
        f"- A month of {HOURS} hours. {CACHED:.0%} of the questions are cached; each other one is looked at {POLLS} times.",
        f"- The api has {API_GB} GB and is billed {API_SECONDS * 1000:.0f} ms a request; the worker {WORKER_GB} GB and "
        f"{WORKER_SECONDS:.0f} s a question, one question a batch; the janitor",
        f"  {JANITOR_GB} GB and {JANITOR_SECONDS * 1000:.0f} ms a sweep. These times are guesses, not measurements on AWS.",
        f"- {QUEUE_REQUESTS} requests of SQS a job, and {2 * IDLE_RECEIVES / MILLION:.1f} million a month by Lambda's pollers at the two queues while nothing is in them.",
        f"- {METRICS_BUSY} metric series when busy, {METRICS_IDLE} when idle; {ALARM_METRICS} metrics in alarms; a trace for every invocation.",
        f"- {DATA_GB} GB in Postgres; {0.5} of Neon's units or 1 of Aurora's when busy; 100 I/Os a question.",
        "- Not counted: sign-ins, uploads, backups beyond the size of the database, support plans, the build pipeline.",
        "",
        "## Prices",
        "",
        "As found in November 2026. AWS's own pages fill in their numbers in the browser, so most were read where somebody quotes them:",
        "check the ones that matter to you. The date is that of the page.",
        "",
        "| What | USD | per | Read on | Of |",
        "|---|---|---|---|---|",
    ]
    for price in P.values():
        number = f"{price.usd:.10f}".rstrip("0")
        number += "0" * max(0, 2 - len(number.split(".")[1]))
        out.append(row([price.what, number, price.per, price.source, price.date]))
    out += [
        "",
        "Free of charge: SSM's standard parameters, EventBridge's scheduled rules, the egress-only internet gateway, gateway",
        "endpoints (S3). Supabase's prices were not looked up.",
        "",
    ]
    return "\n".join(out)


def main():
    wanted = text()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print("docs/costs.md is out of date: run python3 xtask/scripts/costs.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
