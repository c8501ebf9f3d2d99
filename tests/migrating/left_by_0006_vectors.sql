SELECT store_vectors('tiny', 3, ARRAY['01930000-0000-7000-8000-000000000e01']::uuid[], ARRAY[1, 0.5, 0.25]::real[]);
