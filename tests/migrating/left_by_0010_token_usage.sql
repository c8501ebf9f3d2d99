UPDATE jobs SET reserved_tokens = 5000,
                usage = '{"inputTokens": 100, "outputTokens": 7, "cacheReadTokens": 0, "cacheWriteTokens": 0, "costMicroUsd": 405}'
WHERE id = '01930000-0000-7000-8000-000000000f03';
